"""Exercises: each has a solution that is computed, checked, and out of sight until it is asked for."""

import re

import nbformat
import pytest

from helpers.report import command as report


@pytest.fixture(params=report.committed(), ids=lambda path: path.stem)
def chapter(request):
    """Return the cells of a chapter from its heading Exercises on."""
    cells = nbformat.read(request.param, as_version=4).cells
    (start,) = [k for k, cell in enumerate(cells) if re.search(r"^## (\S+\s)?Exercises$", cell.source, re.MULTILINE)]
    return cells[start:]


def solutions(cells):
    return [cell for cell in cells if "solution" in cell.metadata.get("tags", [])]


def test_every_exercise_is_followed_by_its_solution(chapter):
    asked = [cell for cell in chapter if re.search(r"^\*\*\d\.\*\*", cell.source, re.MULTILINE)]
    assert 2 <= len(asked) <= 5
    for number, cell in enumerate(asked, start=1):
        assert re.findall(r"^\*\*(\d)\.\*\*", cell.source, re.MULTILINE) == [str(number)]
        assert chapter[chapter.index(cell) + 1] in solutions(chapter)
    assert len(solutions(chapter)) == len(asked)


def test_a_solution_asserts_what_it_says_and_is_folded(chapter):
    for cell in solutions(chapter):
        assert re.search(r"^assert ", cell.source, re.MULTILINE)
        assert re.search(r"^solution\(", cell.source, re.MULTILINE)
        assert cell.metadata["jupyter"] == {"source_hidden": True}
        assert "hide-input" in cell.metadata["tags"]
        assert len(cell.source.splitlines()) <= 15


def test_what_to_read_comes_last(chapter):
    for_report = {"abstract", "environment"}  # cells that the report moves to its front and its end
    read = [cell for cell in chapter if not for_report & set(cell.metadata.get("tags", []))]
    assert re.match(r"## (\S+\s)?Further reading\b", read[-1].source)
