"""The report's appendices: errata, the source's parts, a glossary, other libraries, data and licences, environment."""

import re
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.report import cells
from helpers.store.files import ROOT

DATA, README = ROOT / "data" / "README.md", ROOT / "README.md"  # the places that hold the sources and the licences
TEXTS = Path(__file__).parent / "assets"
_ERRATUM = re.compile(r'^#+ (?:\S+\u2002)?Erratum (\d+): (.+?) <a id="(sec-erratum-(\d+))"></a>$', re.MULTILINE)
_LIKE_ONE = re.compile(r"^#+ (?:\S+\u2002)?Erratum\b.*$", re.MULTILINE)


def chapters(notebooks: Iterable[NotebookNode]) -> dict[str, NotebookNode]:
    """Return the appendices as notebooks by their names.

    Of the errata there is one where chapters show some, of the environment where a cell tagged so has told it; what
    refers to chapters that are not here is left out.
    """
    notebooks = list(notebooks)
    texts = [cell.source for notebook in notebooks for cell in notebook.cells if cell.cell_type == "markdown"]
    found, environment = errata(texts), cells.shown(notebooks, "environment")
    made = {"errata": _errata(found)} if found else {}
    known = set(re.findall(r'id="([\w-]+)"', "\n".join(texts)))
    for name in ("source", "glossary", "peers"):
        text = (TEXTS / f"{name}.md").read_text(encoding="utf-8")
        if known.issuperset(re.findall(r"\]\(#([\w-]+)\)", text)):
            made[name] = new_notebook(cells=[new_markdown_cell(text)])
    made["data"] = _data()
    return made | ({"environment": _environment(environment)} if environment else {})


def errata(texts: Iterable[str]) -> dict[int, tuple[str, str]]:
    """Return title and label of the errata among Markdown texts by their number.

    Raises ValueError for a malformed heading or a number that is there twice.
    """
    found: dict[int, tuple[str, str]] = {}
    for line in _LIKE_ONE.findall("\n".join(texts)):
        match = _ERRATUM.fullmatch(line)
        if match is None or match[1] != match[4]:
            raise ValueError(f'{line!r} is not of the form: ### Erratum 1: title <a id="sec-erratum-1"></a>')
        if int(match[1]) in found:
            raise ValueError(f"erratum {match[1]} stands in two places")
        found[int(match[1])] = match[2], match[3]
    return dict(sorted(found.items()))


def _errata(found: dict[int, tuple[str, str]]) -> NotebookNode:
    rows = [
        f"| {number} | {(title[0].upper() + title[1:]).replace('|', chr(92) + '|')} | [Section](#{label}) |"
        for number, (title, label) in found.items()
    ]
    return _appendix(
        '# The errata of the source <a id="ch-errata"></a>\n\nThe report that this one began with contains '
        f"{len(found)} errors. Each is shown by a computation in the chapter where it belongs.",
        _table("errata", "\n".join(["| number | erratum | shown in |", "| ---: | :--- | :--- |", *rows]),
               "The source's errata, in the order in which they were numbered."),
    )  # fmt: skip


def _data() -> NotebookNode:
    kinds = re.search(r"(?m)(?:^\|.*\n)+", DATA.read_text(encoding="utf-8"))
    if not kinds:
        raise ValueError(f"{DATA} has no table of the data sets, which the report's appendix shows.")
    return _appendix(
        '# Data and licences <a id="ch-data"></a>\n\nThe data sets that the report can be made from, by name.',
        _table("data", kinds[0], "The kinds of data set, and where their pictures are."),
        _shown(f"**Caltech-101.** {_section(DATA, 'caltech101').split(chr(10) * 2)[0]}"),
        _table("licences", _section(README, "Licences"), "Licences of what the report is made of."),
    )


def _environment(table: str) -> NotebookNode:
    return _appendix(
        '# Environment <a id="ch-environment"></a>\n\nWhat the chapters were executed with. Another processor, or '
        "another version of a package that computes, rounds sums otherwise: losses may then differ in their last "
        "digits, and timings differ altogether.",
        _table("environment", table, "Versions and machine, as the last chapter found them."),
    )


def _appendix(about: str, *shown: NotebookNode) -> NotebookNode:
    return new_notebook(cells=[new_markdown_cell(about), *shown])


def _shown(markdown: str, options: str = "") -> NotebookNode:
    """Return a cell that has shown text of which some may not be the report's own."""
    return new_code_cell(options, outputs=[new_output("display_data", {"text/markdown": markdown})])


def _table(name: str, markdown: str, caption: str) -> NotebookNode:
    return _shown(markdown, f'#| label: tbl-{name}\n#| tbl-cap: "{caption}"')


def _section(path: Path, title: str) -> str:
    """Return the text under a second-level heading."""
    match = re.search(rf"(?ms)^## {re.escape(title)}$\n+(.*?)\s*(?:^## |\Z)", path.read_text(encoding="utf-8"))
    if not match:
        raise ValueError(f"{path} has no section {title!r}, which the report's appendix shows.")
    return match[1]
