"""The report's appendices: the source's errata, the data with its licences, and what the run was made with."""

import re
from collections.abc import Iterable
from pathlib import Path

from helpers.report import errata
from helpers.store.files import ROOT

DATA, README = ROOT / "data" / "README.md", ROOT / "README.md"  # the places that hold the sources and the licences


def chapters(texts: Iterable[str], environment: str) -> list[tuple[str, list]]:
    """Return each appendix as its name and its parts: Markdown, or the attributes and the Markdown of a table.

    texts are the chapters' Markdown cells, environment is the table that the last chapter has made, or "". There is
    an appendix of errata where the chapters show some, and of the environment where it is known.
    """
    found = errata.collect(texts)
    made = [("errata", _errata(found))] if found else []
    made.append(("data", _data()))
    return made + ([("environment", _environment(environment))] if environment else [])


def _errata(found: list[errata.Erratum]) -> list:
    about = (
        '# The errata of the source <a id="ch-errata"></a>\n\nThe report that this one began with errs in '
        f"{len(found)} places. Each is shown by a computation in the chapter where it belongs; here is where."
    )
    caption = {"label": "tbl-errata", "tbl-cap": "The source's errata, in the order in which they were numbered."}
    return [about, (caption, errata.table(found))]


def _data() -> list:
    about = '# Data and licences <a id="ch-data"></a>\n\nThe data sets that the report can be made from, by name.'
    kinds = re.search(r"(?m)(?:^\|.*\n)+", DATA.read_text(encoding="utf-8"))
    if not kinds:
        raise ValueError(f"{DATA} has no table of the data sets, which the report's appendix shows.")
    caption = {"label": "tbl-data", "tbl-cap": "The kinds of data set, and where their pictures are."}
    source = _section(DATA, "caltech101").split("\n\n")[0]
    licences = {"label": "tbl-licences", "tbl-cap": "Licences of what the report is made of."}
    return [about, (caption, kinds[0]), ({}, f"**Caltech-101.** {source}"), (licences, _section(README, "Licences"))]


def _environment(table: str) -> list:
    about = (
        '# Environment <a id="ch-environment"></a>\n\nWhat the chapters were executed with. Another processor, or '
        "another version of a package that computes, rounds sums otherwise: losses may then differ in their last "
        "digits, and timings differ altogether."
    )
    caption = {"label": "tbl-environment", "tbl-cap": "Versions and machine, as the last chapter found them."}
    return [about, (caption, table)]


def _section(path: Path, title: str) -> str:
    """Return the text under a second-level heading."""
    match = re.search(rf"(?ms)^## {re.escape(title)}$\n+(.*?)\s*(?:^## |\Z)", path.read_text(encoding="utf-8"))
    if not match:
        raise ValueError(f"{path} has no section {title!r}, which the report's appendix shows.")
    return match[1]
