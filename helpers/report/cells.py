"""What readers get of an executed notebook: outputs without noise, folded solutions, `#|` options of a cell."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

WIDGET = "application/vnd.jupyter.widget-view+json"  # a progress bar's
KEPT = ("jupyter", "tags")  # of a committed cell's metadata: nothing else is the author's
_FOR_TOOLS = re.compile(r"[ \t]*# (?:fmt: skip|noqa\b.*|type: ignore.*)$", re.MULTILINE)
# A last expression of code that is but text: what it says stands below.
TEXT = re.compile(r"^(?:Markdown|solution|source)\(.*(?:\n(?:[ )].*)?)*\Z", re.MULTILINE)
# A solution's fold, which figures.text makes for Jupyter: the report has its own.
FOLD = re.compile(r"\A<details><summary>Solution</summary>\n\n(.*)\n\n</details>\Z", re.DOTALL)


def read(path: Path) -> NotebookNode:
    """Return a notebook; ValueError, naming it, if it cannot be read or if a cell's `#|` lines are no options."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat tells of some faults in its own ways, and stumbles over others
        raise ValueError(f"{path} is no notebook that can be read ({error!r}): run the chain again.") from error
    for index, cell in enumerate(notebook.cells):
        with named(path.name, index):
            options(cell)
    return notebook


@contextmanager
def named(name: str, index: int) -> Iterator[None]:
    """Tell in which cell of which notebook a ValueError arose."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}, cell {index + 1}: {error}.") from error


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


def cleaned(path: Path) -> str:
    """Return an executed notebook as it is committed: nothing in it tells when, where or how fast it ran."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in tags(cell)]
    count = 0
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)})
        if cell.cell_type == "code":
            count += 1
            cell.outputs, cell.execution_count = merged_outputs(cell.outputs), count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    return nbformat.writes(notebook) + "\n"


def merged_outputs(outputs: list) -> list:
    """Return a cell's outputs (NotebookNode) without stderr and progress bars, what was printed in one piece."""
    from nbconvert.filters import strip_ansi
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    kept = [each for each in outputs if each.get("name") != "stderr" and WIDGET not in each.get("data", {})]
    cell, _ = CoalesceStreamsPreprocessor().preprocess_cell(new_code_cell(outputs=deepcopy(kept)), {}, 0)
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = strip_ansi(output.text)
    return [output for output in cell.outputs if output.get("text", True)]


def options(cell: NotebookNode) -> dict[str, str]:
    """Return a code cell's `#| name: value` options (YAML), of any other none; ValueError if malformed."""
    import yaml  # not at the top: it takes a while, and most who import this module do not need it

    lines = cell.source.splitlines() if cell.cell_type == "code" else []
    head = [line for line in lines if line.startswith("#|")]
    if lines[: len(head)] != head:
        raise ValueError("its #| lines do not all stand at the head")
    try:
        values = yaml.safe_load("\n".join(line[2:].removeprefix(" ") for line in head)) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"its #| lines are not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ValueError("its #| lines are not all of the form #| name: text")
    return values


def for_readers(source: str) -> str:
    """Return code without options and comments that only tools read, one empty line where there are more."""
    code = re.sub(r"\A(?:#\|.*\n?)+", "", source).strip("\n")
    return re.sub(r"\n{3,}", "\n\n", _FOR_TOOLS.sub("", code))
