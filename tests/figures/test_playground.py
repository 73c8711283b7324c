"""The kernel to play with: what its fields, menus and buttons do, without a browser."""

import base64
import html
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from helpers.figures import playground, to_png
from helpers.figures.sliding import correlate

RNG = np.random.default_rng(0)
IMAGES = {"noise": RNG.random((9, 12)), "even": np.full((9, 12), 0.5)}
EDGES = np.array(playground.KERNELS["vertical edges"], float)


@pytest.fixture
def play():
    return playground.Playground(IMAGES)


def shown(widget):
    data = re.search(r'src="data:image/png;base64,(.*?)"', widget.value)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def expected(image, kernel, stride=1, pad=0):
    feature_map = correlate(image, np.array(kernel, float), stride, pad)
    return playground.colored(feature_map, np.array(kernel, float))


def test_a_number_changes_the_map(play):
    assert np.array_equal(shown(play.after), expected(IMAGES["noise"], EDGES))
    play.numbers[0].value = 3
    changed = EDGES.copy()
    changed[0, 0] = 3
    assert play.kernel.tolist() == changed.tolist()
    assert np.array_equal(shown(play.after), expected(IMAGES["noise"], changed))
    assert play.choice.value == playground.REST
    assert play.text.value.startswith("The kernel's numbers add up to 4; the map goes from ")
    play.numbers[0].value = -1
    assert play.choice.value == "vertical edges"  # known again


@pytest.mark.parametrize("name", playground.KERNELS)
def test_a_ready_made_kernel_fills_the_fields(play, name):
    play.choice.value = name
    assert play.kernel.tolist() == playground.KERNELS[name]
    assert play.choice.value == name
    assert np.array_equal(shown(play.after), expected(IMAGES["noise"], playground.KERNELS[name]))


def test_choosing_your_own_keeps_the_numbers(play):
    play.choice.value = playground.REST
    assert play.kernel.tolist() == EDGES.tolist()


def test_the_kernel_can_be_turned(play):
    play.turn.click()
    assert play.kernel.tolist() == EDGES[::-1, ::-1].tolist()
    assert play.choice.value == playground.REST
    play.turn.click()
    assert play.choice.value == "vertical edges"


def test_another_image_stride_and_padding(play):
    before = play.before.value
    play.image.value = "even"
    assert play.before.value != before
    assert (shown(play.after) == shown(play.after)[0, 0]).all()  # an edge finder sees nothing there
    play.image.value, play.stride.value, play.pad.value = "noise", 2, 1
    assert np.array_equal(shown(play.after), expected(IMAGES["noise"], EDGES, 2, 1))
    assert "its map, 5 x 6" in play.after.value
    play.stride.value = 0  # the widget keeps to what is possible
    assert play.stride.value == 1


def test_a_change_computes_the_map_once(play, monkeypatch):
    calls = []
    monkeypatch.setattr(playground, "correlate", lambda *a: calls.append(1) or correlate(*a))
    play.numbers[4].value = 7
    assert len(calls) == 1


def test_colours_say_the_sign_only_where_the_kernel_adds_up_to_0():
    feature_map = np.array([[-1.0, 0, 1, 2]])
    blue, white, red, more = playground.colored(feature_map, EDGES)[0].astype(int)
    assert blue[2] > blue[0]
    assert abs(white - white[0]).max() <= 1
    assert red[0] > red[2]
    assert more[0] < red[0]  # the darker the larger
    gray = playground.colored(feature_map, np.array([[1.0]]))[0]
    assert gray.tolist() == [[0] * 3, [0] * 3, [255] * 3, [255] * 3]


@pytest.mark.parametrize("factor", [9.0, -1.0, 0.02])
def test_a_map_whose_kernel_adds_up_to_anything_is_neither_all_white_nor_all_black(factor):
    feature_map = np.linspace(0.3, 0.9, 101)[None] * factor
    gray = playground.colored(feature_map, np.array([[factor]]))[0, :, 0].astype(int)
    assert sorted(gray[[0, -1]]) == [0, 255]
    assert len(np.unique(gray)) > 90
    said = playground.described(feature_map, np.array([[factor]]))
    low, high = np.percentile(feature_map, (1, 99))
    assert said.endswith(f": black is {low:.3g} or less, white {high:.3g} or more.")
    even = playground.colored(np.full((2, 2), 4.5), np.full((3, 3), 1.0))
    assert len(np.unique(even)) == 1
    assert np.isfinite(playground.colored(np.zeros((2, 2)), EDGES)).all()


def test_what_rounding_leaves_of_an_even_image_is_white_and_called_0():
    kernel = np.array(playground.KERNELS["all edges"], float)
    image = np.full((40, 40), 100 / 255)
    even = correlate(image, kernel)
    assert even.any(), "rounding leaves nothing here: choose another gray"
    assert abs(playground.colored(even, kernel).astype(int) - 255).max() <= 10
    assert "from 0 to 0: blue is -1 or less" in playground.described(even, kernel)
    image[:3, :3] = 1  # less than 1% of the map
    few = playground.colored(correlate(image, kernel), kernel)
    assert abs(few[20:].astype(int) - 255).max() <= 10


def test_the_ready_made_kernels_do_what_they_are_called():
    image = IMAGES["noise"]
    assert np.allclose(correlate(image, np.array(playground.KERNELS["identity"], float)), image[1:-1, 1:-1])
    assert correlate(image, np.array(playground.KERNELS["blur"])).std() < image.std() / 2
    ramp = np.arange(12.0) * np.ones((9, 1))  # brighter to the right
    assert (correlate(ramp, EDGES) == 8).all()
    assert (correlate(ramp.T, EDGES) == 0).all()
    assert (correlate(ramp.T, np.array(playground.KERNELS["horizontal edges"], float)) == 8).all()
    sums = {name: round(np.sum(kernel), 9) for name, kernel in playground.KERNELS.items()}
    edges = [name for name in sums if "edges" in name]
    assert [sums[name] for name in edges] == [0, 0, 0]
    assert all(sums[name] == 1 for name in sums.keys() - set(edges))


def test_the_stills_show_kernels_above_their_maps():
    figure = playground.kernel_effects(IMAGES["noise"], ["blur", "all edges"])
    blur, edges, _, below = figure.axes
    assert [t.get_text() for t in edges.texts] == [*["−1"] * 4, "8", *["−1"] * 4]
    assert {t.get_text() for t in blur.texts} == {"1/16", "1/8", "1/4"}
    kernel = np.array(playground.KERNELS["all edges"], float)
    assert np.array_equal(below.images[0].get_array(), playground.colored(correlate(IMAGES["noise"], kernel), kernel))
    assert to_png(figure).startswith(b"\x89PNG")


def test_the_panel_holds_what_it_says(play):
    widgets, waiting = [], [play.panel]
    while waiting:
        widget = waiting.pop()
        widgets.append(widget)
        waiting += getattr(widget, "children", ())
    parts = SimpleNamespace(**vars(play))
    assert {
        id(w) for w in (*parts.numbers, parts.choice, parts.image, parts.turn, parts.stride, parts.pad, parts.after)
    } <= set(map(id, widgets))
    assert (parts.numbers[5].description, parts.numbers[5].tooltip) == ("2,3", "kernel: 2,3")
    assert 'alt="The image noise in gray."' in parts.before.value
    assert f'alt="{html.escape(parts.text.value)}"' in parts.after.value
    assert "border: 1px solid" in parts.after.value
