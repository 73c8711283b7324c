"""A folder of class folders: which files count, and the split."""

import numpy as np
import pytest

from helpers.folders import class_files, existing, split_indices

NAMES = ["a.jpg", "b.PNG", "c.webp"]


def classes(folder, **names):
    for class_name, files in names.items():
        (folder / class_name).mkdir(parents=True)
        for name in files:
            (folder / class_name / name).touch()
    return folder


def test_classes_and_pictures_are_sorted_and_the_rest_is_left_out(tmp_path):
    classes(tmp_path, zebra=[*NAMES[::-1], "notes.txt", ".hidden.jpg", "no_suffix"], ant=NAMES, _1=NAMES)
    classes(tmp_path, **{".git": NAMES})
    (tmp_path / "stray.jpg").touch()
    (tmp_path / "ant" / "deeper.jpg").mkdir()
    found = class_files(tmp_path)
    assert list(found) == ["_1", "ant", "zebra"]
    assert all(names == NAMES for names in found.values())


def test_links_to_classes_and_pictures_are_followed_or_named(tmp_path):
    classes(tmp_path / "real", cat=NAMES, dog=NAMES)
    (tmp_path / "data").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "data" / name).symlink_to(tmp_path / "real" / name)
    (tmp_path / "real" / "cat" / "lost.jpg").symlink_to("nowhere")  # the reader will say so
    assert class_files(tmp_path / "data") == {"cat": [*NAMES, "lost.jpg"], "dog": NAMES}
    (tmp_path / "data" / "emu").symlink_to(tmp_path / "data" / "emu")
    with pytest.raises(ValueError, match="links that lead nowhere: 'emu'"):
        class_files(tmp_path / "data")


def test_a_link_to_its_own_folder_is_a_class_without_pictures(tmp_path):
    classes(tmp_path, cat=NAMES)
    (tmp_path / "round").symlink_to(tmp_path)
    with pytest.raises(ValueError, match="'round' has 0"):
        class_files(tmp_path)


def test_too_few_classes_or_pictures_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds 0 class folders: a data set needs two at least"):
        class_files(tmp_path)
    classes(tmp_path, only=NAMES)
    with pytest.raises(ValueError, match=r"holds 1 class folders \('only'\)"):
        class_files(tmp_path)
    classes(tmp_path, **{"a\nb": [], "pair <script>": NAMES[:2]})
    with pytest.raises(ValueError, match=r"at least 3 pictures.*'a\\nb' has 0, 'pair <script>' has 2: add"):
        class_files(tmp_path)


def test_a_folder_that_cannot_be_listed(tmp_path):
    with pytest.raises(ValueError, match=r"gone' cannot be listed: No such file"):
        class_files(tmp_path / "gone")


@pytest.mark.parametrize("name", ["", "cifar10", "Scenes", "no/such/folder", "a\0b", None, 3, b"x"])
def test_an_unknown_name_is_a_sentence_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"Unknown data set .*'scenes', 'caltech101' or the path of a folder"):
        existing(name)


def test_a_file_is_no_folder_and_the_home_folder_is_known(tmp_path, monkeypatch):
    (tmp_path / "photos").touch()
    with pytest.raises(ValueError, match="Unknown data set"):
        existing(tmp_path / "photos")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert existing("~") == tmp_path


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (3, (1, 1, 1)),
        (4, (2, 1, 1)),
        (5, (3, 1, 1)),
        (7, (4, 1, 2)),
        (10, (6, 2, 2)),
        (20, (12, 3, 5)),
        (80, (48, 12, 20)),
    ],
)
def test_the_split_is_60_15_25_by_the_largest_remainder(count, sizes):
    assert tuple(map(len, split_indices(count, np.random.default_rng(0)))) == sizes


def test_every_split_is_whole_and_close_to_its_share():
    rng = np.random.default_rng(1)
    for count in range(3, 300):
        parts = split_indices(count, rng)
        assert sorted(i for part in parts for i in part) == list(range(count))
        assert all(part == sorted(part) and part for part in parts)
        shares = np.array([0.6, 0.15, 0.25]) * count
        assert np.abs([len(part) for part in parts] - shares).max() < (1 if count > 6 else 1.5)
