"""The page with its figures in use: accessible, on a phone, in the dark; and without scripts and on paper."""

import base64
import re

import pytest

from helpers.store.files import ROOT

pytestmark = pytest.mark.slow

REPORT = ROOT / "reports" / "report.html"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SETTINGS = {"wide": {}, "dark": {"color_scheme": "dark"}, "phone": PHONE, "calm": {"reduced_motion": "reduce"}}


def use(page):
    """Touch every control of every figure once."""
    for button in page.locator(".panel button:not([aria-describedby])").all():
        button.click()
    for slider in page.locator(".panel input[type=range]").all():
        slider.press("ArrowLeft")
    for field in page.locator(".panel input[type=text]").all():
        field.fill("x")


def violations(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="tests/browser/requirements.txt").Axe()
    page.evaluate("window.scrollTo(0, 0)")  # on a phone the contents lie over what is beneath them
    found = axe.run(page, options=RULES).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("settings", SETTINGS)
def test_figures_in_use_are_accessible_and_as_wide_as_the_page(open_page, figures, settings):
    page = open_page(**SETTINGS[settings])
    assert page.locator(".panel").count() == len(figures)
    for _ in range(2):  # as it opens, and in use, with every field wrong
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        use(page)


def test_every_control_has_a_name_and_says_its_value(page):
    for control in page.locator(".panel :is(input:not([type=file]), select, button)").all():
        name = control.evaluate("c => c.getAttribute('aria-label') || c.labels?.[0]?.textContent || c.textContent")
        assert name.strip()
    for slider in page.locator(".panel input[type=range]").all():
        assert slider.get_attribute("aria-valuetext")


def test_words_for_listeners_come_when_all_is_at_rest(page):
    page.evaluate("""() => {
      window.spoken = 0;
      const status = document.querySelector("#fig-convolution .status");
      new MutationObserver(() => { window.spoken += 1; }).observe(status, { childList: true });
    }""")
    page.get_by_label("Row 1, column 1", exact=True).evaluate("""field => {
      for (const text of ["1", "12", "12.", "12.5"]) {
        field.value = text;
        field.dispatchEvent(new Event("input"));
      }
    }""")
    page.wait_for_function("window.spoken > 0")
    page.wait_for_timeout(700)
    assert page.evaluate("window.spoken") == 1


def test_a_finger_moves_the_window(open_page):
    page = open_page(**PHONE)
    canvas = page.locator("#fig-convolution .part:last-child canvas")
    canvas.scroll_into_view_if_needed()
    canvas.tap(position={"x": 20, "y": 30})
    assert page.get_by_label("Window's column").input_value() != "110"


def test_without_scripts_and_on_paper_the_stills_stand(open_page, browser, page_file, figures):
    page = open_page()
    page.emulate_media(media="print")
    stills = page.locator("figure > p > span > img, figure img.still, figure img:not(.panel img)")
    assert page.locator(".panel:visible").count() == 0
    assert all(still.is_visible() for still in stills.all())
    context = browser.new_context(java_script_enabled=False)
    bare = context.new_page()
    bare.goto(page_file.as_uri())
    assert bare.locator(".panel").count() == 0
    assert bare.locator("figure img").count() == len(figures)
    assert all(still.is_visible() for still in bare.locator("figure img").all())
    assert "channel" not in bare.inner_text("main")  # nothing of the data is read as text
    context.close()


def test_the_committed_report_answers(open_page):
    text = REPORT.read_text(encoding="utf-8")
    data = re.findall(r'<script type="application/json" class="live">(.*?)</script>', text, re.DOTALL)
    if not data:
        pytest.skip("the committed report has no figures that answer yet")
    page = open_page(REPORT)
    assert page.locator("script.live + .panel").count() == len(data)


def test_the_figures_that_answer_make_the_page_little_larger():
    text = REPORT.read_text(encoding="utf-8")
    data = re.findall(r'<script type="application/json" class="live">(.*?)</script>', text, re.DOTALL)
    assets = [path.read_text(encoding="utf-8") for path in (ROOT / "helpers/report/assets/interactive").iterdir()]
    assert sum(map(len, data + assets)) < 800_000


def test_a_picture_of_another_kind_is_no_picture(page):
    source = "data:text/html;base64," + base64.b64encode(b"<script>bad()</script>").decode()
    for each in (source, "https://a.test/a.png", "javascript:bad()"):
        assert page.evaluate("source => Live.decoded(source).then(() => 'shown', () => 'refused')", each) == "refused"
