"""Marks: every submission's functions against the checks, with the reason for each that fails.

A submission runs in a scratch copy that holds no solution, in helpers.course.sandbox, and gives back results; what is
wanted is known here alone. The inputs are drawn from a seed of this marking's own: answers learned by heart do not fit.
"""

import ast
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from helpers.course import checking, exercises, mistakes, sandbox, student, tables
from helpers.course.cases import Exercise
from helpers.store.code import code_digest
from helpers.store.files import digest, read_json, read_npz, write_json

MARKS = "marks"  # in the folder of submissions, where no other folder is named
PURE = {"collections", "functools", "itertools", "math", "numpy", "operator", "typing"}
NEEDLESS = {"__import__", "breakpoint", "compile", "eval", "exec", "exit", "input", "open", "quit"}
LARGEST = 1 << 20  # bytes of a file
SECONDS = 20  # that an exercise may compute
NOT_SHUT = {
    "files": "This system has no Landlock: a submission could read and change any file that you can.",
    "network": "This system gives no network of its own to a process: a submission could use yours.",
}


def mark(submissions: Path, out: Path | None = None, numbers=tuple(exercises.EXERCISES), seconds=SECONDS) -> list[Path]:
    """Mark these exercises of every folder in `submissions`; return the paths of marks.csv, reasons.csv and marks.html.

    What was marked before, and has not changed, is not run again. ValueError where there is nothing to mark.
    """
    out = out or submissions / MARKS
    folders = sorted(path for path in submissions.glob("[!.]*") if path.is_dir() and path != out and path.name != MARKS)
    if not folders:
        raise ValueError(f"{submissions} holds no folders: give one that holds a folder of each student.")
    for fence, shut in sandbox.fences().items():
        if not shut:
            print(NOT_SHUT[fence])
    seed, wanted = _seed(out / "seed.json"), [exercises.find(number) for number in numbers]
    answers = {key: value for each in wanted for key, value in mistakes.computed(each, seed).items()}
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(os.cpu_count()) as pool:
        student.package(Path(name), list(exercises.EXERCISES))
        shutil.copy(sandbox.__file__, Path(name, "helpers", "course"))
        ours = {each.number: exercises.path_of(each.module).read_text(encoding="utf-8") for each in wanted}
        same = digest([code_digest(checking, mistakes, sandbox), seed, seconds, ours])
        marking = _Marking(Path(name), out, wanted, answers, seed, seconds, same)
        handed = [submitted(folder) for folder in folders]  # all parsing is here: Python 3.11 fails at it in threads
        marks = list(tqdm(pool.map(marking.of, folders, handed), "marking", len(folders), unit="submission"))
    return tables.write(out, {folder.name: given for folder, given in zip(folders, marks, strict=True)})


def _seed(path: Path) -> int:
    if not path.exists():
        write_json(path, secrets.randbelow(1 << 30) + 1)
    return read_json(path, "delete it, and all is marked again")


@dataclass(frozen=True)
class _Marking:
    """What is the same for every submission."""

    package: Path
    out: Path
    wanted: list
    answers: dict
    seed: int
    seconds: int
    same: str

    def of(self, folder: Path, handed: tuple[dict, dict]) -> dict[str, list]:
        """Return {exercise: [points, reason]} of what was `submitted`, as it was kept where nothing has changed."""
        texts, refused = handed
        key = digest([self.same, texts, refused])
        kept = self.out / f"{folder.name}.json"
        if kept.exists() and (old := read_json(kept, "delete it, and it is marked again"))["key"] == key:
            return old["marks"]
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            for module, text in texts.items():
                path = exercises.path_of(module, scratch)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            numbers = [each.number for each in self.wanted if each.module in texts]
            _run(self.package, scratch, [str(self.seed), str(self.seconds), *numbers])
            why = {each: refused.get(each.module) or self._reason(each, scratch) for each in self.wanted}
        marks = {each.number: [0 if reason else each.points, reason] for each, reason in why.items()}
        write_json(kept, {"key": key, "marks": marks})
        return marks

    def _reason(self, exercise: Exercise, scratch: Path) -> str:
        """Return in a sentence or two why an exercise has no points, "" where it is right."""
        ended, path = scratch / f"{exercise.number}.txt", scratch / f"{exercise.number}.npz"
        if ended.exists():
            return ended.read_text(encoding="utf-8")
        try:
            got = read_npz(path, "")
        except (OSError, ValueError):
            return "Its results cannot be read."
        if "load/error" in got:
            return f"Its file cannot be loaded: {got['load/error']}."
        return _brief(checking.verdict(exercise, got, self.answers, self.seed))


def submitted(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts of a submission's files by their modules, and for others the sentence that says why not."""
    homes = [home for pattern in ("helpers", "*/helpers", "*/*/helpers") for home in sorted(folder.glob(pattern))]
    home = next((path.parent for path in homes if path.is_dir()), folder)
    texts, refused = {}, {}
    for module in dict.fromkeys(each.module for each in exercises.EXERCISES.values()):
        path = exercises.path_of(module, home)
        name = path.relative_to(home).as_posix()
        if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()):
            refused[module] = f"{name} is a link to another place."
        elif not path.is_file():
            refused[module] = f"{name} was not handed in."
        elif path.stat().st_size > LARGEST:
            refused[module] = f"{name} has more than {LARGEST >> 20} MB."
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
            if fault := _fault(text, exercises.path_of(module).read_text(encoding="utf-8")):
                refused[module] = f"{name} {fault}."
            else:
                texts[module] = text
    return texts, refused


def _fault(text: str, ours: str) -> str:
    """Return what a source must not do, by its text: import what our own does not, or use what reaches outside."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"is no Python: {error}"
    allowed = PURE | _imports(ast.walk(ast.parse(ours)))
    if wrong := sorted(_imports(nodes) - allowed):
        return f"imports {wrong[0]}, which it must not"
    used = {node.id for node in nodes if isinstance(node, ast.Name)} & NEEDLESS
    return f"uses {min(used)}, of which an exercise has no need" if used else ""


def _imports(nodes) -> set[str]:
    """Return what is imported: of helpers the module, of others the package."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {"." * node.level + (node.module or "")}
    return {name if name.startswith("helpers") else name.split(".")[0] or name for name in found}


def _run(package: Path, scratch: Path, arguments: list[str]) -> None:
    env = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(package), "HOME": str(scratch), "LANG": "C.UTF-8"}
    env |= {"OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
    words = [sys.executable, "-m", "helpers.course.sandbox", str(scratch), *arguments]
    done = subprocess.run(words, cwd=package, env=env, capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"The sandbox itself failed: {done.stderr.decode(errors='replace')[-500:]}")


def _brief(verdict: str) -> str:
    parts = {line[:10].strip(): line[10:] for line in verdict.splitlines()[1:]}
    return f"{parts['why']} Got {parts['got']}; wanted {parts['wanted']}." if parts else verdict
