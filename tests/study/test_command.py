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

from helpers.store import files
from helpers.store.cache import versions
from helpers.store.code import code_digest
from helpers.study import command as study
from helpers.study import finished, measured, recipes
from helpers.study.recipes import RECIPES, Cell

DIGEST = "0" * 64


class Small:
    """What `recipes.Prepared` offers, of coloured noise: three classes, 12 x 12 pixels."""

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
        identity = np.zeros((3, 3, 3, 3), np.float32)
        identity[1, 1] = np.eye(3)
        return given | {"block5_conv1.0": identity, "block5_conv1.1": np.zeros(3, np.float32)}


class Noisy(Small):
    """The same with more noise: other numbers come of it."""

    name = "noisy"

    def arrays(self, network):
        given = super().arrays(network)
        noise = np.random.default_rng(1).integers(0, 90, given["train.images"].shape)
        return given | {"train.images": (given["train.images"] // 2 + noise).astype(np.uint8)}


PREPARED = {"small": Small(), "noisy": Noisy()}


def cells(seeds=2, network="scratch", sizes=(), **kwargs):
    return study.grid([Small()], [network], seeds, sizes, epochs=2, **kwargs)


def numbers(pairs):
    return {cell.name: {k: v for k, v in result.items() if k != "seconds"} for cell, result in pairs}


def test_two_processes_give_the_numbers_of_one(tmp_path):
    both = study.grid(PREPARED.values(), ["scratch"], 2, epochs=2)
    here = study.run(both, PREPARED, tmp_path / "one", workers=0)
    assert len({str(result["val"]) for _, result in here}) == 4
    there = study.run(both, PREPARED, tmp_path / "two", workers=2, train=tell_process)
    processes = {result["val"].pop("process") for _, result in there}
    assert numbers(here) == numbers(there)
    assert len(processes) == 2
    assert os.getpid() not in processes


def tell_process(cell, arrays):
    result = recipes.train(cell, arrays)
    result["val"]["process"] = os.getpid()
    return result


def test_a_killed_worker_costs_nothing_but_its_cell(tmp_path):
    mark = tmp_path / "killed"
    pairs = study.run(cells(2), PREPARED, tmp_path / "study", workers=1, train=functools.partial(kill_once, mark))
    assert mark.exists()
    assert numbers(pairs) == numbers(study.run(cells(2), PREPARED, tmp_path / "again", workers=0))


def kill_once(mark: Path, cell, arrays):
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return recipes.train(cell, arrays)


def counted(calls, cell, arrays):
    calls.append(cell)
    if len(calls) == 2:
        raise KeyboardInterrupt
    return recipes.train(cell, arrays)


def test_a_finished_cell_is_not_trained_again(tmp_path):
    calls = []
    with pytest.raises(KeyboardInterrupt):
        study.run(cells(3), PREPARED, tmp_path, workers=0, train=functools.partial(counted, calls))
    assert len(list(tmp_path.glob("*.json"))) == 1
    study.run(cells(3), PREPARED, tmp_path, workers=0, train=functools.partial(counted, calls))
    assert [cell.seed for cell in calls] == [0, 1, 1, 2]
    other = type("Other", (Small,), {"digest": "1" * 64})()
    assert finished.result_of(tmp_path, calls[0], other.digest) is None
    assert len(list(finished.results(tmp_path, "small", DIGEST))) == 3
    assert not list(finished.results(tmp_path, "small", other.digest))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cell": {}}', "one digit", "another thing"])
def test_a_damaged_cell_is_named(tmp_path, text):
    cell = cells(1)[0]
    path = tmp_path / f"{cell.name}.json"
    finished.keep(tmp_path, cell, DIGEST, {"val": {"loss": 0.25}})
    if text == "another thing":
        files.write_json(path, ["whole, but no training"])
    else:
        path.write_text(path.read_text().replace("0.25", "0.24") if text == "one digit" else text)
    with pytest.raises(ValueError, match=rf"{cell.name}\.json is damaged .* delete it"):
        study.run([cell], PREPARED, tmp_path, workers=0)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_failed_training_is_named(tmp_path, workers):
    with pytest.raises(RuntimeError, match=r"small_scratch_images8_seed0.*not today"):
        study.run(cells(1), PREPARED, tmp_path, workers=workers, train=fail)
    assert not list(tmp_path.glob("*.json"))


def fail(cell, arrays):
    raise ValueError("not today")


def diverge(cell, arrays):
    if cell.seed == 1:
        raise FloatingPointError("The loss became nan")
    return recipes.train(cell, arrays)


def test_what_was_finished_before_a_training_that_diverges_is_kept(tmp_path):
    with pytest.raises(RuntimeError, match=r"small_scratch_images8_seed1.* failed: .*The loss became nan") as caught:
        study.run(cells(3), PREPARED, tmp_path, workers=0, train=diverge)
    assert isinstance(caught.value.__cause__, FloatingPointError)
    assert [cell.seed for cell, _ in finished.results(tmp_path, "small", DIGEST)] == [0]


# What a finished training says of itself


def test_a_finished_training_names_its_code_and_versions(tmp_path):
    (pair,) = study.run(cells(1), PREPARED, tmp_path, workers=0)
    (path,) = tmp_path.glob("*.json")
    held = files.read_json(path, "")
    assert held["code"] == code_digest(recipes.train)
    assert held["versions"] == versions()
    assert held["result"] == pair[1]
    assert not {"code", "versions"} & pair[1].keys()


def test_a_finished_training_of_before_is_as_good(tmp_path):
    cell, result = cells(1)[0], {"val": {"loss": 0.25, "accuracy": 0.5}}
    value = {"cell": dataclasses.asdict(cell), "data": DIGEST, "result": result}
    files.write_json(tmp_path / f"{cell.name}.json", value)
    assert study.run([cell], PREPARED, tmp_path, workers=0, train=fail) == [(cell, result)]
    assert list(finished.results(tmp_path, "small", DIGEST)) == [(cell, result)]


def test_the_committed_trainings_are_those_of_the_committed_data():
    total = measured.load()
    for name, entry in total["datasets"].items():
        held = [cell for cell, _ in finished.results(study.FOLDER, name, entry["data"])]
        assert {cell.seed for cell in held if cell.network == "scratch"} >= set(entry["networks"]["scratch"]["seeds"])


def test_the_grid_holds_every_cell_once():
    made = study.grid([Small()], ["scratch", "vgg19_frozen"], 3, [2, 4, 8, 50], [0.003, 0.01], [10, 20], searched=2)
    assert len(made) == len(set(made)) == 2 * 3 * 3 + 2 * 3 + 2 * 4  # sizes; the settings that are not the report's
    of_scratch = [c for c in made if c.network == "scratch" and c.images == 8]
    assert {(c.learning_rate, c.batch_size) for c in of_scratch if c.seed == 2} == {(0.003, 10)}
    assert {(c.learning_rate, c.batch_size) for c in of_scratch if c.seed == 1} == {
        (0.003, 10), (0.003, 20), (0.01, 10), (0.01, 20),
    }  # fmt: skip
    assert {c.epochs for c in made} == {25}
    assert len({c.name for c in made}) == len(made)


def test_the_recipes_are_the_chapters():
    import ast
    import inspect

    from helpers.store.files import ROOT
    from helpers.vgg19 import head as transfer

    for name, function in (("vgg19_frozen", transfer.train_head), ("vgg19_tuned", transfer.tune_block5)):
        defaults = {k: p.default for k, p in inspect.signature(function).parameters.items()}
        recipe = RECIPES[name]
        assert recipe.epochs == defaults["epochs"]
        assert (recipe.learning_rate, recipe.batch_size) == (defaults["learning_rate"], defaults["batch_size"])
    notebook = json.loads((ROOT / "notebooks" / "03_cnn_training.ipynb").read_text(encoding="utf-8"))
    source = next("".join(c["source"]) for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", []))
    given = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert (given["LEARNING_RATE"], given["BATCH_SIZE"]) == (
        RECIPES["scratch"].learning_rate, RECIPES["scratch"].batch_size,
    )  # fmt: skip


def test_fewer_images_are_drawn_by_class_and_seed():
    arrays = Small().arrays("scratch")
    few = recipes.fewer(arrays, 3, seed=1)
    assert np.bincount(few["train.labels"]).tolist() == [3, 3, 3]
    assert len(few["val.labels"]) == 9
    for image, label in zip(few["train.images"], few["train.labels"], strict=True):
        at = [i for i in range(24) if np.array_equal(arrays["train.images"][i], image)]
        assert arrays["train.labels"][at[0]] == label
    assert np.array_equal(few["train.images"], recipes.fewer(arrays, 3, seed=1)["train.images"])
    assert not np.array_equal(few["train.images"], recipes.fewer(arrays, 3, seed=2)["train.images"])
    assert recipes.fewer(arrays, 8, seed=1) is arrays


@pytest.mark.parametrize("network", ["vgg19_frozen", "vgg19_tuned"])
def test_the_heads_learn_as_in_the_chapter(network):
    recipe, arrays = RECIPES[network], Small().arrays(network)
    cell = Cell("small", network, 0, 8, recipe.learning_rate, recipe.batch_size, 3)
    result = recipes.train(cell, arrays)
    assert numbers([(cell, result)]) == numbers([(cell, recipes.train(cell, arrays))])
    assert math.isclose(result["val"]["loss"], min(result["history"]["val_loss"]), rel_tol=1e-3) or network != (
        "vgg19_frozen"
    )
    other = Cell("small", network, 0, 8, recipe.learning_rate * 2, recipe.batch_size, 3)
    assert "test" not in recipes.train(other, arrays)  # no search can be led by the test images
    assert result["test"].keys() == result["val"].keys() == {"loss", "accuracy"}
    assert 12 * result["test"]["accuracy"] in range(13)  # of the 12 test images
    assert result["test"] not in (result["val"], result["train"])


@pytest.mark.parametrize("network", RECIPES)
def test_a_searched_setting_that_diverges_is_a_result_and_the_report_s_own_an_error(network, tmp_path, monkeypatch):
    recipe = RECIPES[network]
    cell = Cell("small", network, 0, 8, 1e30, recipe.batch_size, 2)
    with np.errstate(all="ignore"):
        ((_, result),) = study.run([cell], PREPARED, tmp_path, workers=0)
    assert set(result) == {"diverged", "seconds"}
    assert "1e+30" in result["diverged"]
    monkeypatch.setitem(RECIPES, network, dataclasses.replace(recipe, learning_rate=1e30))
    with np.errstate(all="ignore"), pytest.raises(RuntimeError, match=r"lr1e\+30.* failed.*1e\+30"):
        study.run([cell], PREPARED, tmp_path / "again", workers=0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--datasets", "nowhere"], "nowhere"),
        (["--networks", "lenet"], "no network 'lenet'"),
        (["--seeds", "0"], "greater than 0"),
        (["--learning-rates", "0"], "greater than 0"),
        (["--scheduler", "nonsense"], "is no scheduler's address"),
        (["--scheduler", "tcp://127.0.0.1:9"], "No scheduler answers at tcp://127.0.0.1:9"),
        (["--workers", "100000"], "cannot each have the 4 GB"),
        (["--workers", "-1"], "There cannot be -1 workers"),
    ],
)
def test_what_cannot_be_studied_gets_a_sentence(arguments, says, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(study, "PATIENCE", "1s")
    if "nowhere" not in arguments:
        monkeypatch.setattr(recipes, "Prepared", lambda *args, **kwargs: Small())
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
        (["--datasets", "scenes", "./scenes"], "./scenes and scenes have one name"),
        (["--datasets", "a/caltech101"], "a/caltech101 and the data set caltech101 have one name"),
        (["--datasets", "scenes", "scenes"], "Name each data set once, not scenes scenes."),
    ],
)
def test_what_cannot_be_studied_is_refused_before_any_data_is_there(arguments, says, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(recipes, "Prepared", lambda *args, **kwargs: pytest.fail("data was drawn or fetched"))
    monkeypatch.chdir(tmp_path)
    for folder in ("a/pictures", "b/pictures", "a/caltech101", "scenes"):
        (tmp_path / folder).mkdir(parents=True)
    assert study.main([*arguments, "--folder", str(tmp_path / "study")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_fewer_workers_than_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match="There cannot be -1 workers"):
        study.run(cells(1), PREPARED, tmp_path, workers=-1)


@pytest.mark.parametrize(
    ("folder", "arguments", "written"),
    [
        ("usual", [], "reports/measured.json"),
        ("other", [], "other/measured.json"),
        ("usual", ["--epochs", "1"], "usual/trial/measured.json"),
        ("other", ["--epochs", "1"], "other/trial/measured.json"),
    ],
)
def test_a_study_in_another_folder_leaves_the_projects_numbers_alone(tmp_path, monkeypatch, folder, arguments, written):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study, "FOLDER", tmp_path / "usual")
    monkeypatch.setattr(measured, "MEASURED", tmp_path / "reports" / "measured.json")
    monkeypatch.setattr(recipes, "Prepared", lambda *args, **kwargs: Small())
    asked = ["--networks", "scratch", "--seeds", "1", "--sizes", "--workers", "0", "--folder", folder, *arguments]
    for _ in range(2):  # the second time it lies beside the finished trainings
        assert study.main(asked) == 0
        assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("measured.json")] == [written]
    assert list(measured.load(tmp_path / written)["datasets"]) == ["small"]
