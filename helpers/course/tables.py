"""Tables of marks: exercises by student with points, and the reason for each that has none, as CSV and HTML."""

import csv
from html import escape
from pathlib import Path

from helpers.course import exercises
from helpers.store.files import whole_file

STYLE = """body { font: 15px/1.45 sans-serif; margin: 2em } table { border-collapse: collapse; margin-bottom: 2em }
td, th { border: 1px solid #bbb; padding: 0.2em 0.5em; text-align: right } .no { background: #fbe3dc }
td:first-child, th:first-child, .why td { text-align: left } thead th { position: sticky; top: 0; background: #eee }"""


def write(folder: Path, marks: dict[str, dict[str, list]]) -> list[Path]:
    """Write marks.csv, reasons.csv and marks.html of {student: {exercise: [points, reason]}}; return their paths."""
    numbers = next(iter(marks.values()))
    most = {number: exercises.find(number).points for number in numbers}
    head = ["student", *most, "total"]
    rows = [["points", *most.values(), sum(most.values())]]
    rows += [[name, *(p for p, _ in of.values()), sum(p for p, _ in of.values())] for name, of in marks.items()]
    reasons = [[name, number, why] for name, of in marks.items() for number, (_, why) in of.items() if why]
    paths = [folder / name for name in ("marks.csv", "reasons.csv", "marks.html")]
    _csv(paths[0], head, rows)
    _csv(paths[1], ["student", "exercise", "reason"], reasons)
    with whole_file(paths[2]) as part:
        part.write_text(_page(head, rows, reasons), encoding="utf-8")
    return paths


def _csv(path: Path, head: list, rows: list[list]) -> None:
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *([_harmless(cell) for cell in row] for row in rows)])


def _harmless(cell):
    """Return a cell that no spreadsheet takes for a formula: names and errors are the students' own words."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _page(head: list, rows: list[list], reasons: list[list]) -> str:
    why = {(name, number): text for name, number, text in reasons}
    body = ""
    for row in rows:
        cells = [(str(cell), why.get((row[0], number), "")) for number, cell in zip(head, row, strict=True)]
        body += "<tr>" + "".join(_cell(text, said) for text, said in cells) + "</tr>\n"
    heads = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n" for row in reasons)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Marks</title><style>{STYLE}</style>\n'
        f"<h1>Marks</h1>\n<table><thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>\n"
        f'<h2>Reasons</h2>\n<table class="why">{lines}</table></html>\n'
    )


def _cell(text: str, said: str) -> str:
    return f'<td class="no" title="{escape(said)}">{escape(text)}</td>' if said else f"<td>{escape(text)}</td>"
