"""Which of the project's own files a result depends on: what made it, and all that this imports, at any depth."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from helpers.store.files import ROOT, digest

# Read by whatever loads a data set, compares with the source report, or shows the study.
TABLES = ("data/caltech101.csv", "reports/source_report.json")
STUDY = {
    "helpers/study/statistics.py": "reports/study.csv",
    "helpers/study/published.py": "reports/photographs.json",
}


def code_digest(*made_by) -> str:
    """Return the SHA-256 (hex) of the files that functions, classes or modules of this project reach by their imports.

    What is defined elsewhere, such as in a notebook, counts by its name alone.
    """
    names = sorted({getattr(thing, "__module__", None) or thing.__name__ for thing in made_by})
    reached = dependencies(f"import {name}" for name in names if name.split(".")[0] == "helpers")
    files = [path for path in reached if path.parent.name != "reports"]  # what was measured changes no result
    return digest([names, hashes(files)])


def hashes(files: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 (hex) of project files by their place below the root; line endings do not count."""
    return {path.relative_to(ROOT).as_posix(): hashlib.sha256(_text(path)).hexdigest() for path in files}


def dependencies(sources: Iterable[str]) -> list[Path]:
    """Return the files of helpers that code reaches by its imports, at any depth, and the committed tables, sorted.

    Imports inside functions count, and so do the packages that a module lies in. Code that is not plain Python reaches
    everything.
    """
    reached, waiting = {ROOT / "helpers" / "__init__.py"}, set().union(*map(_imported, sources))
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting |= _imported(_text(path).decode())
    tables = [ROOT / table for table in (*TABLES, *(t for module, t in STUDY.items() if ROOT / module in reached))]
    return sorted({*reached, *filter(Path.is_file, tables)})


def _text(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n")


def _imported(source: str) -> set[Path]:
    """Return the files of the modules that a source imports, and the `__init__` of each package that they lie in."""
    if (names := _names(source)) is None:
        return set((ROOT / "helpers").rglob("*.py"))
    packages = {place for name in names for place in (Path(name), *Path(name).parents)}
    files = [ROOT / place / "__init__.py" for place in packages] + [ROOT / f"{name}.py" for name in names]
    return set(filter(Path.is_file, files))


@cache
def _names(source: str) -> frozenset[str] | None:
    """Return what of helpers a source imports, as a/b; None for a magic, or an error that the kernel tells better."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return None
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return frozenset(name.replace(".", "/") for name in names if name.split(".")[0] == "helpers")
