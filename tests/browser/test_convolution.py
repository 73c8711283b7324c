"""The live convolution: its numbers are those of helpers.convolution, at once, and bad input changes nothing."""

import json

import cv2
import numpy as np
import pytest

from helpers.convolution import conv2d_forward
from helpers.figures import playground

pytestmark = pytest.mark.slow

FIGURE = "#fig-convolution .panel"
MAP = f"{FIGURE} .part:last-child canvas"


def numbers(page, array):
    return np.array(json.loads(page.evaluate(f"JSON.stringify(Array.from({array}))")))  # quicker than number by number


def gray(page):
    """Return the first picture as the page has decoded it, its gray as the page has it, (H, W) each."""
    rgb, values = (numbers(page, f"Live.pictures[0].{kind}.values") for kind in ("rgb", "gray"))
    return rgb.reshape(224, 224, 3), values.reshape(224, 224)


def feature_map(page):
    canvas = f"document.querySelector('{MAP}')"
    return numbers(page, f"{canvas}.values").reshape(page.evaluate(f"[{canvas}.height, {canvas}.width]"))


def fill(page, kernel, stride=1, pad=0):
    for k, value in enumerate(np.ravel(kernel)):
        page.fill(f"{FIGURE} .nine input >> nth={k}", str(value))
    page.get_by_label("Stride").fill(str(stride))
    page.get_by_label("Padding").fill(str(pad))


def expected(image, kernel, stride=1, pad=0):
    return conv2d_forward(
        image[None, :, :, None], np.reshape(np.array(kernel, float), (3, 3, 1, 1)), np.zeros(1), stride, pad
    )[0][0, ..., 0]


def test_the_pixels_are_those_of_the_run(page, figures):
    rgb, values = gray(page)
    picture = figures["fig-convolution"]["pictures"]["one"]
    assert np.array_equal(np.round(rgb * 255), picture)
    assert np.allclose(values * 255, cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), atol=1e-9)


def test_ten_random_kernels_strides_and_paddings_give_numpys_map(page):
    rng = np.random.default_rng(1)
    image = gray(page)[1]
    for _ in range(10):
        kernel, stride, pad = rng.normal(size=9).round(4), rng.integers(1, 5), rng.integers(0, 4)
        fill(page, kernel, stride, pad)
        right = expected(image, kernel, stride, pad)
        assert feature_map(page).shape == right.shape
        assert np.abs(feature_map(page) - right).max() < 1e-5
        page.get_by_role("button", name="convolution", exact=True).click()
        assert np.abs(feature_map(page) - expected(image, kernel[::-1], stride, pad)).max() < 1e-5
        page.get_by_role("button", name="cross-correlation").click()


@pytest.mark.parametrize("name", playground.KERNELS)
def test_the_colours_are_those_of_the_report(page, name):
    page.get_by_label("Ready-made").select_option(name)
    kernel = np.array(playground.KERNELS[name], float)
    pixels = numbers(page, f"document.querySelector('{MAP}').getContext('2d').getImageData(0, 0, 222, 222).data")
    right = playground.colored(expected(gray(page)[1], kernel), kernel)
    differ = np.abs(pixels.reshape(222, 222, 4)[..., :3] - right)
    assert differ.max() <= 4  # the next of the 256 colours
    assert np.mean(differ <= 1) > 0.98
    low, high = playground.color_range(expected(gray(page)[1], kernel), kernel)[1:]
    ends = [text.replace("−", "-") for text in page.locator(f"{FIGURE} .scale span").all_inner_texts()]
    assert np.allclose([float(text) for text in ends], [low, high], rtol=0.01)


def test_a_change_is_seen_within_50_milliseconds(page):
    milliseconds = page.evaluate("""() => Array.from({ length: 15 }, (_, k) => k + 2).map((value) => {
      const field = document.querySelector(".nine input"), start = performance.now();
      field.value = value;
      field.dispatchEvent(new Event("input"));
      return performance.now() - start;
    })""")
    assert min(milliseconds) < 50, milliseconds  # others may be at work on the same machine


def test_the_window_its_products_and_their_sum_follow_the_pointer(page):
    page.locator(MAP).scroll_into_view_if_needed()
    box = page.locator(MAP).bounding_box()
    page.mouse.move(box["x"] + 50.5 / 222 * box["width"], box["y"] + 20.5 / 222 * box["height"])
    image, kernel = gray(page)[1], np.array(playground.KERNELS["vertical edges"], float)
    window = image[20:23, 50:53]
    shown = [page.locator(f"{FIGURE} .sums .grid >> nth={k}").get_attribute("aria-label") for k in range(3)]
    for label, right in zip(shown, (window, kernel, window * kernel), strict=True):
        written = label.partition(": ")[2].replace("−", "-").replace(";", ",").split(", ")
        assert np.allclose([float(n) for n in written], right.ravel(), atol=0.006)
    total = float(page.inner_text(f"{FIGURE} .sum").replace("−", "-"))
    assert abs(total - (window * kernel).sum()) < 0.006
    turned = page.inner_text(f"{FIGURE} .other")
    assert "turned by 180 degrees" in turned
    assert np.isclose(float(turned.split()[-1].strip(".").replace("−", "-")), -total, atol=0.006)


def test_the_size_formula_fills_itself_in(page):
    fill(page, [1] * 9, 3, 2)
    assert page.inner_text(f"{FIGURE} .size").startswith("Height ⌊(224 − 3 + 2 · 2) / 3⌋ + 1 = 76,")


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("Row 1, column 2", "abc", "Row 1, column 2 is not a number"),
        ("Row 3, column 3", "", "Row 3, column 3 is empty"),
        ("Row 1, column 1", "1e9", "is not a number"),
        ("Row 2, column 2", "1/0", "is not a number"),
        ("Stride", "0", "Stride must be from 1 to 16"),
        ("Stride", "1.5", "Stride must be a whole number"),
        ("Padding", "-1", "Padding must be from 0 to 16"),
    ],
)
def test_a_bad_number_is_named_and_the_last_map_stays(page, field, text, said):
    before = feature_map(page)
    field = page.get_by_label(field, exact=True)
    good = field.input_value()
    field.fill(text)
    assert said in page.locator(f"{FIGURE} > .words").inner_text()
    assert field.get_attribute("aria-invalid") == "true"
    assert np.array_equal(feature_map(page), before)
    field.fill(good)
    assert page.locator(f"{FIGURE} > .words").inner_text() == ""
    assert field.get_attribute("aria-invalid") == "false"


def test_fractions_and_decimal_commas_are_numbers(page):
    page.get_by_label("Row 1, column 1", exact=True).fill("1/16")
    page.get_by_label("Row 1, column 2", exact=True).fill("−0,5")
    kernel = np.array(playground.KERNELS["vertical edges"], float)
    kernel[0, :2] = 1 / 16, -0.5
    assert np.abs(feature_map(page) - expected(gray(page)[1], kernel)).max() < 1e-9


def test_a_picture_of_ones_own(page, tmp_path):
    file = page.locator(f"{FIGURE} input[type=file]")
    before = feature_map(page)
    (tmp_path / "no.png").write_text("no picture")
    file.set_input_files(tmp_path / "no.png")
    page.wait_for_function("document.querySelector('.chooser .words').textContent.includes('no.png is no picture')")
    assert np.array_equal(feature_map(page), before)

    own = np.random.default_rng(2).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "own.png"), own[..., ::-1])
    file.set_input_files(tmp_path / "own.png")
    page.wait_for_function("document.querySelector('#fig-convolution canvas').width === 60")
    assert page.locator(f"{FIGURE} .chooser .words").inner_text() == ""
    right = expected(cv2.cvtColor(own, cv2.COLOR_RGB2GRAY) / 255, playground.KERNELS["vertical edges"])
    assert np.abs(feature_map(page) - right).max() < 1e-9

    cv2.imwrite(str(tmp_path / "huge.png"), np.zeros((3000, 6000, 3), np.uint8))
    file.set_input_files(tmp_path / "huge.png")
    page.wait_for_function("document.querySelector('#fig-convolution canvas').width === 224")
    assert "6000 × 3000, made smaller to 224 × 112" in page.inner_text(f"{FIGURE} .chooser")


def test_a_picture_smaller_than_the_kernel(page, tmp_path):
    before = feature_map(page)
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 5, 3), np.uint8))
    page.locator(f"{FIGURE} input[type=file]").set_input_files(tmp_path / "dot.png")
    page.wait_for_function("document.querySelector('#fig-convolution .panel > .words').textContent.includes('smaller')")
    assert np.array_equal(feature_map(page), before)
    page.get_by_label("Padding").fill("1")
    assert feature_map(page).shape == (1, 5)
