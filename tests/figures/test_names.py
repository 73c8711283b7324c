"""Names of classes: any length, any script, none alike, none drawn as boxes."""

import warnings

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure

from helpers.figures import drawn_names, names, shorten, to_png

LONG = "n02080004-West_Highland_white_terrier"


def test_a_long_name_loses_its_middle():
    assert shorten("bonsai") == "bonsai"
    assert shorten(LONG, 16) == "n0208000…terrier"
    assert len(shorten("W" * 60, 16)) < 14  # capitals are broad
    assert shorten("猫" * 60, 9) == "猫猫…猫猫"
    assert drawn_names([LONG, LONG.replace("West", "East"), "a\n b"], 16) == [
        "n02080…rrier (1)",
        "n02080…rrier (2)",
        "a b",
    ]


def test_markup_is_drawn_as_it_is():
    odd = ["$x$", "*b*", "<b>", "-dash", "\\frac{a}{b}", "`code`"]
    assert drawn_names(odd) == odd


def test_what_no_font_has_gets_a_number_and_a_word(monkeypatch):
    monkeypatch.setitem(rcParams, "font.family", ["DejaVu Sans"])
    classes = ["a", "猫", "🌳 tree", "شجرة"]
    assert drawn_names(classes) == ["a", "class 2", "class 3", "class 4"]
    figure = Figure()
    names.explain_names(figure, classes)
    assert figure.get_supxlabel() == "class and a number: a name that no font here can draw; the tables have it"
    names.explain_names(other := Figure(), ["a", "$b$", "naïve ☃\ufe0f"])
    assert other.get_supxlabel() == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of missing glyphs
        figure.text(0, 0.5, " ".join(drawn_names(classes)))
        assert to_png(figure).startswith(b"\x89PNG")


def test_a_font_of_the_system_draws_what_dejavu_has_not():
    if len(rcParams["font.family"]) == 1 or not names.drawable("猫"):
        pytest.skip("no font of this machine has Chinese signs")
    assert drawn_names(["猫", "b"]) == ["猫", "b"]
    figure = Figure()
    blank = np.array(figure.get_size_inches())
    figure.text(0.5, 0.5, "猫", fontweight="bold")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(to_png(figure)) > blank.size
