"""The other figures that answer: each says what NumPy says, by the pointer and by the keyboard."""

import json
import re

import numpy as np
import pytest

from helpers.figures import correlate
from helpers.figures.network import winners
from helpers.network import Conv2D, ReLU
from helpers.pooling import max_pool2d_backward, max_pool2d_forward

pytestmark = pytest.mark.slow


def panel(page, kind):
    return page.locator(f"#fig-{kind} .panel")


def numbers(label):
    return [float(n) for n in re.findall(r"-?\d+\.?\d*", label.partition(": ")[2].replace("−", "-"))]


def grid(page, kind, name):
    return panel(page, kind).locator(f".grid[aria-label^='{name}']")


# The moving kernel ----------------------------------------------------------------------------------------------------


def test_the_kernel_begins_at_the_finished_map_and_rests(page, figures):
    data = figures["fig-moving"]
    right = correlate(data["image"].astype(float), data["kernel"].astype(float))
    assert numbers(grid(page, "moving", "Map").get_attribute("aria-label")) == right.ravel().tolist()
    page.wait_for_timeout(900)
    assert panel(page, "moving").get_by_label("Position").input_value() == str(right.size - 1)


def test_the_kernel_is_stepped_by_buttons_and_arrow_keys(page, figures):
    data, slider = figures["fig-moving"], panel(page, "moving").get_by_label("Position")
    slider.press("Home")
    assert "empty" in grid(page, "moving", "Map").get_attribute("aria-label")
    products = (data["image"][:3, :3] * data["kernel"]).ravel().tolist()
    assert numbers(grid(page, "moving", "Products").get_attribute("aria-label")) == products
    slider.press("ArrowRight")
    panel(page, "moving").get_by_role("button", name="Step").click()
    total = int((data["image"][:3, 2:5] * data["kernel"]).sum())
    assert slider.get_attribute("aria-valuetext") == f"row 0, column 2: sum {total}".replace("-", "−")
    panel(page, "moving").get_by_role("button", name="Back").click()
    assert slider.input_value() == "1"


def test_the_kernel_can_be_played_and_paused(page):
    slider = panel(page, "moving").get_by_label("Position")
    panel(page, "moving").get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('#fig-moving input[type=range]').value === '2'")
    panel(page, "moving").get_by_role("button", name="Pause").click()
    page.wait_for_timeout(1000)
    assert slider.input_value() == "2"
    grid(page, "moving", "Map").locator("span").nth(5).hover()
    assert slider.input_value() == "5"


# Pooling --------------------------------------------------------------------------------------------------------------


def test_the_gradient_of_pooling_goes_where_numpy_sends_it(page, figures):
    rng = np.random.default_rng(3)
    x, dout = np.array(figures["fig-pooling"]["matrix"], float), np.array(figures["fig-pooling"]["arriving"], float)
    for i, j in np.ndindex(3, 3):
        x[i, j] = rng.integers(0, 4)  # with equal maxima: the first wins
        panel(page, "pooling").get_by_label(f"Input, row {i + 1}, column {j + 1}").fill(f"{x[i, j]:g}")
        out, cache = max_pool2d_forward(x[None, :, :, None], 2, 1)
        dx = max_pool2d_backward(dout[None, :, :, None], cache)
        assert numbers(grid(page, "pooling", "Maxima").get_attribute("aria-label")) == out.ravel().tolist()
        assert numbers(grid(page, "pooling", "Gradient handed down").get_attribute("aria-label")) == dx.ravel().tolist()
    row, column = winners(x)[3]
    last = panel(page, "pooling").locator("li").nth(3).inner_text()
    assert f"in row {row + 1}, column {column + 1} wins and gets 1000" in last


def test_a_bad_number_of_the_matrix_is_named(page):
    before = grid(page, "pooling", "Maxima").get_attribute("aria-label")
    panel(page, "pooling").get_by_label("Input, row 2, column 2").fill("x")
    assert "Input, row 2, column 2 is not a number" in panel(page, "pooling").locator(".words").inner_text()
    assert grid(page, "pooling", "Maxima").get_attribute("aria-label") == before


# Curves ---------------------------------------------------------------------------------------------------------------


def test_the_curves_tell_their_values(page, figures):
    history, slider = figures["fig-curves"]["history"], panel(page, "curves").get_by_role("slider")
    slider.press("Home")
    text = panel(page, "curves").locator(".legend").inner_text()
    found = [float(number) for number in re.findall(r"[\d.]+", text)]
    right = [history[key][0] for key in ("loss", "accuracy", "val_loss", "val_accuracy")]
    assert np.allclose(found, right, rtol=0.006)
    box = panel(page, "curves").locator("svg").first.bounding_box()
    panel(page, "curves").locator("svg").first.hover(position={"x": box["width"] * 0.99, "y": 40})
    assert slider.input_value() == "6"


# The trained filters --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 100, 37])
def test_the_filters_give_the_layers_map(page, figures, share):
    before, after = (figures["fig-filters"][when] for when in ("before", "after"))
    panel(page, "filters").get_by_role("slider", name="Filter").fill("1")
    slider = panel(page, "filters").get_by_label("Training")
    slider.fill(str(share))
    layer = Conv2D(3, 1, rng=None, dtype=np.float64)
    mixed = {key: before[key][1] + share / 100 * (after[key][1] - before[key][1]) for key in ("w", "b")}
    layer.params = {"w": mixed["w"].reshape(3, 3, 3, 1), "b": np.array([mixed["b"]])}
    image = figures["fig-convolution"]["pictures"]["one"][None] / 255
    right = ReLU().predict(layer.predict(image))[0, :, :, 0]
    values = page.evaluate("JSON.stringify(Array.from(document.querySelectorAll('#fig-filters canvas')[1].values))")
    assert np.abs(np.reshape(json.loads(values), (222, 222)) - right).max() < 1e-4  # the weights have six digits
    assert slider.get_attribute("aria-valuetext") == {0: "before", 100: "after", 37: "37 %"}[share]


# The confusion matrix, neurons and Grad-CAM ---------------------------------------------------------------------------


def test_the_squares_of_the_confusion_matrix_list_their_images(page, figures):
    data = figures["fig-confusion"]
    for i, j in np.ndindex(3, 3):
        right = np.flatnonzero((data["actual"] == i) & (data["predicted"] == j))
        name = f"{len(right)} of {data['classes'][i]}, taken for {data['classes'][j]}"
        button = panel(page, "confusion").get_by_role("button", name=name, exact=True)
        button.press("Enter")
        assert button.get_attribute("aria-pressed") == "true"
        shown = panel(page, "confusion").locator(".thumbnails img")
        assert [each.get_attribute("alt") for each in shown.all()] == [f"test image {k}" for k in right]


def test_a_neuron_shows_its_gradient_and_its_patch(page, figures):
    data = figures["fig-neurons"]["neurons"]
    for k, neuron in enumerate(data):
        button = panel(page, "neurons").get_by_role("button").nth(k)
        button.click()
        top, left, bottom, right = neuron["box"]
        assert f"channel {neuron['channel']}: activation" in panel(page, "neurons").locator(".other").inner_text()
        size = page.eval_on_selector(
            "#fig-neurons .small:last-child img", "i => i.decode().then(() => [i.naturalHeight, i.naturalWidth])"
        )
        assert size == [bottom - top, right - left]
        assert panel(page, "neurons").locator(".box.chosen").count() == 1


def test_grad_cam_mixes_picture_and_map(page, figures):
    data = figures["fig-gradcam"]
    picture = figures["fig-convolution"]["pictures"]["two"]
    panel(page, "gradcam").get_by_role("button", name="two").click()
    panel(page, "gradcam").get_by_role("button", name="c", exact=True).click()
    said = panel(page, "gradcam").locator(".other").inner_text().replace("−", "-")
    assert "what speaks for c" in said
    assert np.isclose(float(re.search(r"score (-?[\d.]+\d)", said)[1]), data["scores"][1, 2], rtol=0.006)
    for weight in ("0", "100"):
        panel(page, "gradcam").get_by_label("Weight of the map").fill(weight)
        values = (
            panel(page, "gradcam")
            .locator("canvas")
            .evaluate("canvas => JSON.stringify(Array.from(canvas.getContext('2d').getImageData(0, 0, 224, 224).data))")
        )
        pixels = np.reshape(json.loads(values), (224, 224, 4))[..., :3]
        if weight == "0":
            assert np.abs(pixels - picture.mean(axis=2, keepdims=True)).max() <= 1
    brightest = np.argmax(data["maps"][1, 2])
    row, column = np.unravel_index(brightest, (28, 28))
    assert pixels[8 * row + 4, 8 * column + 4].sum() > pixels.sum(axis=2).mean()
