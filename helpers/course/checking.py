"""Is an exercise right? If not: what fails, with which input, got and wanted, and which mistake would explain it.

What is wanted, and what typical mistakes would give, was computed beforehand and lies in answers.npz: there is no
solution to be found here.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

from helpers.course import exercises
from helpers.course.cases import Exercise
from helpers.store.files import read_npz

ANSWERS = Path(__file__).with_name("answers.npz")
SEED = 0  # of the cases that these answers are for


class NotRight(AssertionError):
    """An exercise is not right yet; the message says why, and a notebook shows it alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def check(number: str) -> None:
    """Say that an exercise is right; NotRight, with the reason, where it is not. The files are read as they are now."""
    exercise = exercises.find(number)
    if why := reason(exercise):
        raise NotRight(why)
    print(f"Exercise {number} is right: {', '.join(exercise.names)}")


def reason(exercise: Exercise) -> str:
    """Return why an exercise is not right, or ""."""
    path = exercises.path_of(exercise.module)
    try:
        module = exercises.load(exercise.module, path.read_text(encoding="utf-8"), path)
        got = exercises.results(exercise, module, SEED)
    except Exception as error:
        return f"Exercise {exercise.number}: {path.name} cannot be loaded. {type(error).__name__}: {error}"
    return verdict(exercise, got, answers(), SEED)


@cache
def answers() -> dict[str, np.ndarray]:
    """Return the answers by "number/case/name"; "number~k/..." are those of the k-th typical mistake."""
    return read_npz(ANSWERS, "take it from the folder that was handed out")


def of(prefix: str, answers: Mapping) -> dict[str, np.ndarray]:
    """Return the answers that begin with a prefix, by the rest of their names."""
    return {key.removeprefix(prefix): value for key, value in answers.items() if key.startswith(prefix)}


def verdict(exercise: Exercise, got: Mapping, answers: Mapping, seed: int) -> str:
    """Return the sentences that tell why results are not those wanted; "" where they are."""
    wanted, tolerance = of(f"{exercise.number}/", answers), exercise.tolerance
    wrong = [key for key in [*wanted, *(key for key in got if key not in wanted)]
             if not (key in got and key in wanted and same(got[key], wanted[key], tolerance))]  # fmt: skip
    if not wrong:
        return ""
    for text in got.values():
        if "NotImplementedError" in str(text) and "Exercise" in str(text):
            said = str(text).partition("Exercise ")[2]
            missing = said.partition(":")[0]
            return f"Exercise {missing} is not written yet: {said.partition(': ')[2]}." + (
                "" if missing == exercise.number else f" Exercise {exercise.number} calls it."
            )
    key = next((key for key in wrong if key in got), wrong[0])
    lines = [f"Exercise {exercise.number} is not right yet ({', '.join(exercise.names)}).",
             f"  input   {_input(exercise, int(key.partition('/')[0]), seed)}",
             *_difference(key.partition("/")[2], got.get(key), wanted.get(key), tolerance),
             f"  why     {_mistake(exercise, got, wanted, answers, key)}",
             f"  hint    {exercise.hint}"]  # fmt: skip
    return "\n".join(lines)


def same(got: np.ndarray, wanted: np.ndarray, tolerance: float) -> bool:
    """Tell whether a result is the one that is wanted: its shape too, and numbers up to rounding."""
    if got.shape != wanted.shape or "U" in got.dtype.kind + wanted.dtype.kind:
        return got.shape == wanted.shape and got.dtype.kind == wanted.dtype.kind and str(got) == str(wanted)
    return bool(_close(got, wanted, tolerance).all())


def _close(got: np.ndarray, wanted: np.ndarray, tolerance: float) -> np.ndarray:
    scale = np.abs(wanted[np.isfinite(wanted)]).max(initial=0)
    return np.isclose(got, wanted, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def _input(exercise: Exercise, number: int, seed: int) -> str:
    """Return the arguments of a case: small ones as they are, of others the shape."""
    anything = MagicMock()  # the functions are not needed to list their arguments
    case = list(exercise.cases(anything, np.random.default_rng(seed)))[number]
    return ", ".join(f"{name} = {_shown(value)}" for name, value in case.given.items() if not callable(value))


def _shown(value) -> str:
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"array {value.shape}"
    if isinstance(value, np.ndarray):
        return str((np.round(value.astype(float), 4) if value.dtype.kind == "f" else value).tolist())
    return f"({', '.join(map(_shown, value))})" if isinstance(value, tuple) else str(value)


def _difference(name: str, got, wanted, tolerance: float) -> list[str]:
    """Return the lines that hold got and wanted: the first number that differs, or the shapes, or what was raised."""
    if got is None or wanted is None or got.shape != wanted.shape or got.dtype.kind == "U":
        shown = ["nothing" if each is None else f"shape {each.shape}" if each.ndim else str(each)
                 for each in (got, wanted)]  # fmt: skip
        shown[1] = "no error" if name == "error" else "unchanged" if "afterwards" in name else shown[1]
        return [f"  got     {name}: {shown[0]}", f"  wanted  {shown[1]}"]
    close = _close(got, wanted, tolerance)
    place = tuple(int(k[0]) for k in np.nonzero(~np.atleast_1d(close)))[: got.ndim]
    where = f"[{', '.join(map(str, place))}]" if got.ndim else ""
    share = f" ({(~close).sum()} of {got.size} numbers differ)" if got.ndim else ""
    return [f"  got     {name}{where} = {got[place]:.6g}{share}", f"  wanted  {wanted[place]:.6g}"]


def _mistake(exercise: Exercise, got, wanted, answers, key: str) -> str:
    """Return the typical mistake that gives the same results, or the first wrong one; else what can be seen of it."""
    known = {name: text for name, text in answers.items() if name.startswith(f"{exercise.number}~") and "/" not in name}
    theirs = {str(text): of(f"{name}/", answers) for name, text in known.items()}
    for sentence, results in theirs.items():
        if results.keys() == got.keys() and all(same(got[n], results[n], exercise.tolerance) for n in got):
            return sentence
    for sentence, results in theirs.items():
        if key in results and key in got and same(got[key], results[key], exercise.tolerance):
            return f"It looks as if this were so: {sentence}"
    if "afterwards" in key:
        return f"{key.partition('/')[2].removesuffix(' afterwards')} was changed in place: work on a copy."
    return seen(got.get(key), wanted.get(key), exercise.tolerance)


def seen(got, wanted, tolerance: float) -> str:
    """Return what two arrays tell of the mistake, whatever the exercise is."""
    if got is not None and got.dtype.kind == "U":
        return "The function stopped with this error." if wanted is None else "Compare the two."
    if got is None or wanted is None:
        return "The result does not have this part."
    if got.shape != wanted.shape:
        turned = got.ndim > 1 and sorted(got.shape) == sorted(wanted.shape)
        return "The axes are in another order (transposed)." if turned else "The result is of another size."
    if np.isnan(got).sum() + np.isinf(got).sum() > np.isnan(wanted).sum() + np.isinf(wanted).sum():
        return "Something overflows, or is divided by 0: the result is not finite."
    for sentence, other in _guesses(np.asarray(got, float), np.asarray(wanted, float)):
        if same(np.asarray(other), wanted, max(tolerance, 1e-9)):
            return sentence
    return "It is none of the mistakes that are known for this exercise: compute this number by hand."


def _guesses(got: np.ndarray, wanted: np.ndarray):
    yield "The sign is wrong.", -got
    if got.ndim > 1 and got.shape[-1] == got.shape[-2]:
        yield "Rows and columns are exchanged (transposed).", got.swapaxes(-1, -2)
    largest = np.unravel_index(np.nanargmax(np.abs(wanted)), wanted.shape) if wanted.size else ()
    ratio = wanted[largest] / got[largest] if wanted.size and got[largest] else 0.0
    if ratio:
        yield f"Every number is {1 / ratio:.4g} times what it should be: look for a factor.", ratio * got
    if got.ndim:
        yield "Every number is off by the same amount: look for a bias.", got + (wanted - got).flat[0]
    for axis in range(got.ndim):
        for step in (-1, 1):
            if got.shape[axis] > 2:
                yield f"The numbers are shifted by one along axis {axis} (off by one).", np.roll(got, step, axis)
