"""Which of the project's own files a notebook's results depend on: the helpers it imports, and what those import."""

import ast
from collections.abc import Iterable
from pathlib import Path

from helpers.artifacts import ROOT

# Read by whatever loads a data set or compares with the source report.
TABLES = [ROOT / "data" / "caltech101.csv", ROOT / "reports" / "source_report.json"]
# Read through one module alone.
MEASURED = {ROOT / "helpers" / "measured.py": ROOT / "reports" / "measured.json"}


def dependencies(sources: Iterable[str]) -> list[Path]:
    """Return the files of helpers that code cells reach by their imports, at any depth, and the committed tables.

    Imports inside functions count. Cells that are not plain Python reach everything.
    """
    reached: set[Path] = {ROOT / "helpers" / "__init__.py"}
    waiting = set()
    for source in sources:
        waiting |= _imported(source)
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting |= _imported(path.read_text(encoding="utf-8"))
    tables = [*TABLES, *(table for module, table in MEASURED.items() if module in reached)]
    return sorted({*reached, *filter(Path.is_file, tables)})


def _imported(source: str) -> set[Path]:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic, or an error that the kernel will tell better
        return set((ROOT / "helpers").rglob("*.py"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return {path for name in names if name.split(".")[0] == "helpers" for path in _files(name)}


def _files(name: str) -> list[Path]:
    """Return the file of a module, or all of a package; nothing for the name of a function in a module."""
    place = ROOT.joinpath(*name.split("."))
    if place == ROOT / "helpers":
        return []
    return sorted(place.rglob("*.py")) if place.is_dir() else [p for p in [place.with_suffix(".py")] if p.is_file()]
