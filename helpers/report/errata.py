"""The errata of the source report, collected from the headings under which the chapters show them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

HEADING = re.compile(r'^#+ Erratum (\d+): (.+?) <a id="(sec-erratum-(\d+))"></a>$', re.MULTILINE)
LIKE_ONE = re.compile(r"^#+ Erratum\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class Erratum:
    """Its number, its title, and the label of the section that shows it."""

    number: int
    title: str
    label: str


def collect(texts: Iterable[str]) -> list[Erratum]:
    """Return the errata among Markdown texts by their number; ValueError for a malformed heading or a number twice."""
    found: dict[int, Erratum] = {}
    for text in texts:
        headings = {match[0]: match for match in HEADING.finditer(text)}
        for line in LIKE_ONE.findall(text):
            match = headings.get(line)
            if match is None or match[1] != match[4]:
                raise ValueError(f'{line!r} is not of the form: ### Erratum 1: title <a id="sec-erratum-1"></a>')
            if int(match[1]) in found:
                raise ValueError(f"erratum {match[1]} stands in two places")
            found[int(match[1])] = Erratum(int(match[1]), match[2], match[3])
    return [found[number] for number in sorted(found)]


def table(errata: Iterable[Erratum]) -> str:
    """Return the errata as a Markdown table, each with a link to its place."""
    rows = [f"| {e.number} | {_cell(e.title)} | [Section](#{e.label}) |" for e in errata]
    return "\n".join(["| number | erratum | shown in |", "| ---: | :--- | :--- |", *rows])


def _cell(title: str) -> str:
    return (title[0].upper() + title[1:]).replace("|", r"\|")
