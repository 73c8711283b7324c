"""The study over seeds: the same numbers in one process and in two, resumed, survived, and summed up correctly."""

import dataclasses
import functools
import json
import math
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from helpers.store.code import code_digest
from helpers.study import cluster, table, trainings
from helpers.study import run as study
from helpers.study.settings import SETTINGS, Training, grid

DIGEST = "0" * 64


class Small:
    """What `trainings.Prepared` offers, of coloured noise: three classes, 12 x 12 pixels."""

    name, digest, largest = "small", DIGEST, 8

    def arrays(self, network):
        rng, given = np.random.default_rng(0), {}
        for split, n in (("train", 24), ("val", 9), ("test", 12)):
            labels = np.arange(n) % 3
            images = rng.integers(0, 90, (n, 12, 12, 3))
            images[np.arange(n), ..., labels] += 120
            given |= {f"{split}.labels": labels, f"{split}.images": images.astype(np.uint8)}
            given[f"{split}.block4"] = (images[:, :4, :4] / 9).astype(np.float32)
            given[f"{split}.pooled"] = given[f"{split}.block4"].max(axis=(1, 2))
        return given


class Noisy(Small):
    """The same with more noise: other numbers come of it."""

    name = "noisy"

    def arrays(self, network):
        given = super().arrays(network)
        noise = np.random.default_rng(1).integers(0, 90, given["train.images"].shape)
        return given | {"train.images": (given["train.images"] // 2 + noise).astype(np.uint8)}


PREPARED = {"small": Small(), "noisy": Noisy()}


def wanted(seeds=2, network="scratch", sizes=(), **kwargs):
    return grid([Small()], [network], seeds, sizes, epochs=2, **kwargs)


def numbers(pairs):
    return {training.name: {k: v for k, v in result.items() if k != "seconds"} for training, result in pairs}


@pytest.mark.slow
def test_two_processes_give_the_numbers_of_one(tmp_path):
    both = grid(PREPARED.values(), ["scratch"], 2, epochs=2)
    here = study.run(both, PREPARED, tmp_path / "one", workers=0)
    assert len({result["val_loss"] for _, result in here}) == 4
    there = study.run(both, PREPARED, tmp_path / "two", workers=2, train=tell_process)
    processes = {int(result.pop("versions")) for _, result in there}
    for _, result in here:
        del result["versions"]
    assert numbers(here) == numbers(there)
    one, two = ((tmp_path / folder / table.CURVES).read_bytes() for folder in ("one", "two"))
    assert one == two
    assert len(one.splitlines()) == 1 + 4 * 2  # two epochs each
    assert len(processes) == 2
    assert os.getpid() not in processes


def tell_process(training, arrays):
    return trainings.train(training, arrays) | {"versions": str(os.getpid())}


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_its_training(tmp_path):
    mark = tmp_path / "killed"
    pairs = study.run(wanted(2), PREPARED, tmp_path / "study", workers=1, train=functools.partial(kill_once, mark))
    assert mark.exists()
    assert numbers(pairs) == numbers(study.run(wanted(2), PREPARED, tmp_path / "again", workers=0))


def kill_once(mark: Path, training, arrays):
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return trainings.train(training, arrays)


def counted(calls, training, arrays):
    calls.append(training)
    if len(calls) == 2:
        raise KeyboardInterrupt
    return trainings.train(training, arrays)


def test_a_finished_training_is_not_repeated(tmp_path):
    calls = []
    with pytest.raises(KeyboardInterrupt):
        study.run(wanted(3), PREPARED, tmp_path, workers=0, train=functools.partial(counted, calls))
    assert len(table.read(tmp_path)) == 1
    study.run(wanted(3), PREPARED, tmp_path, workers=0, train=functools.partial(counted, calls))
    assert [training.seed for training in calls] == [0, 1, 1, 2]
    other = type("Other", (Small,), {"digest": "1" * 64})()
    with pytest.raises(RuntimeError, match="not today"):  # on other images nothing is finished
        study.run(wanted(1), {"small": other}, tmp_path, workers=0, train=fail)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_a_failed_training_is_named(tmp_path, workers):
    with pytest.raises(RuntimeError, match=r"small_scratch_images8_seed0.*not today"):
        study.run(wanted(1), PREPARED, tmp_path, workers=workers, train=fail)
    assert not table.read(tmp_path)


def fail(training, arrays):
    raise ValueError("not today")


def diverge(training, arrays):
    if training.seed == 1:
        raise FloatingPointError("The loss became nan")
    return trainings.train(training, arrays)


def test_what_was_finished_before_a_training_that_diverges_is_kept(tmp_path):
    with pytest.raises(RuntimeError, match=r"small_scratch_images8_seed1.* failed: .*The loss became nan") as caught:
        study.run(wanted(3), PREPARED, tmp_path, workers=0, train=diverge)
    assert isinstance(caught.value.__cause__, FloatingPointError)
    assert [training.seed for training, _ in table.read(tmp_path)] == [0]


def test_a_finished_training_is_good_whatever_code_and_versions_made_it(tmp_path):
    ((training, result),) = study.run(wanted(1), PREPARED, tmp_path, workers=0)
    assert result["code"] == code_digest(trainings.train)
    assert f"numpy {np.__version__}" in result["versions"].split(", ")
    for other in ({"code": "f" * 64, "versions": "numpy 1.0"}, {"code": None, "versions": None}):
        table.keep(tmp_path, training, result | other)
        assert study.run([training], PREPARED, tmp_path, workers=0, train=fail) == [(training, result | other)]


def test_the_grid_holds_every_training_once():
    made = grid([Small()], ["scratch", "vgg19_frozen"], 3, [2, 4, 8, 50], [0.003, 0.01], [10, 20], searched=2)
    assert len(made) == len(set(made)) == 2 * 3 * 3 + 2 * 3 + 2 * 4  # sizes; the settings that are not the report's
    of_scratch = [c for c in made if c.network == "scratch" and c.images_per_class == 8]
    assert {(c.learning_rate, c.batch_size) for c in of_scratch if c.seed == 2} == {(0.003, 10)}
    assert {(c.learning_rate, c.batch_size) for c in of_scratch if c.seed == 1} == {
        (0.003, 10), (0.003, 20), (0.01, 10), (0.01, 20),
    }  # fmt: skip
    assert {c.epochs for c in made} == {25}
    assert len({c.name for c in made}) == len(made)


def test_the_settings_are_the_chapters():
    import ast
    import inspect

    from helpers.store.files import ROOT
    from helpers.vgg19 import head as transfer

    for name, function in (("vgg19_frozen", transfer.train_head), ("vgg19_tuned", transfer.tune_block5)):
        defaults = {k: p.default for k, p in inspect.signature(function).parameters.items()}
        usual = SETTINGS[name]
        assert usual.epochs == defaults["epochs"]
        assert (usual.learning_rate, usual.batch_size) == (defaults["learning_rate"], defaults["batch_size"])
    notebook = json.loads((ROOT / "notebooks" / "03_cnn_training.ipynb").read_text(encoding="utf-8"))
    source = next("".join(c["source"]) for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
    given = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert (given["LEARNING_RATE"], given["BATCH_SIZE"]) == (
        SETTINGS["scratch"].learning_rate, SETTINGS["scratch"].batch_size,
    )  # fmt: skip


def test_fewer_images_are_drawn_by_class_and_seed():
    arrays = Small().arrays("scratch")
    few = trainings.fewer(arrays, 3, seed=1)
    assert np.bincount(few["train.labels"]).tolist() == [3, 3, 3]
    assert len(few["val.labels"]) == 9
    for image, label in zip(few["train.images"], few["train.labels"], strict=True):
        at = [i for i in range(24) if np.array_equal(arrays["train.images"][i], image)]
        assert arrays["train.labels"][at[0]] == label
    assert np.array_equal(few["train.images"], trainings.fewer(arrays, 3, seed=1)["train.images"])
    assert not np.array_equal(few["train.images"], trainings.fewer(arrays, 3, seed=2)["train.images"])
    assert trainings.fewer(arrays, 8, seed=1) is arrays


@pytest.fixture
def small_vgg19(monkeypatch):
    """Stand in for VGG19: block 5 is one convolution of three channels, the identity."""
    from helpers.vgg19 import backbone
    from helpers.vgg19.backend import keras

    def build(weights):
        inputs = keras.Input((4, 4, 3))
        x = keras.layers.Identity(name="block4_pool")(inputs)
        layer = keras.layers.Conv2D(3, 3, padding="same", activation="relu", name="block5_conv1")
        model = keras.Model(inputs, keras.layers.MaxPooling2D(2, 2, name="block5_pool")(layer(x)))
        identity = np.zeros((3, 3, 3, 3), np.float32)
        identity[1, 1] = np.eye(3)
        layer.set_weights([identity, np.zeros(3, np.float32)])
        return model

    monkeypatch.setattr(backbone, "build", build)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["vgg19_frozen", "vgg19_tuned"])
def test_the_heads_learn_as_in_the_chapter(network, small_vgg19):
    usual, arrays = SETTINGS[network], Small().arrays(network)
    training = Training("small", network, 0, 8, usual.learning_rate, usual.batch_size, 3)
    result = trainings.train(training, arrays)
    assert numbers([(training, result)]) == numbers([(training, trainings.train(training, arrays))])
    assert math.isclose(result["val_loss"], min(result["history"]["val_loss"]), rel_tol=1e-3) or network != (
        "vgg19_frozen"
    )
    other = dataclasses.replace(training, learning_rate=usual.learning_rate * 2)
    assert not {"test_loss", "test_accuracy"} & trainings.train(other, arrays).keys()  # no search can be led by them
    assert 12 * result["test_accuracy"] in range(13)  # of the 12 test images
    assert result["test_loss"] not in (result["val_loss"], result["train_loss"])


@pytest.mark.slow
@pytest.mark.parametrize("network", SETTINGS)
def test_a_searched_setting_that_diverges_is_a_result_and_the_report_s_own_an_error(
    network, tmp_path, monkeypatch, small_vgg19
):
    usual = SETTINGS[network]
    training = Training("small", network, 0, 8, 1e30, usual.batch_size, 2)
    with np.errstate(all="ignore"):
        ((_, result),) = study.run([training], PREPARED, tmp_path, workers=0)
    assert {name for name in (*table.SCORES, "diverged") if result[name] is not None} == {"diverged"}
    assert "1e+30" in result["diverged"]
    monkeypatch.setitem(SETTINGS, network, usual._replace(learning_rate=1e30))
    with np.errstate(all="ignore"), pytest.raises(RuntimeError, match=r"lr1e\+30.* failed.*1e\+30"):
        study.run([training], PREPARED, tmp_path / "again", workers=0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--datasets", "nowhere"], "nowhere"),
        (["--networks", "lenet"], "no network 'lenet'"),
        (["--seeds", "0"], "greater than 0"),
        (["--learning-rates", "0"], "greater than 0"),
        (["--scheduler", "nonsense"], "is no scheduler's address"),
        (["--scheduler", "tcp://127.0.0.1:9"], "No scheduler answers at tcp://127.0.0.1:9:"),
        (["--scheduler", "tcp://127.0.0.1:9/"], "No scheduler answers at tcp://127.0.0.1:9:"),
        (["--scheduler", "tcp://[::1]:9"], "No scheduler answers at tcp://[::1]:9:"),
        (["--scheduler", "127.0.0.1:9"], "No scheduler answers at 127.0.0.1:9:"),
        (["--workers", "100000"], "cannot each have the 4 GB"),
        (["--workers", "-1"], "There cannot be -1 workers"),
    ],
)
def test_what_cannot_be_studied_gets_a_sentence(arguments, says, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    if "nowhere" not in arguments:
        monkeypatch.setattr(trainings, "Prepared", lambda *args, **kwargs: Small())
    assert study.main([*arguments, "--folder", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--networks", "scratch", "lenet"], "no network 'lenet'"),
        (["--seeds", "0"], "greater than 0"),
        (["--epochs", "-1"], "greater than 0"),
        (["--scheduler", "nonsense"], "is no scheduler's address"),
        (["--workers", "-1"], "There cannot be -1 workers: give a number from 1, or 0 for none but this process."),
        (["--datasets", "scenes", "nowhere"], "Unknown data set 'nowhere'"),
        (["--datasets", "a/pictures", "b/pictures"], "b/pictures and a/pictures have one name, and so would their"),
        (["--datasets", "scenes", "./scenes"], "./scenes and the data set scenes have one name"),
        (["--datasets", "a/caltech101"], "a/caltech101 and the data set caltech101 have one name"),
        (["--datasets", "scenes", "scenes"], "Name each data set once, not scenes scenes."),
    ],
)
def test_what_cannot_be_studied_is_refused_before_any_data_is_there(arguments, says, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(trainings, "Prepared", lambda *args, **kwargs: pytest.fail("data was drawn or fetched"))
    monkeypatch.chdir(tmp_path)
    for folder in ("a/pictures", "b/pictures", "a/caltech101", "scenes"):
        (tmp_path / folder).mkdir(parents=True)
    assert study.main([*arguments, "--folder", str(tmp_path / "study")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_fewer_workers_than_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="There cannot be -1 workers"):
        study.run(wanted(1), PREPARED, tmp_path, workers=-1)


@pytest.mark.parametrize(
    ("folder", "arguments", "place"),
    [
        ("reports", [], "reports"),
        ("other", [], "other"),
        ("reports", ["--epochs", "1"], "reports/study/trial"),
        ("other", ["--epochs", "1"], "other/study/trial"),
    ],
)
def test_a_trial_and_a_study_elsewhere_leave_the_projects_numbers_alone(
    tmp_path, monkeypatch, capsys, folder, arguments, place
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trainings, "Prepared", lambda *args, **kwargs: Small())
    monkeypatch.setitem(SETTINGS, "scratch", SETTINGS["scratch"]._replace(epochs=2))
    asked = ["--networks", "scratch", "--seeds", "1", "--sizes", "--workers", "0", "--folder", folder, *arguments]
    for _ in range(2):
        assert study.main(asked) == 0
        written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*") if path.suffix != ".lock"}
        assert written == {f"{place}/{name}" for name in (table.TABLE, table.CURVES)}
    assert capsys.readouterr().out.endswith(f"{Path(place, table.TABLE)}\n")
    assert len(table.read(tmp_path / place)) == 1
