"""Numbers of chapters, sections, equations, figures and tables, and the references to them, in the notebooks' own text.

Authors write labels, and refer to them by `[Section](#sec-name)`; CONTRIBUTING.md has all forms. The numbers come from
here alone: `python -m helpers.report.numbering` writes them into the committed notebooks, and the report shows them.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.report import appendices, cells
from helpers.report.execution import committed
from helpers.store.files import whole_file

NOUNS = {"fig": "Figure", "tbl": "Table", "eq": "Equation", "sec": "Section", "ch": "Chapter", "appendix": "Appendix"}
GAP = "\u2002"  # between a heading's number and its title: nobody types it
REPORT = "../reports/report.html"  # holds what stands in no notebook
_FENCED = re.compile(r"(^```.*?^```[ ]*$)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(rf"^(#+) +(?:[\dA-Z][\d.]*{GAP})?(.+)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([\w-]+)"></a>')
_EQUATION = re.compile(r'(?s)(?:<a id="(eq-[\w-]+)"></a>\s)?(\$\$.*?\$\$|\\begin\{(align|equation)\}.*?\\end\{\3\})')
_LABEL = re.compile(r"\s*\\(?:label\{(eq-[\w-]+)\}|tag\{[^}]*\})")
_REFERENCE = re.compile(r"\[([^\[\]\n]*)\]\((?:[\w./-]+)?#([a-z]+-[\w-]+)\)")
_NUMBERED = re.compile(rf"(?:(?:{'|'.join(NOUNS.values())})(?: [\dA-Z][\d.]*)?)?", re.IGNORECASE)


class _Chapter:
    """Counts what a chapter numbers and writes the numbers into its cells; `called` has their names by their labels."""

    def __init__(self, number: str, noun: str, notebook: NotebookNode) -> None:
        self.noun, self.digits, self.counts = noun, [number], Counter()
        self.called: dict[str, str] = {}
        for cell in notebook.cells:
            if cell.cell_type == "markdown" and "caption" not in cells.tags(cell):
                cell.source = _outside_code(cell.source, partial(_HEADING.sub, self._heading))
                cell.source = _outside_code(cell.source, partial(_EQUATION.sub, self._equation))
            options = cells.options(cell)
            for kind in ("fig", "tbl"):
                if f"{kind}-cap" in options and "label" in options:
                    self._next(kind, options["label"])

    def _heading(self, match: re.Match) -> str:
        level = len(match[1])
        self.digits = (self.digits + [0] * level)[:level]
        if level > 1:
            self.digits[-1] += 1
        number = ".".join(map(str, self.digits))
        if anchor := _ANCHOR.search(match[2]):
            self.called[anchor[1]] = f"{self.noun if level == 1 else NOUNS['sec']} {number}"
        return f"{match[1]} {number}{GAP}{match[2]}"

    def _equation(self, match: re.Match) -> str:
        labelled = _LABEL.search(match[2])
        name = match[1] or (labelled and labelled[1])
        if not name:
            return match[0]
        number = self._next("eq", name)
        formula = re.sub(r"(\s*(?:\$\$|\\end\{\w+\}))$", rf" \\tag{{{number}}}\1", _LABEL.sub("", match[2]))
        within = match.start() and match.string[match.start() - 1] != "\n"
        return f'<a id="{name}"></a>{" " if within else chr(10)}{formula}'

    def _next(self, kind: str, label: str) -> str:
        self.counts[kind] += 1
        number = f"{self.digits[0]}.{self.counts[kind]}"
        self.called[label] = f"{NOUNS[kind]} {number}"
        return number


def write(notebooks: dict[str, NotebookNode], beyond: dict[str, NotebookNode]) -> dict[str, str]:
    """Write the numbers into the cells of notebooks by their files' names, and of the appendices `beyond` them.

    Returns what each label is called, such as "Figure 1.2". Raises ValueError for `#|` lines that are no options.
    """
    parts = [(str(k), NOUNS["ch"], name, notebook) for k, (name, notebook) in enumerate(notebooks.items(), 1)]
    letters = zip(string.ascii_uppercase, beyond.values(), strict=False)
    parts += [(letter, NOUNS["appendix"], REPORT, notebook) for letter, notebook in letters]
    places = {}
    for number, noun, home, notebook in parts:
        places |= {label: (called, home) for label, called in _Chapter(number, noun, notebook).called.items()}
    for _, _, home, notebook in parts:
        for cell in notebook.cells:
            _refer(cell, places, home)
    return {label: called for label, (called, _) in places.items()}


def _refer(cell: NotebookNode, places: dict[str, tuple[str, str]], here: str) -> None:
    """Give references in a cell the number of what they call by a noun, and the file where that is elsewhere."""

    def reference(match: re.Match) -> str:
        said, label = match.groups()
        called, home = places.get(label, (said, ""))
        said = called if _NUMBERED.fullmatch(said) else said
        return f"[{said}]({'' if home == here else home}#{label})" if label in places else match[0]

    cell.source = _outside_code(cell.source, partial(_REFERENCE.sub, reference))
    for output in cell.get("outputs", []):
        if "text/markdown" in (data := output.get("data", {})):
            data["text/markdown"] = _outside_code(data["text/markdown"], partial(_REFERENCE.sub, reference))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if k % 2 else change(part) for k, part in enumerate(_FENCED.split(text)))


def number(paths: Iterable[Path]) -> list[Path]:
    """Make notebooks readable as they are, in place; return the paths of those that have changed.

    Headings, equations and references get their numbers, captions a cell of their own below what they are about, and
    code is folded in JupyterLab where it is in the report. The same notebooks again are changed no more.
    """
    paths, changed = list(paths), []
    notebooks = {path.name: cells.read(path) for path in paths}
    called = write(notebooks, appendices.chapters(notebooks.values()))
    for path in paths:
        notebook = notebooks[path.name]
        notebook.cells = [each for cell in notebook.cells for each in _with_caption(cell, called)]
        text = nbformat.writes(notebook) + "\n"
        if text != path.read_text(encoding="utf-8"):
            changed.append(path)
            with whole_file(path) as part:
                part.write_text(text, encoding="utf-8")
    return changed


def _with_caption(cell: NotebookNode, called: dict[str, str]) -> list[NotebookNode]:
    """Return the cell and its caption's; nothing for a caption of before."""
    if cell.cell_type != "code":
        return [] if "caption" in cells.tags(cell) else [cell]
    jupyter = {name: value for name, value in cell.metadata.pop("jupyter", {}).items() if name != "source_hidden"}
    jupyter |= {"source_hidden": True} if cells.is_folded(cell) or "solution" in cells.tags(cell) else {}
    cell.metadata |= {"jupyter": jupyter} if jupyter else {}
    options = cells.options(cell)
    caption, label = options.get("fig-cap") or options.get("tbl-cap"), options.get("label", "")
    if not caption:
        return [cell]
    head = f'<a id="{label}"></a>**{called[label]}.** ' if label else ""
    name = f"{cell.id}-caption"[-64:]
    return [cell, nbformat.v4.new_markdown_cell(head + caption, id=name, metadata={"tags": ["caption"]})]


if __name__ == "__main__":
    print(*number(committed()), sep="\n")
