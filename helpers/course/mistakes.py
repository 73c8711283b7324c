"""Typical mistakes, each as edits of the solution: for teachers, and not in the student's edition.

mistakes.toml holds for each exercise what to tell of a mistake, and [text, text in its place] in the solution's bodies.
"""

import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np

from helpers.course import checking, exercises
from helpers.course.cases import Exercise
from helpers.store.files import whole_file

MISTAKES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def solved(exercise: Exercise) -> ModuleType:
    """Return the exercise's module as the reference has it."""
    path = exercises.path_of(exercise.module)
    return exercises.load(exercise.module, path.read_text(encoding="utf-8"), path)


def planted(exercise: Exercise, edits: list[list[str]]) -> ModuleType:
    """Return the exercise's module with a mistake; ValueError where the solution has nothing to edit."""
    path = exercises.path_of(exercise.module)
    text = path.read_text(encoding="utf-8")
    lines, changed = text.splitlines(keepends=True), set()
    for node in exercises.marked(text)[exercise.number]:
        start, end = exercises.body(node)
        body = "".join(lines[start:end])
        for old, new in edits:
            changed |= {old} if old in body else set()
            body = body.replace(old, new)
        lines[start:end] = [body] + [""] * (end - start - 1)
    if missing := {old for old, _ in edits} - changed:
        raise ValueError(f"Exercise {exercise.number}: its solution no longer holds {missing.pop()!r}.")
    return exercises.load(exercise.module, "".join(lines), path)


def computed(exercise: Exercise, seed: int) -> dict[str, np.ndarray]:
    """Return the answers to an exercise, as `checking.answers` has them, from the source as it is now."""
    number = exercise.number
    found = {f"{number}/{key}": value for key, value in exercises.results(exercise, solved(exercise), seed).items()}
    if broken := [f"{key}: {value}" for key, value in found.items() if key.endswith(("/error", " afterwards"))]:
        raise ValueError(f"Exercise {number}: the solution itself fails in case {broken[0]}")
    for k, mistake in enumerate(MISTAKES[number]):
        found[f"{number}~{k}"] = np.array(mistake["tell"])
        results = exercises.results(exercise, planted(exercise, mistake["edits"]), seed)
        found |= {f"{number}~{k}/{key}": value for key, value in results.items()}
    return found


def write_answers() -> None:
    """Write answers.npz anew, of the source as it is now."""
    found = {
        key: array for each in exercises.EXERCISES.values() for key, array in computed(each, checking.SEED).items()
    }
    with whole_file(checking.ANSWERS) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **found)
