"""A chapter as it is handed out: outputs cleared, no solutions but cells to answer in, nbgrader's metadata.

nbgrader (Jupyter 2017) reads `metadata.nbgrader`: what is graded by running, what by reading, and what is locked.
"""

import ast
import re
from collections.abc import Collection
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from helpers.course import exercises
from helpers.report import cells

LEFT_OUT = {
    "sec-engine": "This section compares the plain layers with quicker code, which is not handed out.",
    "sec-quick": "This section shows quicker code, which is not handed out: here the plain layers do the work.",
}
ANSWER = "*Your answer:*"
_HEADING = re.compile(r"(?m)^(?=#{1,6} )")


def notebook(path: Path, numbers: Collection[str]) -> str:
    """Return a chapter, JSON, with checks for these exercises alone."""
    chapter = cells.read(path)
    chapter.cells = without_sections(chapter.cells)
    engine = {
        name for cell in chapter.cells if cell.cell_type == "code" for name in _imported(cell.source, "helpers.engine")
    }
    kept = [cell for cell in chapter.cells if _number(cell) in (None, *numbers)]
    chapter.cells = [handed for cell in kept for handed in _handed(cell, path.stem, engine)]
    return nbformat.writes(chapter) + "\n"


def without_sections(given: list[NotebookNode]) -> list[NotebookNode]:
    """Return the cells without the sections that are left out: their headings stay, and say so."""
    kept, depth = [], 0  # the level of the section that is being left out, 0 outside of one
    for cell in given:
        parts = []
        for part in _HEADING.split(cell.source) if cell.cell_type == "markdown" else []:
            level = len(part) - len(part.lstrip("#"))
            depth = 0 if level and level <= depth else depth
            reason = next((text for label, text in LEFT_OUT.items() if level and f'"{label}"' in part), "")
            if reason and not depth:
                parts.append(f"{part.splitlines()[0]}\n\n{reason}\n\n")
                depth = level
            elif not depth:
                parts.append(part)
        cell.source = "".join(parts).rstrip("\n") if cell.cell_type == "markdown" else cell.source
        if cell.source and (parts or not depth):
            kept.append(cell)
    return kept


def _handed(cell: NotebookNode, chapter: str, engine: set[str]) -> list[NotebookNode]:
    name = f"{chapter[:2]}-{re.sub(r'[^a-zA-Z0-9_-]', '-', cell.id)}"
    if "solution" in cells.tags(cell):
        answer = new_markdown_cell(ANSWER, id=cell.id)
        answer.metadata.nbgrader = _graded(f"answer-{name}", points=2, solution=True)
        return [answer]
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None
        cell.source = _without(cell.source, engine)
        if number := _number(cell):
            points = exercises.find(number).points
            cell.metadata.nbgrader = _graded(f"check-{name}", points=points, locked=True)
            cell.metadata.pop("jupyter", None)
    elif _number(cell):
        cell.metadata.nbgrader = _graded(f"exercise-{name}", locked=True)
    return [cell] if cell.source else []


def _graded(grade_id: str, points: int = 0, *, locked: bool = False, solution: bool = False) -> dict:
    graded = {"grade": points > 0, "grade_id": grade_id, "locked": locked, "schema_version": 3, "solution": solution,
              "task": False}  # fmt: skip
    return graded | ({"points": points} if points else {})


def _number(cell: NotebookNode) -> str | None:
    """Return the number of the exercise that a cell asks for or checks."""
    match = re.match(r'\*\*Exercise (\d\.\d+)\.\*\*|check\("(\d\.\d+)"\)$', cell.source)
    return match and (match[1] or match[2])


def _imported(source: str, package: str) -> set[str]:
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in nodes if node.module.startswith(package) for alias in node.names}


def _without(source: str, names: set[str]) -> str:
    """Return code without the statements that need what is not handed out."""
    lines = source.splitlines()
    for node in reversed(ast.parse(source).body):
        used = {leaf.id for leaf in ast.walk(node) if isinstance(leaf, ast.Name)}
        used |= {alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)}
        if used & names:
            lines[node.lineno - 1 : node.end_lineno] = []
    return "\n".join(lines)
