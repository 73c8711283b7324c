"""Turns executed notebooks into one pandoc document: its JSON, and a folder of the pictures that it shows."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from nbformat import NotebookNode

from helpers.report import appendices, cells, image_files, numbering
from helpers.store.files import digest

RICHEST = (*image_files.SUFFIXES, "text/html", "text/markdown", "text/latex", "text/plain")
LEFT_OUT = {"remove-cell", "parameters", "injected-parameters", "papermill-error-cell-tag", "caption"}
LEFT_OUT |= {"abstract", "environment"}  # which are for the title page and for an appendix
LIVE = "application/vnd.cnn-report+json"  # helpers.figures.text.Live makes it, the page's scripts read it
UNDRAWN = "This run's data give it nothing to show."


def document(notebooks: list[Path], facts: list[tuple[str, str]], folder: Path) -> dict:
    """Return the report as pandoc's JSON: a Div a notebook, a Div a cell, and blocks classed by what they hold.

    facts are what the title page says of the run; pictures go to folder/media. The abstract is what the cells tagged so
    have shown. Raises ValueError, naming notebook and cell, for a failed cell, malformed options, or what cannot be
    shown.
    """
    (folder / "media").mkdir()
    read = {path.name: cells.read(path) for path in notebooks}
    beyond = appendices.chapters(read.values())
    called = numbering.write(read, beyond)
    abstract = cells.shown(read.values(), "abstract")
    blocks = [_div("abstract", {}, [_block("markdown", abstract)])] if abstract else []
    for name, notebook in [*read.items(), *beyond.items()]:
        kind = {"appendix": "yes"} if name in beyond else {}
        blocks.append(_div("notebook", {"name": Path(name).stem} | kind, _notebook(name, notebook, called, folder)))
    entries = [{"t": "MetaMap", "c": {"name": _text(name), "value": _text(value)}} for name, value in facts]
    meta = {"made-from": _text(fingerprint(notebooks)), "facts": {"t": "MetaList", "c": entries}}
    return {"pandoc-api-version": [1, 23, 1], "meta": meta, "blocks": blocks}


def _text(value: str) -> dict:
    return {"t": "MetaString", "c": value}


def fingerprint(notebooks: list[Path]) -> str:
    """Return a hash of the notebooks' cells, which both formats carry, so that it can be told what they show.

    When, where and how fast the cells ran is no part of it: the same results give the same report.
    """
    told = []
    for cell in (cell for path in notebooks for cell in cells.read(path).cells):
        if "injected-parameters" not in cells.tags(cell):
            outputs = [each.get("data") or each.get("text") for each in cells.merged_outputs(cell.get("outputs", []))]
            told.append([cell.cell_type, cell.source, sorted(cells.tags(cell)), outputs])
    return digest(told)


def _div(classes: str, attributes: dict[str, str], blocks: Iterable[dict]) -> dict:
    return {"t": "Div", "c": [["", classes.split(), list(attributes.items())], list(blocks)]}


def _block(kind: str, text: str, **attributes: str) -> dict:
    return {"t": "CodeBlock", "c": [["", [kind], list(attributes.items())], text]}


def _notebook(name: str, notebook: NotebookNode, called: dict[str, str], folder: Path) -> Iterator[dict]:
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "raw" and not cells.tags(cell) & LEFT_OUT:
            with cells.named(name, index):
                yield _code_cell(cell, called, folder) if cell.cell_type == "code" else _markdown_cell(cell, folder)


def _markdown_cell(cell: NotebookNode, folder: Path) -> dict:
    source = cell.source
    for name, data in cell.get("attachments", {}).items():
        mime, content = next(iter(data.items()))
        source = source.replace(f"attachment:{name}", image_files.write(mime, content, folder)["src"])
    return _div("cell markdown", {}, [_block("markdown", source)])


def _code_cell(cell: NotebookNode, called: dict[str, str], folder: Path) -> dict:
    attributes, tags = cells.options(cell), cells.tags(cell)
    if number := called.get(attributes.get("label", "")):
        attributes["number"] = number
    if "optional" in tags and not cell.outputs:  # such as the third class's figure, where there are two
        return _div("cell code", attributes, [_block("undrawn", attributes.get("undrawn", UNDRAWN))] if number else [])
    attributes |= {"solution": "yes"} if "solution" in tags else {}
    if cells.is_folded(cell):
        attributes["input"] = "fold" if "hide-input" in tags else "none"
    code = cells.for_readers(cell.source)
    blocks = [_block("source", code, pdf=cells.TEXT.sub("", code).rstrip())] if code else []
    outputs = [] if "remove-output" in tags else cells.merged_outputs(cell.outputs)
    return _div("cell code", attributes, blocks + [_output(output, folder) for output in outputs])


def _output(output: NotebookNode, folder: Path) -> dict:
    if output.output_type == "error":
        raise ValueError(f"it ended with {output.ename}: run the notebook again before rendering")
    if output.output_type == "stream":
        return _block("text", output.text.rstrip("\n"))
    kind = next((kind for kind in RICHEST if kind in output.data), None)
    if kind is None:
        raise ValueError(f"the report cannot show an output of type {', '.join(output.data)}")
    content = output.data[kind]
    if kind in image_files.SUFFIXES:
        live = json.dumps(output.data[LIVE]).replace("<", "\\u003c") if LIVE in output.data else ""
        return _block("picture", live, **image_files.write(kind, content, folder))
    if kind == "text/html":
        return _block("html", re.sub(r"(?is)<(style|script)\b.*?</\1\s*>", "", content))
    if kind == "text/latex" and not content.startswith("$"):
        content = f"$${content}$$"
    return _block("text" if kind == "text/plain" else "markdown", cells.FOLD.sub(r"\1", content))
