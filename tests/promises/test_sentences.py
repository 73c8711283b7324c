"""What a notebook's sentence says of runs that are not the report's: a cell alone, on numbers made for it."""

from types import SimpleNamespace

import numpy as np
import pytest

from helpers.explain import comparison
from helpers.metrics import mcnemar
from helpers.report.execution import read_cells
from helpers.store.files import ROOT

RUN = SimpleNamespace(claim=lambda _holds, sentence, epochs=1: sentence)


def cells(chapter, mark):
    """Return the sources of a chapter's code cells that hold `mark`."""
    (notebook,) = (ROOT / "notebooks").glob(f"{chapter}_*.ipynb")
    return [cell["source"] for cell in read_cells(notebook) if cell["type"] == "code" and mark in cell["source"]]


def said(chapter, mark, **names):
    """Execute the cell of a chapter that holds `mark`, and return what its last Markdown(...) says."""
    (source,), texts = cells(chapter, mark), []
    names |= {"np": np, "run": RUN, "Markdown": texts.append}
    exec(source, names)
    return texts[-1]


def history(loss, val_loss):
    return SimpleNamespace(loss=loss, val_loss=val_loss, seconds=[1.0] * len(loss))


def trained(epochs, loss, val_loss):
    images = SimpleNamespace(train=SimpleNamespace(images=range(6)))
    return said("03", "It ran away:", ran_away="", EPOCHS=epochs, dataset=images, first_loss=1.1, network=None,
                history=history(loss, val_loss))  # fmt: skip


def test_steps_that_overshot_in_the_only_epoch_are_no_training_that_ran_away():
    assert "ran away" not in trained(1, [14.8], [0.9])
    assert "ran away" not in trained(9, [14.8, *[0.01] * 8], [*[0.9] * 8, 12.0])  # it has but learned by heart
    assert "it is 394 at the end." in (told := trained(1, [1.1], [394.0]))
    assert "ran away" not in told  # after its only step
    assert "ran away" in trained(2, [14.8, 2000.0], [900.0, 4000.0])


def first_epoch(loss, val_loss, ran_away=""):
    alive = [np.ones(32), np.ones(64)]
    return said("03", "how = ", classes=2, history=history(loss, val_loss), alive_first=alive, alive_before=alive,
                ran_away=ran_away)  # fmt: skip


def test_an_epoch_of_one_step_is_judged_by_the_images_after_it():
    assert "the first steps overshoot" in first_epoch([0.7], [394.0])
    assert "no sign of steps that overshoot" in first_epoch([0.7], [0.6])


def test_a_training_that_ran_away_is_not_compared_with_itself():
    alive = [np.ones(32), np.ones(64)]
    of = {"alive_before": alive, "alive_first": alive, "alive_after": alive}
    assert "at its end" not in said("03", '"at its end"', ran_away="The loss became nan.", **of)
    assert "0 at its end" in said("03", '"at its end"', ran_away="", **of)


def balanced(train, test):
    labels = np.repeat(np.arange(len(test)), test)
    report = {"support": np.array(test), "recall": np.ones(len(test))}
    of = {"report": report, "accuracy": {"test": 1.0}, "dataset": SimpleNamespace(test=SimpleNamespace(labels=labels))}
    return said("03", "balanced accuracy", counts=np.array(train), names=["a", "b"], matrix=np.diag(test), **of)


def test_only_numbers_that_differ_are_called_different():
    assert "balanced" not in balanced([4, 4], [2, 2])
    assert "Classes have 1 to 2 test images: balanced" in balanced([4, 4], [1, 2])
    assert "Classes have 4 to 9 training and 1 to 3 test images: balanced" in balanced([4, 9], [1, 3])


def test_two_networks_that_are_right_on_the_same_images_do_not_differ_by_chance():
    names = {"mcnemar": mcnemar, "actual": np.array([0, 1]), "DATASET": "mine"}
    same = said("04", "= mcnemar(", scratch={"test_predicted": [0, 1]}, predicted=np.array([0, 1]), **names)
    assert "nothing to tell apart" in same
    assert "chance" not in same
    assert "only VGG19 on 1" in said("04", "= mcnemar(", scratch={"test_predicted": [0, 0]}, predicted=[0, 1], **names)


@pytest.mark.parametrize("moved", [0, 0.01])
def test_a_block_that_stayed_as_it_was_is_not_called_tuned(moved):
    twin = SimpleNamespace(indices=(3, 1), splits=("train", "test"))
    found = {"test_predicted": [0, 1]}
    told = said("04", "without a twin", same=[twin], actual=np.array([0, 1]), frozen=found, tuned=found, moved=moved)
    assert "with the new head" in told
    assert ("tuned" in told) == bool(moved)


def test_maps_that_are_0_have_no_maximum_at_the_border():
    maps = np.zeros((4, 224, 224), np.float32)
    maps[0, 100, 100] = maps[1, 0, 5] = 1
    told = said("06", "def in_ring", maps={"Grad-CAM": maps}, side=16)
    assert told.startswith("On 50% of the test images")
    assert "0 everywhere, 2 here, do not count" in told
    assert "no maximum to look for" in said("06", "def in_ring", maps={"Grad-CAM": 0 * maps}, side=16)


def test_the_clearest_mistakes_come_first():
    probabilities = np.array([[0.36, 0.33, 0.31], [0.45, 0.55, 0], [0.9, 0.1, 0]])
    vgg19 = SimpleNamespace(features=lambda *_, **_of: None, tail=lambda *_: None, predict=lambda *_: probabilities)
    names = {"actual": np.zeros(3, int), "results": {"test_predicted": [0, 1, 0]}, "model": None, "vgg19": vgg19}
    names["dataset"] = SimpleNamespace(test=SimpleNamespace(images=None))
    names |= {"run": SimpleNamespace(cache=str, claim=RUN.claim), "np": np, "Markdown": str}
    exec("\n".join(cells("06", "hardest = ")), names)
    assert names["hardest"].tolist() == [1, 0, 2]


@pytest.mark.parametrize("enough", [False, True])
def test_the_findings_give_no_verdict_on_too_few_images(enough):
    names = {"FEW": 5, "comparison": comparison, "enough": enough, "both": [], "pointed": {}}
    names |= {"passed": dict.fromkeys(comparison.METHODS, False), "groups": 9 if enough else 1, "mosaics": "groups"}
    names |= {"beaten": {"with distractors, the right picture": []}, "picture": {"Grad-CAM": (1.0, 0, 1)}}
    texts = []
    exec("\n".join([*cells("06", "def beats"), *cells("06", "met = {}")]), names | {"Markdown": texts.append})
    assert ("too few for a verdict" in texts[0]) != enough
    assert ("beats 0 of 3" in texts[0]) == enough
    assert ("2: no method" in texts[0]) == enough
