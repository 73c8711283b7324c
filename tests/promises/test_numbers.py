"""No number that was published or measured is typed anywhere: it comes from its file, or it goes out of date.

Distinctive numbers are compared: typed with three significant digits or more, whole ones from a thousand. Fewer digits
are shared with settings, sizes and chance.
"""

import json
import re
from collections.abc import Iterator

import pytest
import readme_numbers

from helpers.store.files import ROOT
from helpers.study import statistics

NUMBER = re.compile(r"(?<![\w.])\d+(?:[_,]\d{3})*(?:\.\d+)?(?:e-?\d+)?(?![\w.]*\d)")
ALLOWED = {  # where a number stands all the same, and why
    ("03_cnn_training", "53.7344"): "the erratum quotes the other program's output, which the next cell reads",
    ("04_vgg19", "20024384"): "the erratum's heading is the published number; the cell that counts asserts it",
}


def significant(token: str) -> int:
    return len(token.partition("e")[0].replace(".", "").lstrip("0"))


def numbers(value: object) -> Iterator[float]:
    """Yield the distinctive numbers of a JSON value, whatever they are called."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool) and (value >= 1000 or value % 1):
        yield value


def typed(text: str, known: list[float]) -> list[str]:
    """Return the numbers in a text that are `known` ones, to as many digits as they are typed with."""
    found = []
    for match in NUMBER.findall(text):
        token = match.replace("_", "").replace(",", "")
        decimals = len(token.partition("e")[0].partition(".")[2])
        whole = decimals == 0 and "e" not in token
        if significant(token) < (4 if whole else 3) or float(token) == 1:
            continue
        same = [
            x for x in known if (x == float(token) if whole or "e" in token else round(x, decimals) == float(token))
        ]
        found += [token] if same else []
    return found


def known() -> list[float]:
    published = json.loads((ROOT / "reports" / "source_report.json").read_text(encoding="utf-8"))
    return [*numbers(published), *numbers([entry for _, entry in statistics.measured()])]


NUMBERED = re.compile(r"\b(?:Figure|Table|Equation|Section)\s\d+\.\d+(?:\.\d+)?|\\tag\{[\d.]+\}|(?m:^#+ \d+\.\d+)")


def texts() -> Iterator[tuple[str, str]]:
    """Yield names and texts, without the numbers of headings, figures, tables and equations, which are computed."""
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        yield path.stem, NUMBERED.sub("", "\n".join("".join(cell["source"]) for cell in cells))
    before, _, rest = readme_numbers.README.read_text(encoding="utf-8").partition(readme_numbers.BEGIN)
    yield "README", before + rest.partition(readme_numbers.END)[2]


@pytest.mark.parametrize("name", [name for name, _ in texts()])
def test_no_published_or_measured_number_is_typed(name):
    found = [token for token in typed(dict(texts())[name], known()) if (name, token) not in ALLOWED]
    assert not found, f"{name} holds numbers that belong into a file: {', '.join(found)}"


def test_the_exceptions_are_still_needed():
    assert set(ALLOWED) <= {(name, token) for name, text in texts() for token in typed(text, known())}


def test_the_readme_s_table_is_the_measured_one():
    text = readme_numbers.README.read_text(encoding="utf-8")
    assert readme_numbers.readme(text) == text, "run `make readme`"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("accuracy 0.963, or 0.9633", ["0.963", "0.9633"]),
        ("a loss of 53.73 nats (53.7344).", ["53.73", "53.7344"]),
        ("20,024,384 and 20_024_384", ["20024384", "20024384"]),
        ("0.96, 25 epochs, 224 x 224, 0.003, 1.00, 0.5, v0.963.1, 53.8, 150 images", []),
        ("0.950 of them", ["0.950"]),
    ],
)
def test_it_would_find_one(text, found):
    assert typed(text, [0.963333, 53.7344, 20024384, 0.95, 0.003]) == found
