"""Turns executed notebooks into one pandoc document: its JSON, and a folder of the pictures that it shows."""

import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from PIL import Image

from helpers import cells, errata

TITLE = "Convolutional networks from first principles"
SUBTITLE = "A course report that runs"
DPI = 150  # at which figures are drawn
LARGE = 60_000  # bytes of a PNG
TEXT_WIDTH = 6.37  # inches between the PDF's margins
PICTURES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/svg+xml": "svg", "image/webp": "webp"}
RICHEST = (*PICTURES, "text/html", "text/markdown", "text/latex", "text/plain")
LEFT_OUT = {"remove-cell", "parameters", "injected-parameters", "papermill-error-cell-tag"}


def document(notebooks: list[Path], abstract: str, facts: list[tuple[str, str]], folder: Path) -> dict:
    """Return the report as pandoc's JSON: a Div a notebook, a Div a cell, and blocks classed by what they hold.

    abstract is Markdown or "", facts are what the title page says of the run; pictures go to folder/media.
    Raises ValueError, naming notebook and cell, for a failed cell, malformed options, or what cannot be shown.
    """
    (folder / "media").mkdir()
    blocks = [_div("abstract", {}, [_block("markdown", abstract)])] if abstract else []
    blocks += [_div("notebook", {"name": path.stem}, _notebook(path, folder)) for path in notebooks]
    blocks += _appendix(notebooks)
    meta = {"title": _text(TITLE), "subtitle": _text(SUBTITLE), "lang": _text("en")}
    entries = [{"t": "MetaMap", "c": {"name": _text(name), "value": _text(value)}} for name, value in facts]
    meta["facts"] = {"t": "MetaList", "c": entries}
    return {"pandoc-api-version": [1, 23, 1], "meta": meta, "blocks": blocks}


def _appendix(notebooks: list[Path]) -> list[dict]:
    """Return the table of the source's errata, made from the chapters' headings; nothing where they have none."""
    texts = [cell.source for path in notebooks for cell in _read(path).cells if cell.cell_type == "markdown"]
    found = errata.collect(texts)
    if not found:
        return []
    about = (
        '# Appendix: the errata of the source <a id="ch-errata"></a>\n\nThe report that this one began with errs in '
        f"{len(found)} places. Each is shown by a computation in the chapter where it belongs; here is where."
    )
    caption = {"label": "tbl-errata", "tbl-cap": "The source's errata, in the order in which they were numbered."}
    parts = [
        _div("cell markdown", {}, [_block("markdown", about)]),
        _div("cell code", caption | {"input": "none"}, [_block("markdown", errata.table(found))]),
    ]
    return [_div("notebook", {"name": "errata"}, parts)]


def _text(value: str) -> dict:
    return {"t": "MetaString", "c": value}


def _attributes(classes: str, attributes: dict[str, str]) -> list:
    return ["", classes.split(), list(attributes.items())]


def _div(classes: str, attributes: dict[str, str], blocks: list) -> dict:
    return {"t": "Div", "c": [_attributes(classes, attributes), blocks]}


def _block(kind: str, text: str, **attributes: str) -> dict:
    return {"t": "CodeBlock", "c": [_attributes(kind, attributes), text]}


def _notebook(path: Path, folder: Path) -> list[dict]:
    blocks = []
    for index, cell in enumerate(_read(path).cells):
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
        source = source.replace(f"attachment:{name}", _picture(mime, content, folder)["src"])
    return _div("cell markdown", _shape(tags), [_block("markdown", source)])


def _code_cell(cell: NotebookNode, tags: set[str], folder: Path) -> dict:
    options, source = cells.options(cell.source)
    outputs = [] if "remove-output" in tags else cells.merged_outputs(cell.outputs)
    blocks = [_block("source", source)] if source else []
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
    if kind in PICTURES:
        return _block("picture", "", **_picture(kind, content, folder))
    if kind == "text/html" and html_only:
        return _block("moving", _moving_picture(content))
    if kind == "text/html":
        content = re.sub(r"(?is)<(style|script)\b.*?</\1\s*>", "", content)
    if kind == "text/markdown":
        content = cells.unfolded(content)
    if kind == "text/latex":
        content = content if content.startswith("$") else f"$${content}$$"
    return _block({"text/plain": "text", "text/html": "html"}.get(kind, "markdown"), content)


def _picture(mime: str, content: str, folder: Path) -> dict[str, str]:
    """Write a picture into the document's folder and return its path there, another for the PDF, and its width.

    A PDF knows no palette: a large picture takes half again as much there as in its file, so it goes in as JPEG.
    """
    data = content.encode() if mime == "image/svg+xml" else base64.b64decode(content)
    path = folder / "media" / f"{hashlib.sha256(data).hexdigest()[:16]}.{PICTURES[mime]}"
    path.write_bytes(data)
    inches = int.from_bytes(data[16:20], "big") / DPI if mime == "image/png" else TEXT_WIDTH
    width = f"{inches:.3f}in" if inches < TEXT_WIDTH else "100%"
    picture = {"src": f"media/{path.name}", "pdf": f"media/{path.name}", "width": width}
    if mime == "image/png" and len(data) > LARGE:
        picture["pdf"] = f"media/{path.stem}.jpg"
        with Image.open(path) as image:
            image.convert("RGB").save(folder / picture["pdf"], quality=85, subsampling=0)
    return picture


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
