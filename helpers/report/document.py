"""Turns executed notebooks into one pandoc document: its JSON, and a folder of the pictures that it shows."""

import html
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.report import appendices, cells
from helpers.report import image_files as illustrations

TITLE = "Convolutional networks from first principles"
SUBTITLE = "A course report that runs"
RICHEST = (*illustrations.SUFFIXES, "text/html", "text/markdown", "text/latex", "text/plain")
ELSEWHERE = ("abstract", "environment")  # tags of cells whose Markdown is for the title page and for an appendix
LEFT_OUT = {"remove-cell", "parameters", "injected-parameters", "papermill-error-cell-tag", *ELSEWHERE}


def document(notebooks: list[Path], facts: list[tuple[str, str]], fingerprint: str, folder: Path) -> dict:
    """Return the report as pandoc's JSON: a Div a notebook, a Div a cell, and blocks classed by what they hold.

    facts are what the title page says of the run, fingerprint is the notebooks' hash; pictures go to folder/media. The
    abstract is what the cells tagged so have shown. Raises ValueError, naming notebook and cell, for a failed cell,
    malformed options, or what cannot be shown.
    """
    (folder / "media").mkdir()
    read = {path: _read(path) for path in notebooks}
    abstract, environment = (_shown(read.values(), tag) for tag in ELSEWHERE)
    blocks = [_div("abstract", {}, [_block("markdown", abstract)])] if abstract else []
    blocks += [_div("notebook", {"name": path.stem}, _notebook(path, read[path], folder)) for path in notebooks]
    texts = [cell.source for notebook in read.values() for cell in notebook.cells if cell.cell_type == "markdown"]
    blocks += [_appendix(name, parts) for name, parts in appendices.chapters(texts, environment)]
    meta = {"title": _text(TITLE), "subtitle": _text(SUBTITLE), "lang": _text("en"), "made-from": _text(fingerprint)}
    entries = [{"t": "MetaMap", "c": {"name": _text(name), "value": _text(value)}} for name, value in facts]
    meta["facts"] = {"t": "MetaList", "c": entries}
    return {"pandoc-api-version": [1, 23, 1], "meta": meta, "blocks": blocks}


def content(path: Path) -> list:
    """Return what a notebook's cells say and show, as JSON takes it, without what tells of a single run."""
    cells_of = [cell for cell in _read(path).cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    return [[cell.cell_type, cell.source, cell.metadata.get("tags", []), _outputs(cell)] for cell in cells_of]


def _outputs(cell: NotebookNode) -> list:
    return [output.get("data") or output.get("text") for output in cells.merged_outputs(cell.get("outputs", []))]


def _shown(notebooks: Iterable[NotebookNode], tag: str) -> str:
    """Return the Markdown that the cells with a tag have shown."""
    tagged = [cell for notebook in notebooks for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    outputs = [output for cell in tagged for output in cell.get("outputs", [])]
    return "\n\n".join(output.data["text/markdown"] for output in outputs if "text/markdown" in output.get("data", {}))


def _appendix(name: str, parts: list) -> dict:
    divs = [
        _div("cell markdown", {}, [_block("markdown", part)])
        if isinstance(part, str)
        else _div("cell code", part[0] | {"input": "none"}, [_block("markdown", part[1])])
        for part in parts
    ]
    return _div("notebook", {"name": name, "appendix": "yes"}, divs)


def _text(value: str) -> dict:
    return {"t": "MetaString", "c": value}


def _attributes(classes: str, attributes: dict[str, str]) -> list:
    return ["", classes.split(), list(attributes.items())]


def _div(classes: str, attributes: dict[str, str], blocks: list) -> dict:
    return {"t": "Div", "c": [_attributes(classes, attributes), blocks]}


def _block(kind: str, text: str, **attributes: str) -> dict:
    return {"t": "CodeBlock", "c": [_attributes(kind, attributes), text]}


def _notebook(path: Path, notebook: NotebookNode, folder: Path) -> list[dict]:
    blocks = []
    for index, cell in enumerate(notebook.cells):
        tags = set(cell.metadata.get("tags", []))
        if tags & LEFT_OUT or cell.cell_type == "raw":
            continue
        if "optional" in tags and not cell.outputs:  # such as the third class's figure, where there are two
            continue
        try:
            make = _code_cell if cell.cell_type == "code" else _markdown_cell
            blocks.append(make(cell, tags, folder))
        except ValueError as error:
            raise ValueError(f"{path.name}, cell {index + 1}: {error}.") from error
    return blocks


def _read(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat tells of some faults in its own ways, and stumbles over others
        raise ValueError(f"{path} is no notebook that can be read ({error!r}): run the chain again.") from error


def _markdown_cell(cell: NotebookNode, tags: set[str], folder: Path) -> dict:
    source = cell.source
    for name, data in cell.get("attachments", {}).items():
        mime, content = next(iter(data.items()))
        source = source.replace(f"attachment:{name}", illustrations.write(mime, content, folder)["src"])
    return _div("cell markdown", _shape(tags), [_block("markdown", source)])


def _code_cell(cell: NotebookNode, tags: set[str], folder: Path) -> dict:
    options, source = cells.options(cell.source)
    outputs = [] if "remove-output" in tags else cells.merged_outputs(cell.outputs)
    shown = "" if source.startswith("source(") else cells.for_readers(source)  # the code below is what is meant
    blocks = [_block("source", shown, pdf=cells.without_its_text(shown))] if shown else []
    blocks += [_output(output, "html-only" in tags, folder) for output in outputs]
    return _div("cell code", options | _shape(tags), blocks)


def _shape(tags: set[str]) -> dict[str, str]:
    shape = {"input": "none"} if "remove-input" in tags else {"input": "fold"} if "hide-input" in tags else {}
    if only := tags & {"html-only", "pdf-only"}:
        shape["only"] = only.pop().removesuffix("-only")
    return shape | ({"solution": "yes"} if "solution" in tags else {})


def _output(output: NotebookNode, html_only: bool, folder: Path) -> dict:
    if output.output_type == "error":
        raise ValueError(f"it ended with {output.ename}: run the notebook again before rendering")
    if output.output_type == "stream":
        return _block("text", output.text.rstrip("\n"))
    kind = next((kind for kind in RICHEST if kind in output.data), None)
    if kind is None:
        raise ValueError(f"the report cannot show an output of type {', '.join(output.data)}")
    content = output.data[kind]
    if kind in illustrations.SUFFIXES:
        return _block("picture", "", **illustrations.write(kind, content, folder))
    if kind == "text/html" and html_only:
        return _block("moving", _moving_picture(content))
    if kind == "text/html":
        content = re.sub(r"(?is)<(style|script)\b.*?</\1\s*>", "", content)
    if kind == "text/markdown":
        content = cells.unfolded(content)
    if kind == "text/latex":
        content = content if content.startswith("$") else f"$${content}$$"
    return _block({"text/plain": "text", "text/html": "html"}.get(kind, "markdown"), content)


class _Moving(HTMLParser):
    """Rebuilds <video>, <source> and <img> with their own data and nothing else of a page."""

    KEPT = frozenset(["alt", "autoplay", "controls", "height", "loop", "muted", "playsinline", "type", "width"])

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("video", "source", "img"):
            return
        kept = [(name, value or "") for name, value in attrs if name in self.KEPT]
        kept += [pair for pair in attrs if pair[0] == "src" and re.match(r"data:(video|image)/", pair[1] or "")]
        self.tags.append(" ".join([f"<{tag}", *(f'{name}="{html.escape(value)}"' for name, value in kept)]) + ">")

    def handle_endtag(self, tag: str) -> None:
        if tag == "video":
            self.tags.append("</video>")


def _moving_picture(content: str) -> str:
    parser = _Moving()
    parser.feed(content)
    if not any("data:" in tag for tag in parser.tags):
        raise ValueError("it is html-only but shows no <video> or <img> with its data inside")
    return "".join(parser.tags)
