"""A page with every figure that answers, made of random data, in the Chromium that this machine has."""

import os
import shutil

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.figures import KERNELS, regions
from helpers.figures.text import LIVE, _plain, thumbnail
from helpers.report import render

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4//8/AAX+Av4N70a4AAAAAElFTkSuQmCC"
WHY = []  # the browser's tests are skipped


def random_figures():
    """Return the data of each figure by its label, in the form in which the notebooks give them to `Live`."""
    rng = np.random.default_rng(0)
    pictures = {name: rng.integers(0, 256, (224, 224, 3), dtype=np.uint8) for name in ("one", "two")}
    filters = {when: {"w": rng.normal(size=(5, 27)), "b": rng.normal(size=5)} for when in ("before", "after")}
    history = {key: rng.random(6) for key in ("loss", "val_loss", "accuracy", "val_accuracy")}
    actual, predicted = rng.integers(0, 3, (2, 40))
    thumbnails = {k: thumbnail(rng.integers(0, 256, (224, 224, 3), dtype=np.uint8)) for k in range(40)}
    tops = [(row, 3, 10 * row, float(rng.random())) for row in range(5)]
    gradients = np.zeros((5, 224, 224, 3))
    for k in range(5):
        gradients[k, 20 * k : 20 * k + 90, 30:130] = rng.normal(size=(90, 100, 3))
    figures = [
        {"kind": "convolution", "pictures": pictures, "kernels": KERNELS},
        {"kind": "moving", "image": rng.integers(0, 5, (5, 6)), "kernel": rng.integers(-2, 3, (3, 3))},
        {"kind": "pooling", "matrix": [[1, 3, 2], [4, 0, 1], [2, 2, 5]], "arriving": [[1, 10], [100, 1000]]},
        {"kind": "curves", "history": history},
        {"kind": "filters"} | filters,
        {"kind": "confusion", "classes": ["a", "<b>", "c"], "actual": actual, "predicted": predicted,
         "thumbnails": thumbnails},
        {"kind": "neurons", "picture": 1, "neurons": regions(tops, gradients)},
        {"kind": "gradcam", "classes": ["a", "b", "c"], "scores": rng.normal(size=(2, 3)), "top": 2.5,
         "maps": rng.integers(0, 256, (2, 3, 28, 28))},
    ]  # fmt: skip
    return {f"fig-{data['kind']}": data for data in figures}


def cell(label, data):
    head = f'#| label: {label}\n#| fig-cap: "Of {label}."\n#| fig-alt: "Nothing"\ndraw()'
    output = new_output("display_data", {"image/png": DOT, LIVE: _plain(data)})
    return new_code_cell(head, outputs=[output], execution_count=1)


@pytest.fixture(scope="session")
def figures():
    return random_figures()


@pytest.fixture(scope="session")
def page_file(tmp_path_factory, figures):
    folder = tmp_path_factory.mktemp("page")
    (folder / "notebooks").mkdir()
    links = ", ".join(f"[Figure](#{label})" for label in figures)
    cells = [new_markdown_cell(f'# One <a id="ch-one"></a>\n\n{links}')]
    cells += [cell(label, data) for label, data in figures.items()]
    nbformat.write(new_notebook(cells=cells), folder / "notebooks" / "01_one.ipynb")
    return render(folder)[0]


@pytest.fixture(scope="module")  # Playwright's event loop, while it runs, keeps papermill from running notebooks
def browser():
    """Return the browser; where there is none, or nothing that drives it, the tests that need it are skipped."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        found, why = None, "tests/browser/requirements.txt is not installed"
    else:
        why = "this machine has no Chromium"
    if not found:
        WHY.append(why)
        pytest.skip(why)
    with sync_playwright() as driver:
        try:
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except Error as error:
            WHY.append(f"{found} does not start")
            pytest.skip(f"{found} does not start: {error}")
        yield browser
        browser.close()


def opened(browser, path, **settings):
    """Open a page; every request but for the file itself is refused, and is a trouble, as errors are."""
    page = browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | settings).new_page()
    page.set_default_timeout(10_000)
    page.troubles = []

    def outside(url):
        return not url.startswith(("file:", "data:", "blob:"))

    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.troubles.append(said.text))
    page.on("request", lambda request: outside(request.url) and page.troubles.append(request.url))
    page.route(outside, lambda route: route.abort())
    page.goto(path.as_uri())
    page.wait_for_function("Live.begun")
    return page


@pytest.fixture
def open_page(browser, page_file):
    """Return a function that opens the page, or another, with the settings of a browser's context."""
    pages = []

    def fresh(path=page_file, **settings):
        pages.append(opened(browser, path, **settings))
        return pages[-1]

    yield fresh
    for page in pages:
        assert page.troubles == []
        page.context.close()


@pytest.fixture(scope="module")
def one_page(browser, page_file):
    page = opened(browser, page_file)
    yield page
    page.context.close()


@pytest.fixture
def page(one_page):
    """Return the page as it is when it has just been opened."""
    one_page.reload()
    one_page.wait_for_function("Live.begun")
    yield one_page
    assert one_page.troubles == []


def pytest_terminal_summary(terminalreporter):
    """Say why no browser was tested."""
    for why in dict.fromkeys(WHY):
        terminalreporter.write_line(f"The tests in a browser were skipped: {why}.")
