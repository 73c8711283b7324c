"""Numbers written into notebooks: from labels alone, the same again, and those that the report shows."""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.report import appendices, cells, command, numbering

ONE = [
    new_markdown_cell(
        '# One <a id="ch-one"></a>\n\nSee [Figure](#fig-b), [Section](#sec-two), [these words](#sec-two).'
    ),
    new_markdown_cell(
        "## First\n\n### Deeper\n\n$$ a $$\n\n$$\nb . \\label{eq-b}\n$$\n\nand $$c \\label{eq-c}$$\n\n"
        "```\n## no heading, [Figure](#fig-b)\n```"
    ),
    new_code_cell('#| label: fig-a\n#| fig-cap: "A, before [Figure](#fig-b)."\ndraw()'),
    new_code_cell('#| label: tbl-a\n#| tbl-cap: "T"\nf()', metadata={"tags": ["hide-input"]}),
    new_code_cell("x = 1", metadata={"jupyter": {"source_hidden": True}}),
]
TWO = [
    new_markdown_cell(
        '# Two <a id="ch-two"></a>\n\n## 3 networks <a id="sec-two"></a>\n\n[chapter](#ch-one) [](#ch-data)'
    ),
    new_code_cell('#| label: fig-b\n#| fig-cap: "B"\ndraw()'),
    new_code_cell(
        'Markdown("[Equation](#eq-b)")',
        outputs=[new_output("display_data", {"text/markdown": "[Equation](#eq-b), [Table](#tbl-none)"})],
    ),
]


def written(folder, **notebooks):
    for name, made in notebooks.items():
        nbformat.write(new_notebook(cells=made), folder / f"{name}.ipynb")
    return sorted(folder.glob("*.ipynb"))


@pytest.fixture
def paths(tmp_path):
    return written(tmp_path, **{"01_one": ONE, "02_two": TWO})


def sources(path, kind="markdown"):
    return [cell.source for cell in cells.read(path).cells if cell.cell_type == kind]


def test_every_number_comes_from_labels(paths):
    assert numbering.number(paths) == paths
    one, two = map(sources, paths)
    assert one[0] == (
        '# 1\u2002One <a id="ch-one"></a>\n\nSee [Figure 2.1](02_two.ipynb#fig-b), '
        "[Section 2.1](02_two.ipynb#sec-two), [these words](02_two.ipynb#sec-two)."
    )
    assert one[1] == (
        "## 1.1\u2002First\n\n### 1.1.1\u2002Deeper\n\n$$ a $$\n\n"
        '<a id="eq-b"></a>\n$$\nb . \\tag{1.1}\n$$\n\nand <a id="eq-c"></a> $$c \\tag{1.2}$$\n\n'
        "```\n## no heading, [Figure](#fig-b)\n```"
    )
    assert one[2:] == [
        '<a id="fig-a"></a>**Figure 1.1.** A, before [Figure 2.1](02_two.ipynb#fig-b).',
        '<a id="tbl-a"></a>**Table 1.1.** T',
    ]
    assert two[0].endswith("[Chapter 1](01_one.ipynb#ch-one) [Appendix A](../reports/report.html#ch-data)")
    assert '## 2.1\u20023 networks <a id="sec-two"></a>' in two[0]
    assert sources(paths[1], "code")[1] == 'Markdown("[Equation 1.1](01_one.ipynb#eq-b)")'
    output = json.loads(paths[1].read_text(encoding="utf-8"))["cells"][-1]["outputs"][0]["data"]["text/markdown"]
    assert output == ["[Equation 1.1](01_one.ipynb#eq-b), [Table](#tbl-none)"]


def test_the_same_notebooks_again_are_changed_no_more(paths):
    numbering.number(paths)
    before = [path.read_bytes() for path in paths]
    assert numbering.number(paths) == []
    assert [path.read_bytes() for path in paths] == before


def test_numbers_follow_when_things_move(paths):
    numbering.number(paths)
    notebook = cells.read(paths[0])
    notebook.cells[1].source = notebook.cells[1].source.replace("## 1.1\u2002First", "## New\n\n## 1.1\u2002First")
    notebook.cells[2].source = "draw()"
    nbformat.write(notebook, paths[0])
    assert numbering.number(paths) == paths[:1]
    _, text, *captions = sources(paths[0])
    assert "## 1.1\u2002New\n\n## 1.2\u2002First\n\n### 1.2.1\u2002Deeper" in text
    assert captions == ['<a id="tbl-a"></a>**Table 1.1.** T']


def test_code_is_folded_in_jupyterlab_as_in_the_report(paths):
    numbering.number(paths)
    code = [cell for cell in cells.read(paths[0]).cells if cell.cell_type == "code"]
    assert [cell.metadata.get("jupyter") for cell in code] == [None, {"source_hidden": True}, None]


def test_a_cell_with_malformed_options_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"01_bad\.ipynb, cell 2: .*not YAML"):
        numbering.number(written(tmp_path, **{"01_bad": [new_markdown_cell("# A"), new_code_cell("#| label: [fig")]}))


def test_appendices_are_numbered_by_letters():
    notebook = new_notebook(cells=[new_markdown_cell("# One")])
    beyond = appendices.chapters([notebook])
    called = numbering.write({"01_one.ipynb": notebook}, beyond)
    assert called == {"ch-data": "Appendix A", "tbl-data": "Table A.1", "tbl-licences": "Table A.2"}
    assert re.match("# A\u2002Data", beyond["data"].cells[0].source)


@pytest.fixture
def numbered(tmp_path):
    """The committed notebooks, copied; whether they are numbered as they should be is the test below."""
    paths = [shutil.copy(path, tmp_path) for path in command.committed()]
    return [Path(path) for path in paths]


def test_the_committed_notebooks_have_the_numbers_that_their_labels_give(numbered):
    if numbering.GAP not in numbered[0].read_text(encoding="utf-8"):
        pytest.skip("nobody has numbered them yet: python -m helpers.report.numbering")
    stale = [path.name for path in numbering.number(numbered)]
    assert not stale, "run python -m helpers.report.numbering"


def test_every_reference_of_the_committed_notebooks_has_a_number_and_a_place(numbered):
    numbering.number(numbered)
    places = {path.name: set(re.findall(r'<a id="([\w-]+)"></a>', "\n".join(sources(path)))) for path in numbered}
    beyond = appendices.chapters([cells.read(path) for path in numbered])
    places[numbering.REPORT] = set(re.findall(r'id="([\w-]+)"', "\n".join(b.cells[0].source for b in beyond.values())))
    found = 0
    for path in numbered:
        outputs = json.dumps([cell.get("outputs", []) for cell in cells.read(path).cells])
        for text in [*sources(path), *sources(path, "code"), outputs]:
            for said, home, label in re.findall(r"\[([^\[\]\n]*)\]\(([\w./-]*)#([a-z]+-[\w-]+)\)", text):
                found += 1
                assert label in places[home or path.name], (path.name, label)
                assert said not in numbering.NOUNS.values(), (path.name, label)
    assert found > 60


def test_no_figure_of_the_committed_notebooks_is_there_twice(numbered):
    labels = [
        label for path in numbered for cell in cells.read(path).cells if (label := cells.options(cell).get("label"))
    ]
    assert len(labels) == len(set(labels))
    assert len(labels) > 50
