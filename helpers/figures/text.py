"""What a notebook shows beside figures: tables, code of `helpers`, solutions, figures that answer in the page."""

import base64
import inspect
import io
import math
import re
import string
import sys
import textwrap
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path

import numpy as np
from IPython import get_ipython
from IPython.display import Markdown
from matplotlib.figure import Figure
from PIL import Image

from helpers.store.files import ROOT

ROWS, COLUMNS = 40, 12  # of a table at most: what a page holds
RULE = {"l": ":---", "c": ":---:", "r": "---:"}
UNDEFINED = "A dash (–): there is nothing to compute it from."
MARK = re.compile(r"  # exercise \d+\.\d+$", re.MULTILINE)  # of helpers.course, in the first line of a function
LIVE = "application/vnd.cnn-report+json"  # what the scripts of the report's page read
_DOCSTRING = re.compile(r'^( +)r?"""(?:(?!""").)*"""\n\n?(?=\1\S)', re.MULTILINE | re.DOTALL)  # that code follows


def table(headers: Sequence[str], rows: Sequence[Sequence], align: str | None = None) -> Markdown:
    """Return a Markdown table for Jupyter to show; `align` holds one of l, c, r a column (default: l, then r).

    Of a large one the first rows and columns are shown, and the last row where it is bold, a total; the rest is
    counted. What is not a number becomes a dash, and a sentence below says so.
    """
    align = align or "l" + "r" * (len(headers) - 1)
    rows = [[str(cell) for cell in row] for row in rows]
    if len(rows) > ROWS:
        kept = rows[-1:] if rows[-1][0].startswith("**") else []
        more = len(rows) - (ROWS - 2) - len(kept)
        rows = [*rows[: ROWS - 2], [f"… {more} more", *[""] * (len(headers) - 1)], *kept]
    if len(headers) > COLUMNS:
        more, align = len(headers) - (COLUMNS - 1), align[: COLUMNS - 1] + "l"
        headers, rows = [*headers[: COLUMNS - 1], f"… {more} more"], [[*row[: COLUMNS - 1], ""] for row in rows]
    dashed = [[row[0], *(re.sub(r"[+-]?\bnan\b", "–", cell) for cell in row[1:])] if row else row for row in rows]
    lines = [headers, [RULE[a] for a in align], *dashed]
    cells = [[re.sub(r"(?<!\\)\|", r"\\|", str(cell)) for cell in line] for line in lines]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in cells)
    return Markdown(shown if dashed == rows else f"{shown}\n\n{UNDEFINED}")


def code_safe(name: str) -> str:
    """Return a class or file name so that Markdown shows it as it is, whatever signs it holds."""
    flat = " ".join(name.split())
    return "".join("\\" + c if c in string.punctuation else c for c in flat)


def solution(text: str) -> Markdown:
    """Return an exercise's solution, Markdown, for a cell tagged solution to end with: folded until someone asks."""
    return Markdown(f"<details><summary>Solution</summary>\n\n{text}\n\n</details>")


def source(*objects: Callable | type) -> Markdown:
    """Return the code of functions, classes and methods of `helpers` without docstrings, with a link to each file.

    A method stands under the first line of its class. Raises ValueError for what `helpers` does not hold.
    """
    code, files, last = "", {}, None
    for each in objects:
        files[_file(each)] = None
        owner = each.__qualname__.rpartition(".")[0]
        code += "\n" if owner and owner == last else "\n\n"
        if owner and owner != last:
            head = re.search(r"^class .*?:$", inspect.getsource(attrgetter(owner)(sys.modules[each.__module__])), re.M)
            code += f"{head[0]}\n"
        code, last = code + textwrap.indent(_without_docstrings(each), "    " if owner else ""), owner
    links = ", ".join(f"[`{file}`](../{file})" for file in files)
    return Markdown(f"```python\n{code.strip()}\n```\n\nFrom {links}")


class Live:
    """A figure that answers in the report's page, and is its `still` everywhere else, as one output of a cell.

    kind names the script that makes it, helpers/report/assets/interactive/<kind>.js, and `data` are what that script
    reads: pictures, which are uint8 arrays (H, W, 3), become PNGs that lose nothing, `thumbnail`s WebP, other arrays
    lists of numbers.
    """

    def __init__(self, still: Figure, kind: str, **data: object) -> None:
        self.still, self.data = still, {"kind": kind} | data

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        data, metadata = get_ipython().display_formatter.format(self.still)
        return data | {LIVE: _plain(self.data)}, metadata


def thumbnail(picture: np.ndarray, side: int = 64) -> Image.Image:
    """Return a picture (H, W, 3) uint8 no larger than `side`, which `Live` keeps with a small loss."""
    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


def data_uri(image: Image.Image, kind: str = "png") -> str:
    """Return an image as a page can hold it in its text: a PNG, which loses nothing, or WebP, which is smaller."""
    file = io.BytesIO()
    image.save(file, kind, **{"optimize": True} if kind == "png" else {"quality": 80, "method": 6})
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def _plain(value: object) -> object:
    """Return what JSON can hold: pictures as PNG, floats to six digits."""
    match value:
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
        case np.ndarray(dtype=np.uint8, shape=(_, _, 3)):
            return data_uri(Image.fromarray(value))
        case Image.Image():
            return data_uri(value, "webp")
        case np.ndarray() | list() | tuple():
            return [_plain(each) for each in value]
        case np.generic():
            return _plain(value.item())
        case float():
            return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _file(each: Callable | type) -> str:
    """Return the path, from the project's folder, of the file that holds a function or class of `helpers`."""
    try:
        path = Path(inspect.getsourcefile(inspect.unwrap(each))).resolve()  # a decorator may be another package's
        return f"helpers/{path.relative_to(ROOT / 'helpers').as_posix()}"
    except (TypeError, ValueError) as error:
        raise ValueError(f"{each!r} is no function, class or method that is written in helpers/.") from error


def _without_docstrings(each: Callable | type) -> str:
    return _DOCSTRING.sub("", MARK.sub("", textwrap.dedent(inspect.getsource(each))))
