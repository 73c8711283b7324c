"""What readers get of an executed notebook: outputs without noise, folded solutions, `#|` options of a cell."""

import ast
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

WIDGET = "application/vnd.jupyter.widget-view+json"  # a progress bar's
_FOR_TOOLS = re.compile(r"[ \t]*# (?:fmt: skip|noqa\b.*|type: ignore.*)$", re.MULTILINE)
_FOLD = re.compile(r"<details><summary>Solution</summary>\n\n(.*)\n\n</details>", re.DOTALL)  # figures.text makes it


def read(path: Path) -> NotebookNode:
    """Return a notebook; ValueError, naming it, if it cannot be read or if a cell's `#|` lines are no options."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat tells of some faults in its own ways, and stumbles over others
        raise ValueError(f"{path} is no notebook that can be read ({error!r}): run the chain again.") from error
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            with named(path, index):
                options(cell.source)
    return notebook


@contextmanager
def named(path: Path, index: int) -> Iterator[None]:
    """Tell in which cell of which notebook a ValueError arose."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path.name}, cell {index + 1}: {error}.") from error


def tags(cell: NotebookNode) -> set[str]:
    """Return a cell's tags."""
    return set(cell.metadata.get("tags", []))


def shown(notebooks: Iterable[NotebookNode], tag: str) -> str:
    """Return the Markdown that the cells with a tag have shown."""
    tagged = [cell for notebook in notebooks for cell in notebook.cells if tag in tags(cell)]
    shows = [output.get("data", {}) for cell in tagged for output in cell.get("outputs", [])]
    return "\n\n".join(data["text/markdown"] for data in shows if "text/markdown" in data)


def is_folded(cell: NotebookNode) -> bool:
    """Tell whether a code cell only loads, tabulates or draws, so that readers see what it shows and not its code."""
    return bool(tags(cell) & {"hide-input", "remove-input"}) or cell.source.startswith("source(")


def unfolded(text: str) -> str:
    """Return a solution without its fold, which the report makes in its own way; any other text as it is."""
    match = _FOLD.fullmatch(text)
    return match[1] if match else text


def merged_outputs(outputs: list) -> list:
    """Return a cell's outputs (NotebookNode) without stderr and progress bars, what was printed in one piece."""
    from nbconvert.filters import strip_ansi
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    kept = [each for each in outputs if each.get("name") != "stderr" and WIDGET not in each.get("data", {})]
    cell = new_code_cell(outputs=deepcopy(kept))
    CoalesceStreamsPreprocessor().preprocess_cell(cell, {}, 0)
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = strip_ansi(output.text)
    return [output for output in cell.outputs if output.output_type != "stream" or output.text]


def options(source: str) -> tuple[dict[str, str], str]:
    """Split a code cell into its `#| name: value` options (YAML) and the code below them; ValueError if malformed."""
    import yaml  # not at the top: it takes a while, and most who import this module do not need it

    lines = source.splitlines()
    head = [line for line in lines if line.startswith("#|")]
    if lines[: len(head)] != head:
        raise ValueError("its #| lines do not all stand at the head")
    try:
        values = yaml.safe_load("\n".join(line[2:].removeprefix(" ") for line in head)) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"its #| lines are not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ValueError("its #| lines are not all of the form #| name: text")
    return values, "\n".join(lines[len(head) :]).strip("\n")


def for_readers(source: str) -> str:
    """Return code without the comments that only tools read, and with one empty line where there are more."""
    return re.sub(r"\n{3,}", "\n\n", _FOR_TOOLS.sub("", source))


def without_its_text(source: str) -> str:
    """Return code without a last expression that is but text, such as `Markdown(...)`: what it says stands below."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a magic of Jupyter's
        return source
    match body:
        case [*_, ast.Expr(ast.Call(ast.Name("Markdown" | "solution" | "source"))) as last]:
            return "\n".join(source.splitlines()[: last.lineno - 1]).rstrip()
    return source
