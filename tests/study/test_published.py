"""The chapters' tables, and one run's matrices on the photographs."""

import pytest

from helpers.store import Run, source_report
from helpers.store.files import write_json
from helpers.study import published, run, statistics


def network(*accuracies):
    entry = {"test_accuracy": statistics.summary(accuracies)}
    return entry | {f"{split}_loss": statistics.summary([0.25] * len(accuracies)) for split in ("train", "val", "test")}


def whole():
    return {
        "scenes": {"networks": {"scratch": network(0.8, 0.9, 0.85), "vgg19_frozen": network(1.0)}},
        "caltech101": {},
    }


def test_published_stands_beside_measured_and_this_run(monkeypatch):
    monkeypatch.setattr(published, "measured_as", {"caltech101": whole()["scenes"]}.get)
    here = {"accuracy": {"train": 1.0, "val": 0.5, "test": 0.75}, "loss": {"train": 0.0123, "val": 1.5, "test": 2.0}}
    header, rows = published.beside("scratch", here)
    assert all(len(row) == len(header) == 7 for row in rows)
    theirs = source_report()["scratch"]
    low, high = statistics.summary([0.8, 0.9, 0.85])["interval"]
    assert rows[2] == [
        "test", f"{theirs['accuracy']['test']:g}", f"**0.850** ({low:.3f} to {high:.3f})", "0.750",
        f"{theirs['loss']['test']:g}", "**0.250** (0.250 to 0.250)", "2.000",
    ]  # fmt: skip
    assert rows[0][2] == "not measured yet"  # the accuracy on the training images
    assert not any("to" in entry for row in rows[:2] for entry in row if entry != "not measured yet")
    ran_away = {what: dict.fromkeys(here[what], 1095451082752.0) for what in here}
    assert published.beside("scratch", ran_away)[1][2][6] == "1.1e+12"
    tuned = published.beside("vgg19_tuned", here)[1]
    assert [row[1] for row in tuned] == [""] * 3  # nobody published it
    assert published.beside("vgg19_frozen", here)[1][2][1] == "1"


def finished_run(folder, dataset="caltech101", seed=0, epochs=25):
    """Leave in a folder what the chain leaves there of chapters 3 and 4."""
    scores = {what: {"train": 1.0, "val": 0.9, "test": 0.95} for what in ("accuracy", "loss")}
    results = scores | {"confusion": [[19, 1, 0], [0, 20, 0], [0, 2, 18]], "test_predicted": [0] * 60}
    write_json(folder / "chain.json", {"parameters": {"DATASET": dataset, "SEED": seed}})
    names = {"class_names": ["bonsai", "chandelier", "ketch"], "epochs": epochs}
    Run("03_cnn_training", "caltech101", folder).save_json("results", results | names)
    vgg19 = {"frozen": results, "tuned": results, "weights": "bundled"} | names
    Run("04_vgg19", "caltech101", folder).save_json("results", vgg19)


def test_a_run_on_the_photographs_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(published, "PHOTOGRAPHS", tmp_path / "photographs.json")
    assert published.photographs() is None
    finished_run(tmp_path / "run")
    assert run.main(["photographs", str(tmp_path / "run")]) == 0
    kept = published.photographs()
    assert kept["seed"] == 0
    assert kept["networks"].keys() == {"scratch", "vgg19_frozen", "vgg19_tuned"}
    assert kept["networks"]["scratch"].keys() == {"accuracy", "loss", "confusion"}
    assert kept["networks"]["vgg19_tuned"]["confusion"] == [[19, 1, 0], [0, 20, 0], [0, 2, 18]]
    assert kept["class_names"] == ["bonsai", "chandelier", "ketch"]
    assert str(tmp_path / "photographs.json") in capsys.readouterr().out


@pytest.mark.parametrize("other", [{"dataset": "scenes"}, {"seed": 1}, {"epochs": 1}])
def test_any_other_run_is_refused(tmp_path, monkeypatch, capsys, other):
    monkeypatch.setattr(published, "PHOTOGRAPHS", tmp_path / "photographs.json")
    finished_run(tmp_path / "run", **other)
    assert run.main(["photographs", str(tmp_path / "run")]) == 2
    assert "is no run on caltech101 with seed 0" in capsys.readouterr().err
    assert not (tmp_path / "photographs.json").exists()


def test_a_run_that_is_not_there_and_none_at_all_get_a_sentence(tmp_path, capsys):
    assert run.main(["photographs", str(tmp_path / "nowhere")]) == 2
    assert "chain.json" in capsys.readouterr().err
    assert run.main(["photographs"]) == 2
    assert "Name the run: python -m helpers.study photographs reports/caltech101" in capsys.readouterr().err
