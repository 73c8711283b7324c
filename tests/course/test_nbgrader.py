"""nbgrader itself, where it is installed, takes the student's edition, by helpers/course/README.md's own commands."""

import csv
import os
import re
import shutil
import subprocess

import nbformat
import pytest

from helpers.course import exercises, student
from helpers.store.files import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("nbgrader"), reason="nbgrader is not installed here")


def test_a_right_submission_has_its_points_and_a_wrong_one_has_not(tmp_path):
    def run(command, folder):
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    page = (ROOT / "helpers" / "course" / "README.md").read_text(encoding="utf-8")
    block = re.search(r"(?s)```sh\n(mkdir .*?)```", page)[1]
    *copying, _, generate, autograde, export = [line.partition(" #")[0].strip() for line in block.splitlines()]
    student.make(tmp_path / "student")
    for path in (tmp_path / "student" / "notebooks").glob("0*.ipynb"):
        shorten(path) if path.name.startswith("01") else path.unlink()
    shutil.copytree(ROOT / "helpers" / "course" / "assets", tmp_path / "helpers" / "course" / "assets")
    for command in copying:
        run(command, tmp_path)
    course = tmp_path / "nbgrader"
    run(generate, course)
    solution = exercises.path_of("helpers.convolution").read_text(encoding="utf-8")
    for name, text in {"right": solution, "wrong": solution.replace("sum() + b[f]", "sum()")}.items():
        shutil.copytree(course / "release" / "cnn", course / "submitted" / name / "cnn")
        (course / "submitted" / name / "cnn" / "helpers" / "convolution.py").write_text(text, encoding="utf-8")
    run(autograde, course)
    run(export, course)
    with (course / "grades.csv").open(encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    most = sum(each.points for each in exercises.EXERCISES.values() if each.number[0] == "1")
    assert scores == {"right": most, "wrong": most - exercises.find("1.2").points}


def shorten(path):
    """Keep a chapter's checks: the rest takes a minute."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.source.startswith(("check(", "from helpers.course"))]
    nbformat.write(notebook, path)
