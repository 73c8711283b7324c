"""The student's edition: no solution is in it, it is the same each time, and each chapter says what is missing."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from helpers.course import exercises, handout, student
from helpers.course.command import main
from helpers.store.files import ROOT, write_json

pytestmark = pytest.mark.slow

# Lines of solutions that others need to be understood: of a function that is given, or of an exercise's own text.
GIVEN = {
    "return total / len(images), right / len(images)",
    "images = np.asarray(images)",
    "with tf.GradientTape() as tape:",
    "optimizer.apply(gradients, weights)",
}


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course") / "student"
    student.make(folder)
    return folder


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def flat(text):
    return re.sub(r"\s+", " ", text)


def solution_lines():
    """Yield every line of the bodies that go, but for very short ones and those that check arguments."""
    for exercise in exercises.EXERCISES.values():
        text = exercises.path_of(exercise.module).read_text(encoding="utf-8")
        for node in exercises.marked(text)[exercise.number]:
            start, end = exercises.body(node)
            lines = [flat(line.strip()) for line in text.splitlines()[start:end]]
            yield from (line for line in lines if len(line) > 24 and "check" not in line)


def test_no_line_of_a_solution_is_in_it(edition):
    lines = set(solution_lines()) - GIVEN
    assert len(lines) > 100
    for name, data in files(edition).items():
        text = data.decode("utf-8", "ignore").replace('\\"', '"').replace('\\n",', "\n")
        found = [line for line in lines if line in flat(text)]
        assert not found, f"{name} holds {found[0]!r}"


def test_what_would_give_the_answers_is_not_in_it(edition):
    names = files(edition)
    rendered = [name for name in names if name.endswith((".html", ".pdf", ".toml")) and "/assets/" not in name]
    assert rendered == ["pyproject.toml"]
    assert not [name for name in names if name.startswith("tests/")]
    assert "helpers/course/README.md" not in names  # which is for teachers
    assert [name for name in names if name.startswith("helpers/engine/")] == ["helpers/engine/__init__.py"]
    assert {name for name in names if name.startswith("reports/")} == {f"reports/{name}" for name in student.TABLES}


def test_outputs_are_cleared_and_solutions_make_room_for_answers(edition):
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        ours, theirs = (nbformat.read(p, as_version=4).cells for p in (path, edition / "notebooks" / path.name))
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in theirs)
        solutions = [cell for cell in ours if "solution" in cell.metadata.get("tags", [])]
        answers = [cell for cell in theirs if cell.source == handout.ANSWER]
        assert len(answers) == len(solutions) > 0
        assert not [cell for cell in theirs if re.search(r"^solution\(", cell.source, re.MULTILINE)]


def test_cells_carry_the_metadata_of_nbgrader(edition):
    for path in (edition / "notebooks").glob("0*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        graded = [cell.metadata.nbgrader for cell in cells if "nbgrader" in cell.metadata]
        assert len({each["grade_id"] for each in graded}) == len(graded) > 0
        assert all(each["schema_version"] == 3 for each in graded)
        checks = {cell.source: cell.metadata.nbgrader for cell in cells if cell.source.startswith('check("')}
        own = [each for each in exercises.EXERCISES.values() if each.number[0] == path.name[1]]
        assert {source: each["points"] for source, each in checks.items()} == {
            f'check("{each.number}")': each.points for each in own
        }
        assert all(each["locked"] and each["grade"] and not each["solution"] for each in checks.values())


def test_it_is_the_same_twice(edition, tmp_path):
    assert files(student.make(tmp_path / "again")) == files(edition)


def test_an_edition_is_replaced_and_work_in_it_is_not(tmp_path):
    folder = student.make(tmp_path / "student", ["3.4"])
    student.make(folder, ["3.4", "3.3"])  # nobody has worked in it
    (folder / "reports" / "scenes").mkdir(parents=True)  # nor is what a run leaves
    student.make(folder, ["3.4"])
    (folder / "helpers" / "layers.py").write_text("mine\n", encoding="utf-8")
    with pytest.raises(ValueError, match="is no edition as it was made: delete it, or name another with OUT="):
        student.make(folder, ["3.4"])
    assert (folder / "helpers" / "layers.py").read_text(encoding="utf-8") == "mine\n"
    (tmp_path / "mine").mkdir()
    with pytest.raises(ValueError, match="is no edition as it was made"):
        student.make(tmp_path / "mine")


def test_chapters_can_be_set_alone(tmp_path, capsys):
    assert main(["student", str(tmp_path / "five"), "--chapters", "5"]) == 0
    assert "4 exercises" in capsys.readouterr().out
    texts = {name: data.decode("utf-8", "ignore") for name, data in files(tmp_path / "five").items()}
    assert "NotImplementedError" not in texts["helpers/convolution.py"]
    assert texts["helpers/explain/receptive.py"].count("raise NotImplementedError") == 2
    assert 'check(\\"3.4\\")' not in texts["notebooks/03_cnn_training.ipynb"]


def test_results_of_a_run_are_handed_out(tmp_path, capsys):
    run = tmp_path / "scenes"
    for chapter in student.RESULTS:
        write_json(run / "artifacts" / chapter / "results.json", {"accuracy": 1})
    assert main(["student", str(tmp_path / "out"), "--run", str(run)]) == 0
    assert "With the results of chapters 3 and 4" in capsys.readouterr().out
    assert (tmp_path / "out/reports/scenes/artifacts/03_cnn_training/results.json").is_file()
    assert main(["student", str(tmp_path / "other"), "--run", str(tmp_path / "nothing")]) == 2
    assert "holds no artifacts/03_cnn_training: run the chapters there first" in capsys.readouterr().err


@pytest.mark.parametrize(("chapter", "missing"), [("01_convolution", r"1\.\d"), ("03_cnn_training", r"1\.4")])
def test_a_chapter_runs_up_to_what_is_missing_and_says_so(edition, monkeypatch, chapter, missing):
    monkeypatch.setenv("PYTHONPATH", str(edition))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)  # with --nbval it leads to a kernel that has our own helpers
    path = edition / "notebooks" / f"{chapter}.ipynb"
    place = {"metadata": {"path": path.parent}}
    with pytest.raises(CellExecutionError) as raised:
        NotebookClient(nbformat.read(path, as_version=4), timeout=300, resources=place).execute()
    assert raised.value.ename == "NotImplementedError"
    assert re.match(rf"Exercise {missing}: ", raised.value.evalue)


def test_its_check_says_how_far_one_is(edition):
    def checked(*arguments):
        words = [sys.executable, "-m", "helpers.course", "check", *arguments]
        env = os.environ | {"PYTHONPATH": str(edition)}
        done = subprocess.run(words, cwd=edition, env=env, capture_output=True, encoding="utf-8", check=False)
        return done.returncode, done.stdout

    code, said = checked()
    assert (code, said.count("not written yet")) == (1, len(exercises.EXERCISES))
    layers = edition / "helpers" / "layers.py"
    kept = layers.read_text(encoding="utf-8")
    try:
        forward = 'raise NotImplementedError("Exercise 3.4: write the ReLU forward and backward")'
        assert kept.count(forward) == 2
        wrong = kept.replace(forward, "self.cache = x >= 0\n        return np.maximum(x, 0)", 1)
        layers.write_text(wrong.replace(forward, "return dout * self.cache"), encoding="utf-8")
        code, said = checked("3.4")
        assert code == 1
        assert "why     Ties: the derivative at 0 is 0, not 1." in said
        layers.write_text(layers.read_text(encoding="utf-8").replace("x >= 0", "x > 0"), encoding="utf-8")
        assert checked("3.4") == (0, "Exercise 3.4 is right: ReLU.forward, ReLU.backward\n")
    finally:
        layers.write_text(kept, encoding="utf-8")


def test_a_section_that_needs_the_engine_says_that_it_is_left_out(edition):
    text = json.loads((edition / "notebooks" / "03_cnn_training.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in text["cells"]]
    for label, sentence in handout.LEFT_OUT.items():
        assert any(f'"{label}"' in source and sentence in source for source in sources)
    assert any('"sec-fit"' in source for source in sources)  # what comes behind it is there
    assert not [source for source in sources if "helpers.engine import" in source or "check_batch" in source]
