"""The appendix of errata: all fourteen are shown, each followed by a computation, and listed once."""

import json

import pytest

from helpers.report import appendices, errata
from helpers.store.files import ROOT


def committed():
    for path in sorted((ROOT / "notebooks").glob("0*.ipynb")):
        yield json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_the_chapters_show_all_fourteen():
    texts = ["".join(c["source"]) for cells in committed() for c in cells if c["cell_type"] == "markdown"]
    found = errata.collect(texts)
    assert [erratum.number for erratum in found] == list(range(1, 15))
    assert [erratum.label for erratum in found] == [f"sec-erratum-{n}" for n in range(1, 15)]
    assert len({erratum.title for erratum in found}) == 14


def test_each_is_shown_by_a_computation_with_an_assert():
    for cells in committed():
        for index, cell in enumerate(cells):
            text = "".join(cell["source"])
            if cell["cell_type"] != "markdown" or not errata.HEADING.search(text):
                continue
            after = []  # the code up to the next heading
            for following in cells[index + 1 :]:
                if following["cell_type"] == "markdown" and "".join(following["source"]).startswith("#"):
                    break
                after += ["".join(following["source"])] if following["cell_type"] == "code" else []
            assert any("assert " in source for source in after), text.splitlines()[0]


def test_the_appendix_is_the_table():
    titles = {2: "b | c", 1: "a square root"}
    texts = [f'### Erratum {n}: {title} <a id="sec-erratum-{n}"></a>\n\nText.' for n, title in titles.items()]
    (name, (about, (caption, table))), *others = appendices.chapters(texts, "")
    assert name == "errata"
    assert "errs in 2 places" in about
    assert caption["label"] == "tbl-errata"
    assert table.splitlines()[2:] == [
        "| 1 | A square root | [Section](#sec-erratum-1) |",
        r"| 2 | B \| c | [Section](#sec-erratum-2) |",
    ]
    assert appendices.chapters(["# B"], "") == others


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["### Erratum 3: no label"], "Erratum 3: no label.*is not of the form"),
        (['### Erratum 3: a <a id="sec-erratum-4"></a>'], "is not of the form"),
        (['### Erratum 3: a <a id="sec-erratum-3"></a>'] * 2, "erratum 3 stands in two places"),
    ],
)
def test_a_wrong_heading_is_refused(texts, says):
    with pytest.raises(ValueError, match=says):
        errata.collect(texts)
