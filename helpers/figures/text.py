"""What a notebook shows beside figures: code of `helpers` itself, folded solutions, pictures that move on a screen."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from IPython import get_ipython
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from helpers.store.files import ROOT

MARK = re.compile(r"  # exercise \d+\.\d+$", re.MULTILINE)  # of helpers.course, in the first line of a function


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


class Animated:
    """A picture that moves where that can be seen, `animation`, and on paper its `still`, as one output of a cell."""

    def __init__(self, animation: HTML, still: Figure) -> None:
        self.animation, self.still = animation, still

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        data, metadata = get_ipython().display_formatter.format(self.still)
        return data | {"text/html": self.animation.data}, metadata


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
