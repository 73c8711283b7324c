"""Tables and names in Markdown."""

import pytest

from helpers import figures
from helpers.figures import text


def test_a_table():
    table = figures.table(["class", "n", "F1"], [["a|b", 1, 0.5], ["c", 2, 1]])
    assert table.data.splitlines() == [
        "| class | n | F1 |",
        "| :--- | ---: | ---: |",
        r"| a\|b | 1 | 0.5 |",
        "| c | 2 | 1 |",
    ]
    assert "| :---: | :--- |" in figures.table(["a", "b"], [], align="cl").data


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("bonsai", "bonsai"),
        ("joshua_tree", r"joshua\_tree"),
        ("<script>alert(1)</script>", r"\<script\>alert\(1\)\<\/script\>"),
        ("a|b*c\n d", r"a\|b\*c d"),
        ("\\", "\\\\"),
        ("Bäume 🌳", "Bäume 🌳"),
    ],
)
def test_names_are_shown_as_they_are(name, safe):
    assert figures.code_safe(name) == safe


def test_of_a_large_table_the_first_rows_and_the_total_are_shown_and_the_rest_is_counted():
    rows = [[f"class {k}", k] for k in range(100)]
    lines = figures.table(["class", "n"], [*rows, ["**all**", 4950]]).data.splitlines()
    assert len(lines) == 2 + text.ROWS
    assert lines[-3:] == ["| class 37 | 37 |", "| … 62 more |  |", "| **all** | 4950 |"]
    lines = figures.table(["class", "n"], rows).data.splitlines()
    assert lines[-1] == "| … 62 more |  |"
    assert len(figures.table(["class", "n"], rows[: text.ROWS]).data.splitlines()) == 2 + text.ROWS
    wide = figures.table(["", *map(str, range(101))], [[f"row {k}", *range(101)] for k in range(2)]).data.splitlines()
    assert wide[0].endswith("| 9 | … 91 more |")
    assert wide[2].endswith("| 9 |  |")


def test_what_is_undefined_is_a_dash_and_says_so():
    lines = figures.table(["nan", "F1", "interval"], [["nan", "nan", "**nan**"], ["b", "0.5", "nan to nan"]]).data
    assert lines.splitlines()[0] == "| nan | F1 | interval |"
    assert lines.splitlines()[2:] == ["| nan | – | **–** |", "| b | 0.5 | – to – |", "", text.UNDEFINED]
    assert text.UNDEFINED not in figures.table(["banana", "x"], [["nan", "banana"]]).data
