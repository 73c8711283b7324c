"""Names of classes as figures can draw them, of any length and in any script."""

import functools
import unicodedata
from collections.abc import Sequence

from matplotlib import font_manager, rcParams
from matplotlib.figure import Figure

from helpers.figures.style import note


def drawn_names(class_names: Sequence[str], longest: int = 16) -> list[str]:
    """Return the names of classes as figures can draw them: on one line, shortened in the middle, no two alike.

    "class 3" stands for the third one where its signs are in no font, or are not drawn from left to right.
    """
    flat = enumerate(map(_flat, class_names), 1)
    drawn = [shorten(name, longest) if drawable(name) else f"class {k}" for k, name in flat]
    alike = {name for name in drawn if drawn.count(name) > 1}
    numbers = (f" ({k})" if name in alike else "" for k, name in enumerate(drawn, 1))
    return [shorten(name, longest - len(number)) + number for name, number in zip(drawn, numbers, strict=True)]


def _flat(name: str) -> str:
    return " ".join(name.replace("\ufe0f", "").split())  # without the sign that asks for a coloured emoji


def shorten(name: str, longest: int = 16) -> str:
    """Return a name of at most so many letters, its middle left out; capitals and Chinese signs count for more."""
    if _breadth(name) <= longest:
        return name
    head, tail = name[: len(name) // 2], name[len(name) // 2 :]
    while _breadth(head + tail) > longest - 1 and len(head + tail) > 2:
        head, tail = (head[:-1], tail) if len(head) > len(tail) else (head, tail[1:])
    return f"{head.rstrip()}…{tail.lstrip()}"


def _breadth(text: str) -> float:
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else 1.6 if c in "MW" else 1 + 0.3 * c.isupper() for c in text
    )


def drawable(text: str) -> bool:
    """Whether Matplotlib can draw a text: a font has every sign, and none is written from right to left."""
    signs = _signs(tuple(rcParams["font.family"]))
    return all(ord(c) in signs and unicodedata.bidirectional(c) not in ("R", "AL") for c in text)


@functools.cache
def _signs(families: tuple[str, ...]) -> frozenset[int]:
    """Return the numbers of all signs (Unicode) that some font of these families has."""
    paths = [font_manager.findfont(font_manager.FontProperties(family=[family])) for family in families]
    return frozenset().union(*(font_manager.get_font(path).get_charmap() for path in paths))


def explain_names(figure: Figure, class_names: Sequence[str]) -> None:
    """Say beneath a figure why some names stand in it as numbers; nothing where none does."""
    if not all(drawable(_flat(name)) for name in class_names):
        note(figure, "class and a number: a name that no font here can draw; the tables have it")
