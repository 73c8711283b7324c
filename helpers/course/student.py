"""The student's edition: a folder to hand out, with the chapters and without the solutions, made from this repository.

Functions that are marked as exercises lose their bodies, cells with solutions make room for answers, outputs go. What
would give the answers stays out: the quick engine, the tests, the reports, the mistakes that checks know by name.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from helpers.course import exercises, handout
from helpers.course.cases import Exercise
from helpers.store.files import ROOT, write_json

ASSETS = Path(__file__).with_name("assets")
OWN = ("README.md", "assets", "handout.py", "marking.py", "mistakes.py", "mistakes.toml", "sandbox.py",
       "student.py", "tables.py")  # fmt: skip  # for teachers, of this room
TABLES = ("source_report.json", "study.csv", "study_curves.csv", "photographs.json", "benchmarks.json")
AS_THEY_ARE = ("LICENSE", "environment.yml", "pyproject.toml", "requirements.txt", "data/README.md",
               "data/caltech101.csv", "notebooks/README.md", *(f"reports/{name}" for name in TABLES))  # fmt: skip
EDITION = "edition.json"  # the digest of what was handed out: a folder that someone worked in is not replaced
RESULTS = ("03_cnn_training", "04_vgg19")  # chapters whose artifacts others read
ENGINE = '''"""The quick engine is not handed out, as it would give the answers: the plain layers do its work."""

from helpers.layers import Dense

__all__ = ["Dense", "steps"]


def steps(layers: list) -> list:
    """Return the layers: what a batch goes through."""
    return layers
'''


def make(folder: Path, numbers: Collection[str] = tuple(exercises.EXERCISES), run: Path | None = None) -> Path:
    """Write the edition with these exercises into `folder`, with what a run's chapters 3 and 4 left, and return it.

    Raises ValueError where the folder holds anything but an edition that nobody has worked in, and where the run has no
    such results.
    """
    folder = folder.resolve()
    if folder.exists() and not unchanged(folder):
        raise ValueError(f"{folder} is there, and is no edition as it was made: delete it, or name another with OUT=.")
    if run is not None and (missing := [name for name in RESULTS if not (run / "artifacts" / name).is_dir()]):
        raise ValueError(f"{run} holds no artifacts/{missing[0]}: run the chapters there first (make report).")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        part = Path(name, folder.name)
        _write(part, list(numbers))
        for chapter in RESULTS if run else ():
            place = part / "reports" / run.resolve().name / "artifacts" / chapter
            shutil.copytree(run / "artifacts" / chapter, place, copy_function=_linked)
        write_json(part / EDITION, {"digest": digest(part), "exercises": list(numbers)})
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    return folder


def package(folder: Path, numbers: Collection[str]) -> None:
    """Write helpers/ without what gives the answers into `folder`; the functions of exercises are emptied."""
    for path in sorted((ROOT / "helpers").rglob("*")):
        place = path.relative_to(ROOT)
        if not path.is_file() or "__pycache__" in place.parts or place.parts[1] == "engine":
            continue
        if place.parts[1] == "course" and place.parts[2] in OWN:
            continue
        text = path.read_bytes()
        if path.suffix == ".py" and b"# exercise " in text:
            text = exercises.emptied(text.decode(), numbers).encode()
        _put(folder / place, text)
    _put(folder / "helpers" / "engine" / "__init__.py", ENGINE.encode())


def digest(folder: Path) -> str:
    """Return the SHA-256 of all files of an edition, but for what its use leaves there: runs and environments."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        used = place.name == EDITION or re.search(r"(^|/)(\.|__pycache__|\w+\.egg-info|reports/\w+/)", place.as_posix())
        if path.is_file() and not used:
            total.update(f"{place.as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def unchanged(folder: Path) -> bool:
    """Tell whether a folder is an edition as it was made."""
    try:
        return digest(folder) in (folder / EDITION).read_text(encoding="utf-8")
    except OSError:
        return False


def _write(folder: Path, numbers: list[str]) -> None:
    package(folder, numbers)
    for name in AS_THEY_ARE:
        _put(folder / name, (ROOT / name).read_bytes())
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        _put(folder / "notebooks" / path.name, handout.notebook(path, numbers).encode())
    ready = re.search(r"(?ms)^\$\(READY\):.*?\n\n", (ROOT / "Makefile").read_text(encoding="utf-8"))[0]
    makefile = (ASSETS / "Makefile").read_text(encoding="utf-8")
    _put(folder / "Makefile", makefile.replace("# READY\n", ready).encode())
    readme = (ASSETS / "README.md").read_text(encoding="utf-8")
    rows = [_row(exercises.find(number)) for number in numbers]
    _put(folder / "README.md", readme.replace("ROWS", "\n".join(rows)).encode())


def _row(exercise: Exercise) -> str:
    file, names = exercises.path_of(exercise.module, Path()).as_posix(), ", ".join(f"`{n}`" for n in exercise.names)
    return f"| {exercise.number} | `{file}` | {names} | {exercise.points} |"


def _linked(source: str, target: str) -> None:
    """Give a file a second name: chapter 3's weights are 1.6 GB, and what writes them anew replaces the name alone."""
    try:
        os.link(source, target)
    except OSError:  # another disk
        shutil.copyfile(source, target)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
