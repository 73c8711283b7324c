"""A folder of class folders: which files count, and the split; bad folders are in test_bad_input.py."""

import os

import numpy as np
import pytest
from PIL import Image

from helpers.data.folders import class_files, split_indices

NAMES = ["a.jpg", "b.PNG", "c.webp"]


def classes(folder, **names):
    for class_name, files in names.items():
        (folder / class_name).mkdir(parents=True)
        for name in files:
            (folder / class_name / name).touch()
    return folder


@pytest.mark.filterwarnings("ignore:In .*Left out")
def test_classes_and_pictures_are_sorted_and_the_rest_is_left_out(tmp_path):
    classes(tmp_path, zebra=[*NAMES[::-1], "notes.txt", ".hidden.jpg", "no_suffix"], ant=NAMES, _1=NAMES)
    classes(tmp_path, **{".git": NAMES})
    (tmp_path / "stray.jpg").touch()
    (tmp_path / "ant" / "deeper.jpg").mkdir()
    found, left_out = class_files(tmp_path)
    assert list(found) == ["_1", "ant", "zebra"]
    assert all(names == NAMES for names in found.values())
    assert "1 file beside the class folders" in left_out


def test_links_to_classes_and_pictures_are_followed(tmp_path):
    classes(tmp_path / "real", cat=NAMES, dog=NAMES)
    (tmp_path / "data").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "data" / name).symlink_to(tmp_path / "real" / name)
    (tmp_path / "real" / "cat" / "lost.jpg").symlink_to("nowhere")  # the reader will say so
    assert class_files(tmp_path / "data") == ({"cat": [*NAMES, "lost.jpg"], "dog": NAMES}, "")


def test_a_folder_that_cannot_be_listed(tmp_path):
    with pytest.raises(ValueError, match=r"gone' cannot be listed: No such file"):
        class_files(tmp_path / "gone")


def test_what_is_a_picture_by_its_content_counts_and_the_rest_is_counted(tmp_path):
    classes(tmp_path, cat=[*NAMES, "notes.txt", "a.HEIC", "b.heic", "no_suffix"], dog=NAMES)
    (tmp_path / "stray.jpg").touch()
    (tmp_path / "dog" / "deeper").mkdir()
    for name in ("scan.dat", "picture"):
        Image.new("RGB", (5, 5)).save(tmp_path / "cat" / name, "PNG")
    with pytest.warns(UserWarning, match="Left out of the data set: ") as warned:
        found, left_out = class_files(tmp_path)
    assert found["cat"] == sorted([*NAMES, "picture", "scan.dat"])
    (said,) = (str(warning.message) for warning in warned)
    assert said == f"In {str(tmp_path)!r}: {left_out}"
    for part in ("2 .heic files", "1 .txt file", "1 suffixless file", "1 folder", "1 file beside the class"):
        assert part in said


@pytest.mark.filterwarnings("ignore:In .*Left out")
def test_camera_raw_and_backups_are_no_second_copies(tmp_path):
    classes(tmp_path, cat=NAMES, dog=NAMES)
    for name in ("a.NEF", "b.cr2", "a.jpg~", "a.jpg.bak", "b.png_original"):
        Image.new("RGB", (5, 5)).save(tmp_path / "cat" / name, "TIFF")
    found, left_out = class_files(tmp_path)
    assert found["cat"] == NAMES
    assert all(f"1 .{suffix} file" in left_out for suffix in ("nef", "cr2", "jpg~", "bak", "png_original"))
    for k in range(30):
        (tmp_path / "dog" / f"notes.{k}").write_text("no picture")
    assert "30 of other kinds" in class_files(tmp_path)[1]


@pytest.mark.parametrize(
    "names",
    [("train", "test"), ("images",), ("train/images", "test/images"), ("archive/train",), ("a/b/c/d",)],
)
def test_pictures_deeper_than_classes(tmp_path, names):
    for name in names:
        classes(tmp_path / name, cat=NAMES, dog=NAMES)
    with pytest.raises(ValueError, match=r"lie deeper, as in '[\w/]+/cat': give ") as error:
        class_files(tmp_path)
    assert all(repr(str(tmp_path / name)) in str(error.value) for name in names)


def test_names_that_are_not_utf_8_are_refused(tmp_path):
    classes(tmp_path, cat=NAMES, dog=NAMES)
    try:
        os.close(os.open(os.fsencode(tmp_path) + b"/dog/caf\xe9.jpg", os.O_CREAT | os.O_WRONLY))
    except OSError:
        pytest.skip("this file system takes no other names")
    with pytest.raises(ValueError, match=r"these names are not UTF-8: 'dog/caf\\udce9.jpg'. Rename them"):
        class_files(tmp_path)


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (3, (1, 1, 1)),
        (4, (2, 1, 1)),
        (5, (3, 1, 1)),
        (6, (4, 1, 1)),
        (7, (4, 1, 2)),
        (10, (6, 2, 2)),
        (20, (12, 3, 5)),
        (80, (48, 12, 20)),
    ],
)
def test_the_split_is_60_15_25(count, sizes):
    assert tuple(map(len, split_indices(count, np.random.default_rng(0)))) == sizes


def test_every_split_is_whole_and_close_to_its_share():
    rng = np.random.default_rng(1)
    for count in range(3, 300):
        parts = split_indices(count, rng)
        assert sorted(i for part in parts for i in part) == list(range(count))
        assert all(part == sorted(part) and part for part in parts)
        shares = np.array([0.6, 0.15, 0.25]) * count
        assert np.abs([len(part) for part in parts] - shares).max() < (1 if count > 6 else 1.5)
