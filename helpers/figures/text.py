"""What a notebook shows beside figures: code of `helpers` itself, folded solutions, figures that answer in the page."""

import ast
import base64
import inspect
import io
import math
import re
import sys
import textwrap
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import numpy as np
from IPython import get_ipython
from IPython.display import Markdown
from matplotlib.figure import Figure
from PIL import Image

from helpers.store.files import ROOT

MARK = re.compile(r"  # exercise \d+\.\d+$", re.MULTILINE)  # of helpers.course, in the first line of a function
LIVE = "application/vnd.cnn-report+json"  # what the scripts of the report's page read


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
        if owner and owner == last:
            code += "\n"
        elif owner:
            head = re.search(r"^class .*?:$", inspect.getsource(attrgetter(owner)(sys.modules[each.__module__])), re.M)
            code += f"\n\n{head[0]}\n"
        else:
            code += "\n\n"
        code, last = code + textwrap.indent(_without_docstrings(each), "    " if owner else ""), owner
    links = ", ".join(f"[`{file}`](../{file})" for file in files)
    return Markdown(f"```python\n{code.strip()}\n```\n\nFrom {links}")


class Live:
    """A figure that answers in the report's page, and is its `still` everywhere else, as one output of a cell.

    kind names the script that makes it, helpers/report/assets/interactive/<kind>.js, and `data` are what that script
    reads: pictures, which are uint8 arrays (H, W, 3), become PNGs that lose nothing, other arrays lists of numbers.
    """

    def __init__(self, still: Figure, kind: str, **data: object) -> None:
        self.still, self.data = still, {"kind": kind} | data

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        data, metadata = get_ipython().display_formatter.format(self.still)
        return data | {LIVE: _plain(self.data)}, metadata


def _plain(value: object) -> object:
    """Return what JSON can hold: pictures as PNG, floats to six digits."""
    match value:
        case dict():
            return {str(name): _plain(each) for name, each in value.items()}
        case np.ndarray(dtype=np.uint8, shape=(_, _, 3)):
            file = io.BytesIO()
            Image.fromarray(value).save(file, "PNG", optimize=True)
            return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
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
        return f"helpers/{Path(inspect.getsourcefile(each)).resolve().relative_to(ROOT / 'helpers').as_posix()}"
    except (TypeError, ValueError) as error:
        raise ValueError(f"{each!r} is no function, class or method that is written in helpers/.") from error


def _without_docstrings(each: Callable | type) -> str:
    text = MARK.sub("", textwrap.dedent(inspect.getsource(each)))
    lines = text.splitlines()
    for node in reversed(list(ast.walk(ast.parse(text)))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) and len(node.body) > 1:
            first, following = node.body[:2]
            until = following.lineno - 1
            until = min([until, *(d.lineno - 1 for d in getattr(following, "decorator_list", []))])
            comment = next((i for i in range(first.end_lineno, until) if lines[i].strip()), until)
            lines[first.lineno - 1 : comment] = []
    return "\n".join(lines) + "\n"
