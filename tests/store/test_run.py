"""A notebook's run: parameters, artifacts in a folder a chapter, claims, and where a run may lie."""

import ast
import json
import re
from pathlib import PureWindowsPath

import numpy as np
import pytest

from helpers.report.command import committed
from helpers.report.execution import read_cells
from helpers.store import Run, files, number, run, whole_number
from helpers.store.run import resolve_run_dir

THIRD, FOURTH = "03_cnn_training", "04_vgg19"


# Parameters


@pytest.mark.parametrize(("name", "value"), [("seed", 7), ("seed", "7"), ("seed", np.int64(7)), ("epochs", "1")])
def test_parameters_are_integers_whatever_brought_them(tmp_path, name, value):
    made = Run(THIRD, "scenes", tmp_path, **{name: value})
    assert getattr(made, name) == int(value)
    assert type(getattr(made, name)) is int


@pytest.mark.parametrize("value", [7.0, "seven", -1, "", None, True, "7.0", float("nan")])
def test_a_seed_that_is_none_is_refused_in_the_command_lines_words(tmp_path, value):
    with pytest.raises(ValueError, match=re.escape(f"SEED is {value}: it must be an integer from 0.")):
        Run(THIRD, "scenes", tmp_path / "run", seed=value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("value", [0, "many", 2.5, ""])
def test_epochs_that_are_none_are_refused(tmp_path, value):
    with pytest.raises(ValueError, match=re.escape(f"EPOCHS is {value}: it must be an integer from 1.")):
        Run(THIRD, "scenes", tmp_path, epochs=value)


def test_other_numbers_have_a_sentence_too():
    assert (whole_number("BATCH_SIZE", "10", 1), number("DROPOUT", "0.5", below=1)) == (10, 0.5)
    assert number("LEARNING_RATE", 1e-6) == 1e-6
    with pytest.raises(ValueError, match=r"BATCH_SIZE is 0: it must be an integer from 1\."):
        whole_number("BATCH_SIZE", 0, 1)
    for value in (-0.1, 1, "half", float("nan"), True):
        with pytest.raises(ValueError, match=rf"DROPOUT is {value}: it must be a number from 0 and below 1\."):
            number("DROPOUT", value, below=1)
    with pytest.raises(ValueError, match=r"LEARNING_RATE is inf: it must be a number from 0\."):
        number("LEARNING_RATE", "inf")


# Artifacts


def test_a_chapter_reads_what_another_wrote(tmp_path):
    third, fourth = Run(THIRD, "scenes", tmp_path), Run(FOURTH, "scenes", tmp_path)
    third.save_json("results", {"accuracy": 0.5})
    fourth.save_json("results", {"accuracy": 0.9})  # another file
    third.save_arrays("network", w=np.arange(3), b=np.zeros(1))
    assert fourth.load_json(THIRD, "results") == {"accuracy": 0.5}
    assert fourth.load_arrays(THIRD, "network")["w"].tolist() == [0, 1, 2]
    assert list(fourth.load_arrays(THIRD, "network", ["b"])) == ["b"]
    assert third.path("network.npz") == fourth.artifact(THIRD, "network.npz")
    assert third.cache("scenes") == fourth.cache("scenes") == tmp_path / "cache" / "scenes.npz"


def test_what_is_missing_or_damaged_names_the_notebook(tmp_path):
    made = Run(FOURTH, "scenes", tmp_path)
    for load in (made.load_json, made.load_arrays):
        with pytest.raises(
            FileNotFoundError, match=r"scores.* is missing: run notebook 03_cnn_training first, or `make"
        ):
            load(THIRD, "scores")
    path = Run(THIRD, "scenes", tmp_path).save_json("scores", 1)
    path.write_text("2")
    with pytest.raises(
        ValueError, match=r"scores.json is damaged .*: delete it and run notebook 03_cnn_training again"
    ):
        made.load_json(THIRD, "scores")


# Claims


@pytest.fixture
def strict(monkeypatch):
    monkeypatch.setenv("REPORT_CLAIMS", "strict")


def test_a_false_claim_of_the_reports_own_run_stops_where_that_is_asked_for(tmp_path, strict, monkeypatch):
    for dataset in ("scenes", "caltech101"):
        made = Run(THIRD, dataset, tmp_path)
        assert made.claim(True, "It has halved.", epochs=25) == "It has halved."
        with pytest.raises(AssertionError, match=r"Not as claimed of the report's own run: It has not halved\."):
            made.claim(np.bool_(False), "It has not halved.", epochs=25)
    monkeypatch.delenv("REPORT_CLAIMS")
    assert made.claim(False, "It has not halved.") == "It has not halved."


@pytest.mark.parametrize(
    "other",
    [{"dataset": "./scenes"}, {"weights": "imagenet"}, {"seed": 1}, {"epochs": 4}, {"usual": False}],
    ids=lambda other: next(iter(other)),
)
def test_no_claim_stops_another_run(tmp_path, strict, other):
    given = {"dataset": "scenes", "run_dir": tmp_path, **other}
    assert Run(THIRD, **given).claim(False, "It has not halved.", epochs=5) == "It has not halved."


@pytest.mark.parametrize("path", committed(), ids=lambda path: path.stem)
def test_each_notebook_says_which_it_is_and_calls_its_own_parameters_usual(path, monkeypatch):
    monkeypatch.delenv("EPOCHS", raising=False)
    cells = [cell for cell in read_cells(path) if cell["type"] == "code"]
    scope = {}
    exec(next(cell["source"] for cell in cells if "parameters" in cell["tags"]), scope)
    [call] = [
        node
        for cell in cells
        if "Run(" in cell["source"]
        for node in ast.walk(ast.parse(cell["source"]))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Run"
    ]
    made = eval(compile(ast.Expression(call), path.name, "eval"), {**scope, "Run": Run})
    assert made.chapter == path.stem
    assert made.own
    named = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
    assert named >= {name for name in scope if name.isupper()}  # each parameter has its say


# Where a run lies


def test_the_folder_of_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    reports = files.ROOT / "reports"
    assert (files.ROOT / "helpers" / "store" / "run.py").is_file()
    assert resolve_run_dir("", "scenes") == reports / "scenes"
    assert resolve_run_dir("", "some/where/birds/") == reports / "birds"
    assert resolve_run_dir("", "./birds") == reports / "birds"
    assert resolve_run_dir("", ".") == resolve_run_dir("", "~") == reports / tmp_path.name
    assert resolve_run_dir("", "..") == reports / tmp_path.parent.name
    assert resolve_run_dir("", "-birds") == reports / "-birds"
    assert resolve_run_dir("~nobody-of-this-name", "scenes") == tmp_path / "~nobody-of-this-name"
    assert resolve_run_dir("runs/a", "scenes") == tmp_path / "runs" / "a"
    assert resolve_run_dir("~/b", "scenes") == tmp_path / "b"
    assert resolve_run_dir(tmp_path, "scenes") == tmp_path


def test_a_whole_drive_has_a_name_too():
    for path, name in (("D:\\", "D"), (r"\\server\photos" + "\\", "photos"), (r"D:\birds", "birds"), ("", "pictures")):
        assert files.folder_name(PureWindowsPath(path)) == name
    assert resolve_run_dir("run", "scenes").name == "run"
    with pytest.raises(ValueError, match=r"reports/pictures and the pictures in / would lie"):
        resolve_run_dir("", "/")


def test_a_path_that_is_not_utf_8_is_refused():
    for given in (("/caf\udce9", "scenes"), ("", "/caf\udce9")):
        with pytest.raises(
            ValueError, match=r"The path '/caf\\udce9' is not UTF-8: rename its folders, or give another."
        ):
            resolve_run_dir(*given)


@pytest.mark.parametrize("name", ["study", "readme", "Study", "scenes", "Scenes", "caltech101", "con", "AUX"])
def test_a_folder_of_pictures_does_not_take_a_name_of_the_reports_own(tmp_path, monkeypatch, name):
    """Nor one of Windows' devices; also where the file system takes capital letters for small ones."""
    monkeypatch.chdir(tmp_path)
    for dataset in (f"{tmp_path}/{name}", f"./{name}", f"{tmp_path}/{name}/"):
        assert resolve_run_dir("", dataset) == files.ROOT / "reports" / f"{name}-folder"
    assert resolve_run_dir("elsewhere", f"./{name}") == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("run_dir", "dataset"),
    [("", "reports/mine"), ("pictures", "pictures"), ("pictures/run", "pictures"), ("all", "all/pictures"), ("", ".")],
)
def test_run_and_pictures_do_not_lie_in_one_another(tmp_path, monkeypatch, run_dir, dataset):
    """Else the run's own folders would be classes, and `make clean` would delete the pictures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    (tmp_path / dataset / "a").mkdir(parents=True)
    with pytest.raises(ValueError, match="would lie in one another: move the pictures, or name another folder with"):
        Run(THIRD, dataset, run_dir)


@pytest.mark.parametrize("dataset", ["{top}/b/pictures", "b/pictures", "{top}/b/../b/pictures"])
@pytest.mark.parametrize(
    ("record", "told"),
    [
        (None, ""),
        ({}, ""),
        ({"parameters": {"SEED": 3}}, ""),
        ({"parameters": {"DATASET": "{top}/b/pictures"}}, ""),
        ({"parameters": {"DATASET": "{top}/a/pictures"}}, "a run on another data set, {top}/a/pictures: name another"),
        (
            {"parameters": {"DATASET": "scenes"}},
            "a run on another data set, scenes: name another folder with --run-dir",
        ),
    ],
)
def test_a_folder_with_another_data_sets_run_is_refused(tmp_path, monkeypatch, dataset, record, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    dataset, folder = dataset.replace("{top}", str(tmp_path)), tmp_path / "reports" / "pictures"
    if record is not None:
        files.write_json(folder / "chain.json", json.loads(json.dumps(record).replace("{top}", str(tmp_path))))
    if told:
        with pytest.raises(ValueError, match=re.escape(told.replace("{top}", str(tmp_path)))):
            resolve_run_dir("", dataset)
    else:
        assert resolve_run_dir("", dataset) == folder
    assert resolve_run_dir(folder, dataset) == folder
