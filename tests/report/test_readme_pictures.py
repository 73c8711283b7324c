"""The README's pictures: cut out where they should be, of what the committed notebooks show, legible and small."""

import re

import numpy as np
import pytest
import readme_pictures as readme
from PIL import Image

from helpers.report import command as report
from helpers.store.files import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_figure_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"06_gradcam\.ipynb shows no picture 0 in a cell labelled fig-nowhere"):
        readme.figure("06_gradcam", "fig-nowhere", 0)
    with pytest.raises(ValueError, match="no picture 9 in a cell labelled fig-gradcam"):
        readme.figure("06_gradcam", "fig-gradcam", 9)


def test_a_part_is_cut_where_its_fractions_say(monkeypatch):
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[5:10, 10:30] = 200
    monkeypatch.setattr(readme, "figure", lambda *_: Image.fromarray(pixels))
    part = np.asarray(readme.cut("a", "b", 0, (0.25, 0.25, 0.75, 0.5)))
    assert part.shape == (5, 20, 3)
    assert (part == 200).all()


@pytest.fixture(scope="module")
def made():
    return readme.pictures()


def test_the_committed_pictures_are_those_of_the_committed_notebooks(made):
    assert sorted(made) == sorted(path.name for path in readme.FOLDER.iterdir())
    for name, picture in made.items():
        with Image.open(readme.FOLDER / name) as kept:
            new, old = (np.asarray(each.convert("RGB"), float) for each in (picture, kept))
        assert new.shape == old.shape, f"{name}: run `make readme`, and look at it"
        assert np.abs(new - old).mean() < 2, (
            f"{name}: run `make readme`, and look at it"
        )  # of 255; another is tens away


def test_each_chapter_has_a_picture_and_no_two_are_alike(made):
    assert [path.stem for path in report.committed()] == [stem for stem, *_ in readme.THUMBNAILS]
    thumbnails = [np.asarray(made[f"{stem}.png"].convert("RGB"), float) for stem, *_ in readme.THUMBNAILS]
    pairs = [(a, b) for k, a in enumerate(thumbnails) for b in thumbnails[:k]]
    assert min(np.abs(a - b).mean() for a, b in pairs) > 10


def test_every_picture_is_shown_and_told_in_words():
    shown = dict(re.findall(r'<img src="([^"]+)"[^>]* alt="([^"]+)"', TEXT))
    assert TEXT.count("<img ") == len(shown)
    assert "![" not in TEXT
    assert sorted(shown) == sorted(path.relative_to(ROOT).as_posix() for path in readme.FOLDER.iterdir())
    assert all(len(words) > 60 and words.endswith(".") for words in shown.values())


def test_the_pictures_are_small():
    assert sum(path.stat().st_size for path in readme.FOLDER.iterdir()) < 1e6


def test_no_picture_lets_the_page_show_through(made):
    assert not any(picture.has_transparency_data for picture in made.values())
