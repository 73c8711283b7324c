"""All exercises by number, and where in the source their functions stand.

A mark, `# exercise 3.4` behind the first line of a function, says in the source which exercise it is.
"""

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import numpy as np

from helpers.course import convolving, explaining, learning
from helpers.course.cases import Exercise
from helpers.store.files import ROOT

EXERCISES = {each.number: each for part in (convolving, learning, explaining) for each in part.EXERCISES}
MARK = re.compile(r"^ *def .*[:(]  # exercise (\d+\.\d+)$")


def find(number: str) -> Exercise:
    """Return an exercise; ValueError for a number that there is not."""
    if number not in EXERCISES:
        raise ValueError(f"There is no exercise {number!r}: they are {', '.join(EXERCISES)}.")
    return EXERCISES[number]


def path_of(module: str, root: Path = ROOT) -> Path:
    """Return the file of a module of helpers."""
    return root.joinpath(*module.split(".")).with_suffix(".py")


def marked(text: str) -> dict[str, list[ast.FunctionDef]]:
    """Return the functions of a source by the numbers of their exercises, in the order of their lines."""
    lines, found = text.splitlines(), {}
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda node: node.lineno):
        if mark := MARK.match(lines[node.lineno - 1]):
            found.setdefault(mark[1], []).append(node)
    return found


def body(node: ast.FunctionDef) -> tuple[int, int]:
    """Return the first line of a function's body behind its docstring, from 0, and the line after its last."""
    start = node.body[0].end_lineno if ast.get_docstring(node) else node.body[0].lineno - 1
    return start, node.end_lineno


def load(name: str, text: str, path: Path) -> ModuleType:
    """Return a module made of a text: another one than what `import` gives, and not known to it."""
    module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, path))
    exec(compile(text, str(path), "exec"), vars(module))
    return module


def results(exercise: Exercise, module: ModuleType, seed: int) -> dict[str, np.ndarray]:
    """Return what a module's functions give in each case, by "case/name": arrays of numbers, or text.

    An exception is a text, and so is a name for each argument that was changed in place.
    """
    found = {}
    for k, case in enumerate(exercise.cases(module, np.random.default_rng(seed))):
        before = {name: array.copy() for name, array in _arrays(case.given).items()}
        with np.errstate(all="ignore"):
            try:
                parts = case.call()
                found |= {f"{k}/{name}": _plain(name, value) for name, value in parts.items()}
            except Exception as error:  # whatever a student's code may raise
                found[f"{k}/error"] = np.array(f"{type(error).__name__}: {error}")
        after = _arrays(case.given)
        changed = [name for name, array in before.items() if not np.array_equal(array, after[name], equal_nan=True)]
        found |= {f"{k}/{name} afterwards": np.array("changed in place") for name in changed}
    return found


def _arrays(given: dict) -> dict[str, np.ndarray]:
    inside = {
        f"{name}[{k}]": v for name, value in given.items() if isinstance(value, tuple) for k, v in enumerate(value)
    }
    return {name: value for name, value in (given | inside).items() if isinstance(value, np.ndarray)}


def _plain(name: str, value) -> np.ndarray:
    """Return a result as an array; ValueError for what is neither numbers nor text."""
    array = np.asarray(value)
    if array.dtype.kind not in "biufU":
        raise ValueError(f"{name} is {type(value).__name__}, not numbers")
    return array


def emptied(text: str, numbers) -> str:
    """Return a source in which the functions of exercises have lost their bodies: a sentence stands there instead."""
    lines = text.splitlines()
    nodes = [(node, number) for number, nodes in marked(text).items() if number in numbers for node in nodes]
    for node, number in sorted(nodes, key=lambda pair: -pair[0].lineno):
        start, end = body(node)
        indent, sentence = " " * (node.col_offset + 4), f'"{EXERCISES[number].sentence}"'
        line = f"{indent}raise NotImplementedError({sentence})"
        wrapped = [f"{indent}raise NotImplementedError(", f"{indent}    {sentence}", f"{indent})"]
        lines[start:end] = wrapped if len(line) > 120 else [line]
    return "\n".join(lines) + "\n"
