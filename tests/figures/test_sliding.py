"""The sliding kernel: its numbers are the correlation's, its stills the right ones, its bytes the same again."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from helpers.convolution import convolve2d_loops
from helpers.figures import sliding, to_png

IMAGE = np.array([[0.0, 1, 2, 0], [3, 1, 0, 2], [1, 0, 2, 1]])
KERNEL = np.array([[1.0, -1], [0, 2]])
MAP = [[1, -1, 6], [2, 5, 0]]  # by hand: 1*0 - 1*1 + 0*3 + 2*1 = 1, and so on
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def groups():
    root = ET.fromstring(sliding.sliding_svg(IMAGE, KERNEL))
    return {group.get("class"): group for group in root.iter(f"{SVG}g")}


def numbers(element):
    return [float(text.text.replace("−", "-")) for text in element.iter(f"{SVG}text")]


def test_a_correlation_is_a_convolution_with_the_turned_kernel():
    assert sliding.correlate(IMAGE, KERNEL).tolist() == MAP
    assert np.array_equal(sliding.correlate(IMAGE, KERNEL), convolve2d_loops(IMAGE, KERNEL[::-1, ::-1]))


def test_every_position_shows_its_products_and_their_sum(groups):
    for k, (i, j) in enumerate(np.ndindex(2, 3)):
        products = numbers(groups[f"s{k}"])
        assert products == (IMAGE[i : i + 2, j : j + 2] * KERNEL).ravel().tolist()
        assert numbers(groups[f"m{k}"]) == [sum(products)] == [MAP[i][j]]
    assert "−0<" not in sliding.sliding_svg(IMAGE, KERNEL)


def test_the_window_moves_with_its_number(groups):
    outlines = [[r for r in groups[f"s{k}"].iter(f"{SVG}rect") if r.get("fill") == "none"] for k in range(6)]
    for k, (i, j) in enumerate(np.ndindex(2, 3)):
        for at, start in zip(outlines[k], outlines[0], strict=True):
            assert float(at.get("x")) - float(start.get("x")) == j * sliding.CELL
            assert float(at.get("y")) - float(start.get("y")) == i * sliding.CELL


def test_without_motion_one_position_and_the_whole_map_are_seen(groups):
    assert [groups[f"s{k}"].get("opacity") for k in range(6)] == ["0", "0", "0", "1", "0", "0"]
    assert all(groups[f"m{k}"].get("opacity") is None for k in range(6))
    svg = sliding.sliding_svg(IMAGE, KERNEL)
    assert "@media (prefers-reduced-motion:reduce){g{animation:none!important}}" in svg
    assert svg == sliding.sliding_svg(IMAGE, KERNEL)


def test_positions_take_turns_and_the_map_stays():
    rules = sliding.sliding_svg(IMAGE, KERNEL)
    turns = [tuple(map(float, pair)) for pair in re.findall(r"s\d+{0%{opacity:0}([\d.]+)%{opacity:1}([\d.]+)%", rules)]
    assert [round(begin * 9 / 100, 2) for begin, _ in turns] == [0, 1, 2, 3, 4, 5]  # three more turns of rest
    assert [end for _, end in turns[:-1]] == [begin for begin, _ in turns[1:]]
    assert turns[-1][1] == 100
    assert len(re.findall(r"m\d+{0%{opacity:0}[\d.]+%,to{opacity:1}}", rules)) == 6


def test_jupyter_shows_it_as_an_image_with_its_data_inside():
    shown = sliding.sliding_animation(IMAGE, KERNEL, 'a "kernel" <moves>').data
    assert shown.startswith('<img alt="a &quot;kernel&quot; &lt;moves&gt;"')
    assert "data:image/svg+xml;base64," in shown


def test_the_strip_shows_the_map_so_far():
    figure = sliding.sliding_strip(IMAGE, KERNEL, [(0, 0), (1, 1)])
    above, _, below, later = figure.axes[:4]
    assert [t.get_text() for t in below.texts] == ["1"]
    assert [t.get_text() for t in later.texts] == ["1", "−1", "6", "2", "5"]
    assert above.patches[0].get_xy() == (0, 0)
    assert figure.axes[1].patches[0].get_xy() == (1, 1)
    assert (figure.axes[1].patches[0].get_width(), figure.axes[1].patches[0].get_height()) == (2, 2)
    assert to_png(figure).startswith(b"\x89PNG")
