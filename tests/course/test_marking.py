"""Marks: a submission is judged by what its functions give, and whatever else it does harms nobody."""

import ast
import csv
import os
from pathlib import Path
from threading import get_ident

import pytest

pytest.importorskip("resource", reason="marking says here that it needs Linux")

from helpers.course import exercises, marking, sandbox, student, tables
from helpers.course.command import main
from helpers.store.files import ROOT

pytestmark = pytest.mark.slow

NUMBERS = [number for number in exercises.EXERCISES if number[0] in "12"] + ["3.3", "3.4"]
SECONDS = 3
HOME = '__file__.rpartition("helpers")[0]'  # the scratch folder that it runs in
SECRET = str(ROOT / "helpers" / "pooling.py")
# In place of the body of output_size's neighbour, max_pool2d_forward, and of the layers: what each does.
POOLING = {  # student: (what stands at the head of max_pool2d_forward, what is told)
    "hangs": ("while True: pass", " seconds."),
    "sleeps": ("import time; time.sleep(99)", "imports time, which it must not"),
    "crashes": ("np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 50,))[:: 1 << 40].sum()", "It crashed (SIGSEGV)."),
    "swallows": ("hoard = np.ones(1 << 32)", "MemoryError"),
    "exits": ("raise SystemExit(0)", "SystemExit"),
    "recurses": ("max_pool2d_forward(x, size, stride)", "RecursionError"),
    "fetches": ("import socket", "imports socket, which it must not"),
    "opens": (f"open({SECRET!r})", "uses open, of which an exercise has no need"),
    "peeks": (f"np.fromfile({SECRET!r}, np.uint8)", "PermissionError"),
    "meddles": (f"np.zeros(9).tofile({HOME} + '2.1.npz')", "PermissionError"),
    "floods": ("np.zeros(1 << 25).tofile('big')", "OSError"),
    "patches": ("np.allclose = np.isclose = lambda *_, **__: True; np.save = np.savez = None; return x, (0, 0, 0, 0)",
                "It ended its process."),
}  # fmt: skip
FENCES = {"peeks": "files", "meddles": "files"}


def submission(folder, module="pooling", change=lambda text: text):
    """Write the solution as a submission, with a change of one file."""
    for name in dict.fromkeys(exercises.find(number).module for number in NUMBERS):
        text = exercises.path_of(name).read_text(encoding="utf-8")
        path = folder / "cnn" / exercises.path_of(name, Path()).as_posix()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(change(text) if name.endswith(module) else text, encoding="utf-8")


def at_head(line):
    def change(text):
        lines = text.splitlines()
        (node,) = exercises.marked(text)["2.2"]
        lines.insert(exercises.body(node)[0], f"    {line}")
        return "\n".join(lines) + "\n"

    return change


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Return the folder of submissions, once marked: the solution, and those that do something else on top of it."""
    folder = tmp_path_factory.mktemp("submissions")
    submission(folder / "solves")
    submission(
        folder / "b <i>mistakes", "layers", lambda text: text.replace("self.cache = x > 0", "self.cache = x >= 0")
    )
    submission(folder / "half", "pooling", lambda text: text.replace("def max_pool2d_forward(", "def another_name("))
    submission(folder / "no python", "convolution", lambda text: text + "def (")
    (folder / "empty").mkdir()
    for name, (line, _) in POOLING.items():
        submission(folder / name, "pooling", at_head(line))
    marking.mark(folder, numbers=NUMBERS, seconds=SECONDS)
    return folder


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def points(marked):
    return {row["student"]: row for row in rows(marked / "marks" / "marks.csv")}


def reasons(marked, name):
    return {row["exercise"]: row["reason"] for row in rows(marked / "marks" / "reasons.csv") if row["student"] == name}


def test_the_solution_has_all_points(marked):
    assert reasons(marked, "solves") == {}
    most = sum(exercises.find(number).points for number in NUMBERS)
    assert points(marked)["solves"]["total"] == points(marked)["points"]["total"] == str(most)


def test_a_mistake_costs_its_exercise_and_is_told(marked):
    why = reasons(marked, "b <i>mistakes")
    assert list(why) == ["3.4"]
    assert why["3.4"].startswith("Ties: the derivative at 0 is 0, not 1. Got backward(dout)")
    assert list(reasons(marked, "half")) == ["2.2"]


@pytest.mark.parametrize("name", POOLING)
def test_what_a_submission_does_harms_no_other_exercise_and_nobody(marked, name):
    fence = FENCES.get(name)
    if fence and not sandbox.fences()[fence]:
        pytest.skip(f"this system cannot shut {fence}")
    why, (_, told) = reasons(marked, name), POOLING[name]
    assert told in why["2.2"]
    by_file = told.startswith(("imports", "uses"))
    assert list(why) == (["2.1", "2.2"] if by_file else ["2.2"])
    assert all(f"helpers/pooling.py {told}." == reason for reason in why.values()) or not by_file


def test_a_file_that_is_no_python_or_not_there_costs_its_exercises_alone(marked):
    why = reasons(marked, "no python")
    assert list(why) == ["1.1", "1.2", "1.3", "1.4"]
    assert why["1.1"].startswith("helpers/convolution.py is no Python: invalid syntax")
    assert set(reasons(marked, "empty").values()) == {
        f"helpers/{name}.py was not handed in." for name in ("convolution", "layers", "pooling")
    }


def test_a_submission_is_not_changed(marked, tmp_path):
    submission(tmp_path / "solves")
    for name in ("solves", "meddles"):
        left = {path.name for path in (marked / name).rglob("*") if path.is_file()}
        assert left == {path.name for path in (tmp_path / "solves").rglob("*") if path.is_file()}


def test_only_what_has_changed_is_marked_again(marked, monkeypatch):
    again = []
    run = marking._run
    monkeypatch.setattr(marking, "_run", lambda *given: (again.append(given), run(*given)))
    before = (marked / "marks" / "marks.csv").read_bytes()
    marking.mark(marked, numbers=NUMBERS, seconds=SECONDS)
    assert not again
    assert (marked / "marks" / "marks.csv").read_bytes() == before
    path = marked / "half" / "cnn" / "helpers" / "pooling.py"
    path.write_text(path.read_text(encoding="utf-8").replace("def another_name(", "def max_pool2d_forward("))
    marking.mark(marked, numbers=NUMBERS, seconds=SECONDS)
    assert len(again) == 1
    assert reasons(marked, "half") == {}


def test_sources_are_parsed_in_one_thread(marked, monkeypatch):
    parse, threads = ast.parse, set()
    monkeypatch.setattr(ast, "parse", lambda *given, **named: (threads.add(get_ident()), parse(*given, **named))[1])
    marking.mark(marked, numbers=NUMBERS, seconds=SECONDS)
    assert threads == {get_ident()}


def test_the_page_shows_names_as_they_are_written(marked):
    page = (marked / "marks" / "marks.html").read_text(encoding="utf-8")
    assert "b &lt;i&gt;mistakes" in page
    assert "<i>" not in page
    assert 'class="no" title="Ties: the derivative at 0 is 0, not 1.' in page


def test_a_spreadsheet_takes_no_name_for_a_formula(tmp_path):
    tables.write(tmp_path, {"=1+1": {"3.4": [0, "-why"]}})
    assert [row["student"] for row in rows(tmp_path / "marks.csv")] == ["points", "'=1+1"]
    assert rows(tmp_path / "reasons.csv") == [{"student": "'=1+1", "exercise": "3.4", "reason": "'-why"}]


def test_links_and_giants_are_refused(tmp_path):
    submission(tmp_path / "a")
    path = tmp_path / "a" / "cnn" / "helpers" / "pooling.py"
    path.unlink()
    path.symlink_to(SECRET)
    texts, refused = marking.submitted(tmp_path / "a")
    assert refused["helpers.pooling"] == "helpers/pooling.py is a link to another place."
    assert "helpers.layers" in texts
    path.unlink()
    path.write_text("#" * (marking.LARGEST + 1))
    assert marking.submitted(tmp_path / "a")[1]["helpers.pooling"] == "helpers/pooling.py has more than 1 MB."


def test_what_cannot_be_shut_is_said_before_it_begins(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "fences", lambda: {"files": False, "network": False})
    monkeypatch.setattr(marking, "_seed", lambda path: (_ for _ in ()).throw(ValueError("it begins")))
    (tmp_path / "a").mkdir()
    assert main(["mark", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out.splitlines() == list(marking.NOT_SHUT.values())
    assert said.err == "it begins\n"


@pytest.mark.parametrize(
    ("arguments", "told"), [(["nothing"], "holds no folders"), ([".", "--chapters", "8"], "by their digits")]
)
def test_what_cannot_be_marked_is_refused(tmp_path, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(tmp_path)
    assert main(["mark", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_a_system_that_cannot_copy_a_process_is_told_so(tmp_path, monkeypatch, capsys):
    monkeypatch.delattr(os, "fork")
    assert main(["mark", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "Each exercise runs in a copy of a process, which this system cannot make: use Linux.\n"
    )


def test_the_worker_holds_no_solution(tmp_path):
    """It imports helpers from the scratch folder, where the functions are empty; our own is out of its reach."""
    student.package(tmp_path, list(exercises.EXERCISES))
    assert "np.tensordot" not in (tmp_path / "helpers" / "convolution.py").read_text(encoding="utf-8")
    assert not (tmp_path / "helpers" / "course" / "mistakes.toml").exists()
    if sandbox.fences()["files"]:
        reachable = [Path(name).resolve() for name in sandbox.READABLE]
        assert not any((ROOT / "helpers").resolve().is_relative_to(folder) for folder in reachable)
