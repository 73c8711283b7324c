"""Which of the project's own files a result depends on: what made it, and all that this imports, at any depth."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from helpers.store.files import ROOT, digest

# Read by whatever loads a data set, compares with the source report, or shows the study.
TABLES = ("data/caltech101.csv", "reports/source_report.json")
STUDY = {"helpers/study/statistics.py": "reports/study.csv", "helpers/study/published.py": "reports/photographs.json"}


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
    reached, waiting = {ROOT / "helpers" / "__init__.py"}, set().union(*(_imported(source, ROOT) for source in sources))
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting |= _imported(_text(path).decode(), ROOT)
    tables = [ROOT / table for table in (*TABLES, *(t for module, t in STUDY.items() if ROOT / module in reached))]
    return sorted({*reached, *filter(Path.is_file, tables)})


def _text(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n")


@cache
def _imported(source: str, root: Path) -> frozenset[Path]:
    """Return the files of the modules that a source imports, and the `__init__` of each package that they lie in."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a magic, or an error that the kernel will tell better
        return frozenset((root / "helpers").rglob("*.py"))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    places = [Path(*name.split(".")) for name in names if name.split(".")[0] == "helpers"]
    inits = [root / package / "__init__.py" for place in places for package in (place, *place.parents)]
    return frozenset(filter(Path.is_file, [*inits, *(root / f"{place}.py" for place in places)]))
