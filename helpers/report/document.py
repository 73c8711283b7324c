"""Turns executed notebooks into one pandoc document: its JSON, and a folder of the pictures that it shows."""

import json
import re
from pathlib import Path

import yaml
from nbformat import NotebookNode

from helpers.report import appendices, cells, image_files, numbering
from helpers.store.files import ROOT

TITLE = "Convolutional networks from first principles"
SUBTITLE = "A course report that runs"
SOURCE = "Deep Learning and Applications: Convolutional Neural Networks (course report, 9 May 2022)"
CITATION = ROOT / "CITATION.cff"
RICHEST = (*image_files.SUFFIXES, "text/html", "text/markdown", "text/latex", "text/plain")
LEFT_OUT = {"remove-cell", "parameters", "injected-parameters", "papermill-error-cell-tag", "caption"}
LEFT_OUT |= {"abstract", "environment"}  # which are for the title page and for an appendix
LIVE = "application/vnd.cnn-report+json"  # helpers.figures.text.Live makes it, the page's scripts read it
UNDRAWN = "This run's data give it nothing to show."


def document(notebooks: list[Path], facts: list[tuple[str, str]], fingerprint: str, folder: Path) -> dict:
    """Return the report as pandoc's JSON: a Div a notebook, a Div a cell, and blocks classed by what they hold.

    facts are what the title page says of the run, fingerprint is the notebooks' hash; pictures go to folder/media. The
    abstract is what the cells tagged so have shown. Raises ValueError, naming notebook and cell, for a failed cell,
    malformed options, or what cannot be shown.
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
    return {"pandoc-api-version": [1, 23, 1], "meta": _meta(facts, fingerprint), "blocks": blocks}


def _meta(facts: list[tuple[str, str]], fingerprint: str) -> dict:
    cited = yaml.safe_load(CITATION.read_text(encoding="utf-8"))
    texts = {
        "title": TITLE,
        "subtitle": SUBTITLE,
        "lang": "en",
        "made-from": fingerprint,
        "author": ", ".join(author["name"] for author in cited["authors"]),
        "version": f"{cited['version']} of {cited['date-released']}",
        "source": SOURCE,
    }
    if repository := cited.get("repository-code"):
        texts["repository"] = repository.rstrip("/")
    entries = [{"t": "MetaMap", "c": {"name": _text(name), "value": _text(value)}} for name, value in facts]
    return {name: _text(text) for name, text in texts.items()} | {"facts": {"t": "MetaList", "c": entries}}


def content(path: Path) -> list:
    """Return what a notebook's cells say and show, as JSON takes it, without what tells of a single run."""
    kept = [cell for cell in cells.read(path).cells if "injected-parameters" not in cells.tags(cell)]
    return [[cell.cell_type, cell.source, sorted(cells.tags(cell)), _outputs(cell)] for cell in kept]


def _outputs(cell: NotebookNode) -> list:
    return [output.get("data") or output.get("text") for output in cells.merged_outputs(cell.get("outputs", []))]


def _text(value: str) -> dict:
    return {"t": "MetaString", "c": value}


def _div(classes: str, attributes: dict[str, str], blocks: list) -> dict:
    return {"t": "Div", "c": [["", classes.split(), list(attributes.items())], blocks]}


def _block(kind: str, text: str, **attributes: str) -> dict:
    return {"t": "CodeBlock", "c": [["", [kind], list(attributes.items())], text]}


def _notebook(name: str, notebook: NotebookNode, called: dict[str, str], folder: Path) -> list[dict]:
    blocks = []
    for index, cell in enumerate(notebook.cells):
        if cells.tags(cell) & LEFT_OUT or cell.cell_type == "raw":
            continue
        with cells.named(Path(name), index):
            is_code = cell.cell_type == "code"
            blocks.append(_code_cell(cell, called, folder) if is_code else _markdown_cell(cell, folder))
    return blocks


def _markdown_cell(cell: NotebookNode, folder: Path) -> dict:
    source = cell.source
    for name, data in cell.get("attachments", {}).items():
        mime, content = next(iter(data.items()))
        source = source.replace(f"attachment:{name}", image_files.write(mime, content, folder)["src"])
    return _div("cell markdown", {}, [_block("markdown", source)])


def _code_cell(cell: NotebookNode, called: dict[str, str], folder: Path) -> dict:
    options, source = cells.options(cell.source)
    tags, number = cells.tags(cell), called.get(options.get("label", ""))
    attributes = options | ({"number": number} if number else {})
    if "optional" in tags and not cell.outputs:  # such as the third class's figure, where there are two
        undrawn = [_block("undrawn", options.get("undrawn", UNDRAWN))] if number else []
        return _div("cell code", attributes, undrawn)
    attributes |= {"solution": "yes"} if "solution" in tags else {}
    if cells.is_folded(cell):
        attributes["input"] = "fold" if "hide-input" in tags else "none"
    shown = cells.for_readers(source)
    blocks = [_block("source", shown, pdf=cells.without_its_text(shown))] if shown else []
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
        content = re.sub(r"(?is)<(style|script)\b.*?</\1\s*>", "", content)
    if kind == "text/markdown":
        content = cells.unfolded(content)
    if kind == "text/latex":
        content = content if content.startswith("$") else f"$${content}$$"
    return _block({"text/plain": "text", "text/html": "html"}.get(kind, "markdown"), content)
