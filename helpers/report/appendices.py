"""The report's appendices: errata, the source's parts, a glossary, other libraries, data and licences, environment.

Their texts are Markdown in assets/, where a block that begins with `#|` lines is a cell. What it shows, in braces, is
filled in here: of that some may not be the report's own.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.report import cells
from helpers.store.files import ROOT

DATA, README = ROOT / "data" / "README.md", ROOT / "README.md"  # the places that hold the sources and the licences
TEXTS = Path(__file__).parent / "assets"
_ERRATUM = re.compile(r'^#+ (?:\S+\u2002)?Erratum (\d+): (.+?) <a id="(sec-erratum-\1)"></a>$', re.MULTILINE)


def chapters(notebooks: Iterable[NotebookNode]) -> dict[str, NotebookNode]:
    """Return the appendices as notebooks by their names.

    Of the errata there is one where chapters show some, of the environment where a cell tagged so has told it; what
    refers to chapters that are not here is left out.
    """
    notebooks = list(notebooks)
    texts = [cell.source for notebook in notebooks for cell in notebook.cells if cell.cell_type == "markdown"]
    found, environment = errata(texts), cells.shown(notebooks, "environment")
    known = set(re.findall(r'id="([\w-]+)"', "\n".join(texts)))
    made = {"errata": _appendix("errata", count=len(found), errata=_table_of(found))} if found else {}
    for name in ("source", "glossary", "peers"):
        appendix = _appendix(name)
        if known.issuperset(re.findall(r"\]\(#([\w-]+)\)", appendix.cells[0].source)):
            made[name] = appendix
    kinds = _found(DATA, r"(?m)((?:^\|.*\n)+)", "table of the data sets")
    photographs = f"**Caltech-101.** {_section(DATA, 'caltech101').split(chr(10) * 2)[0]}"
    made["data"] = _appendix("data", kinds=kinds, photographs=photographs, licences=_section(README, "Licences"))
    return made | ({"environment": _appendix("environment", environment=environment)} if environment else {})


def errata(texts: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Return title and label of the errata among Markdown texts by their number, in its order."""
    found = {int(number): (title, label) for number, title, label in _ERRATUM.findall("\n".join(texts))}
    return dict(sorted(found.items()))


def _table_of(found: dict[int, tuple[str, str]]) -> str:
    rows = ["| number | erratum | shown in |", "| ---: | :--- | :--- |"]
    for number, (title, label) in found.items():
        title = title.replace("|", r"\|")
        rows.append(f"| {number} | {title[0].upper()}{title[1:]} | [Section](#{label}) |")
    return "\n".join(rows)


def _appendix(name: str, **shown: object) -> NotebookNode:
    """Return an appendix of a text in assets/, with what its cells show."""
    about, *blocks = re.split(r"\n\n(?=#\|)", (TEXTS / f"{name}.md").read_text(encoding="utf-8").strip())
    made = [new_markdown_cell(about.replace("{count}", str(shown.get("count"))))]
    for block in blocks:
        options, _, place = block.rpartition("\n")
        output = new_output("display_data", {"text/markdown": shown[place.strip("{}")]})
        made.append(new_code_cell(options, outputs=[output]))
    return new_notebook(cells=made)


def _section(path: Path, title: str) -> str:
    """Return the text under a second-level heading."""
    return _found(path, rf"(?ms)^## {re.escape(title)}$\n+(.*?)\s*(?:^## |\Z)", f"section {title!r}")


def _found(path: Path, pattern: str, what: str) -> str:
    match = re.search(pattern, path.read_text(encoding="utf-8"))
    if not match:
        raise ValueError(f"{path} has no {what}, which the report's appendix shows.")
    return match[1]
