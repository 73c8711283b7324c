"""Data sets by name, and what every one of them promises."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers import data
from helpers.data import caltech101, pictures, scenes
from helpers.data.__main__ import main
from helpers.store import cache as results_cache

SPLITS = ("train", "val", "test")


def write(folder, classes, count=5, side=20, suffix="png"):
    """Write `count` plain pictures in each class: red is the class, green the number of the picture."""
    for red, class_name in enumerate(classes):
        (folder / class_name).mkdir(parents=True)
        for green in range(count):
            picture = np.full((side, side + 4, 3), (red, green, 9), np.uint8)
            Image.fromarray(picture).save(folder / class_name / f"{green:03d}.{suffix}")
    return folder


def assert_promises(dataset, size):
    classes = len(dataset.class_names)
    assert isinstance(dataset.class_names, tuple)
    for split in (dataset.train, dataset.val, dataset.test):
        assert split.images.shape == (len(split), size, size, 3)
        assert split.images.dtype == np.uint8
        assert split.labels.dtype == np.int64
        assert set(split.labels.tolist()) == set(range(classes))
        assert isinstance(split.names, tuple)
        assert len(split.names) == len(split)
        assert all(
            name.startswith(f"{dataset.class_names[i]}/") for name, i in zip(split.names, split.labels, strict=True)
        )
    names = [name for split in SPLITS for name in getattr(dataset, split).names]
    assert len(set(names)) == len(names)
    assert dataset.figure_images.shape == (classes, size, size, 3)
    assert dataset.figure_images.dtype == np.uint8


def test_a_folder_of_class_folders(tmp_path):
    folder = write(tmp_path / "my photos", ["dog", "cat", "emu"], count=20)
    dataset = data.load(str(folder), 16)
    assert_promises(dataset, 16)
    assert dataset.name == "my photos"
    assert dataset.class_names == ("cat", "dog", "emu")
    assert [np.bincount(getattr(dataset, split).labels).tolist() for split in SPLITS] == [[12] * 3, [3] * 3, [5] * 3]
    assert dataset.masks is dataset.train.masks is None
    for split in (dataset.train, dataset.val, dataset.test):
        reds = np.array([1, 0, 2])[split.labels]  # in the order that they were written
        greens = [int(name[-7:-4]) for name in split.names]
        assert np.array_equal(split.images[:, 7, 7], np.stack([reds, greens, np.full(len(split), 9)], 1))
    for label in range(3):
        first = dataset.train.labels.tolist().index(label)
        assert np.array_equal(dataset.train.images[first], dataset.figure_images[label])


def test_the_split_is_the_same_whatever_the_size_and_the_pictures(tmp_path):
    dataset = data.load(write(tmp_path / "a", ["x", "y"], count=8), 16)
    names = [[int(name[2:5]) for name in getattr(dataset, split).names] for split in SPLITS]
    assert names == [[2, 3, 4, 5, 6, 2, 4, 5, 6, 7], [0, 1], [1, 7, 0, 3]]
    other = data.load(write(tmp_path / "b", ["x", "y"], count=8, side=30), 32)
    assert other.train.names == dataset.train.names


@pytest.mark.parametrize("name", ["scenes", "caltech101", "no such folder"])
@pytest.mark.parametrize("size", [0, 15, 1025, 224.0, "big"])
def test_a_wrong_size_is_a_sentence_before_anything_is_read(name, size, monkeypatch):
    monkeypatch.setattr(caltech101, "locate", lambda: pytest.fail("photographs were looked for"))
    with pytest.raises(ValueError, match="it must be an integer from 16 to 1024"):
        data.load(name, size)


@pytest.fixture
def photographs(tmp_path, monkeypatch):
    """Return a folder with 240 tiny pictures under the names of the photographs, named by CALTECH101_DIR."""
    for i, photograph in enumerate(caltech101.photographs()):
        path = tmp_path / "photographs" / photograph.name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (9, 5), i).save(path, "PNG")
    monkeypatch.setenv("CALTECH101_DIR", str(tmp_path / "photographs"))
    return tmp_path / "photographs"


def test_caltech101_follows_the_committed_split(photographs):
    with pytest.warns(UserWarning, match="240 of the 240") as warned:
        dataset = data.load("caltech101", 16)
    assert warned[0].filename == __file__  # the warning points at whoever loads
    assert_promises(dataset, 16)
    assert dataset.class_names == ("bonsai", "chandelier", "ketch")
    rows = caltech101.photographs()
    for split in SPLITS:
        expected = [(i, row.name) for i, row in enumerate(rows) if row.split == split]
        assert getattr(dataset, split).names == tuple(name for _, name in expected)
        assert getattr(dataset, split).images[:, 3, 3, 1].tolist() == [i for i, _ in expected]
        assert getattr(dataset, split).labels.tolist() == sorted(getattr(dataset, split).labels)
    assert dataset.figure_images[:, 3, 3, 1].tolist() == [i for i, row in enumerate(rows) if row.is_figure]
    assert dataset.masks is None


@pytest.mark.filterwarnings("ignore:240 of the 240")
def test_the_command_verifies_and_counts(photographs, capsys):
    assert main(["caltech101", "--size", "16"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"240 photographs in {photographs}; 0 have the SHA-256 in caltech101.csv"
    assert out[1] == "caltech101: 3 classes, pictures 16 x 16 x 3 without masks, 0 MB"
    assert [line.split() for line in out[2:]] == [
        ["class", "train", "val", "test"],
        *(["bonsai", "50", "10", "20"], ["chandelier", "50", "10", "20"], ["ketch", "50", "10", "20"]),
        ["total", "150", "30", "60"],
    ]


def test_the_command_ends_with_a_sentence(capsys):
    assert main(["cifar10"]) == 2
    assert capsys.readouterr().err.startswith("Unknown data set 'cifar10'")


def test_scenes_are_drawn_with_masks(monkeypatch):
    monkeypatch.setattr(scenes, "COUNTS", {"train": 3, "val": 1, "test": 2, "figure": 1})  # to be quick
    dataset = data.load("scenes", 64)
    assert_promises(dataset, 64)
    assert dataset.class_names == scenes.CLASS_NAMES
    assert list(dataset.masks) == [*SPLITS, "figure"]
    for split, count in scenes.COUNTS.items():
        assert dataset.masks[split].shape == (3 * count, 64, 64)
        assert dataset.masks[split].dtype == bool
        assert dataset.masks[split].any((1, 2)).all()
    for i in range(6):
        image, mask = scenes.picture(scenes.CLASS_NAMES[i // 2], "test", i % 2, 64)
        assert np.array_equal(dataset.test.images[i], image)
        assert np.array_equal(dataset.masks["test"][i], mask)
        assert dataset.test.names[i] == f"{scenes.CLASS_NAMES[i // 2]}/test_{i % 2:04d}"
    for i, class_name in enumerate(scenes.CLASS_NAMES):
        image, mask = scenes.picture(class_name, "figure", 0, 64)
        assert np.array_equal(dataset.figure_images[i], image)
        assert np.array_equal(dataset.figure_masks[i], mask)
    assert "with masks" in data.summary(dataset)


def test_drawn_scenes_are_kept_for_the_same_size_and_code(tmp_path, monkeypatch):
    drawn = []

    def picture(class_name, split, index, size):
        drawn.append(size)
        return np.full((size, size, 3), index, np.uint8), np.ones((size, size), bool)

    monkeypatch.setattr(scenes, "picture", picture)
    cache = tmp_path / "scenes.npz"
    first, again = (data.load("scenes", 64, cache=cache) for _ in range(2))
    assert len(drawn) == 243
    assert np.array_equal(first.test.images, again.test.images)
    assert np.array_equal(first.masks["figure"], again.masks["figure"])
    assert data.load("scenes", 65, cache=cache).train.images.shape[1] == 65
    monkeypatch.setattr(results_cache, "code_digest", lambda *_: "another")
    data.load("scenes", 65, cache=cache)
    assert len(drawn) == 3 * 243


def test_scenes_say_which_sizes_they_have():
    with pytest.raises(ValueError, match=r"16 .*64\.\.512"):
        data.load("scenes", 16)


def test_importing_is_light():
    code = "import sys, helpers.data; print([m for m in ('tensorflow', 'pooch') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_pictures_are_not_copied_into_each_split(tmp_path, monkeypatch):
    read, really = [], np.fromiter
    monkeypatch.setattr(np, "fromiter", lambda *given: read.append(really(*given)) or read[0])
    dataset = data.load(write(tmp_path / "a", ["x", "y"]), 16)
    assert dataset.left_out == ""
    assert len(read[0]) == 10
    assert all(np.shares_memory(getattr(dataset, split).images, read[0]) for split in SPLITS)


def test_pictures_are_read_once_and_stay_on_disk(tmp_path, monkeypatch):
    read, really = [], pictures.read_picture
    monkeypatch.setattr(pictures, "read_picture", lambda path, size: read.append(path) or really(path, size))
    folder, cache = write(tmp_path / "a", ["x", "y"]), tmp_path / "cache" / "pictures.npz"
    plain = data.load(folder, 16)
    first, again = (data.load(folder, 16, cache=cache) for _ in range(2))
    assert len(read) == 10 + 10
    for dataset in (first, again):
        assert np.array_equal(dataset.train.images, plain.train.images)
        assert type(dataset.train.images) is np.ndarray
        assert not dataset.test.images.flags.writeable  # it is the file
        assert isinstance(dataset.test.images.base.base, np.memmap)
    assert data.load(folder, 17, cache=cache).train.images.shape[1] == 17
    Image.new("RGB", (9, 9), (1, 2, 3)).save(folder / "x" / "000.png")
    changed = data.load(folder, 17, cache=cache)
    assert [1, 2, 3] in np.concatenate([getattr(changed, split).images[:, 0, 0] for split in SPLITS]).tolist()
    (kept,) = cache.parent.iterdir()  # what was read before is gone
    half = kept.read_bytes()[:200]
    kept.unlink()  # what is mapped stays as it is
    kept.write_bytes(half)
    with pytest.warns(UserWarning, match="is damaged"):
        assert np.array_equal(data.load(folder, 17, cache=cache).train.images, changed.train.images)


@pytest.mark.filterwarnings("ignore:In .*Left out")
def test_what_is_left_out_is_told_also_of_pictures_that_are_kept(tmp_path):
    folder = write(tmp_path / "a", ["x", "y"])
    (folder / "x" / "a.HEIC").touch()
    for _ in range(2):
        assert "1 .heic file" in data.load(folder, 16, cache=tmp_path / "pictures.npz").left_out


def test_the_command_counts_without_the_memory_that_it_tells_of(tmp_path, monkeypatch, capsys):
    sizes, really = [], pictures.read_picture
    monkeypatch.setattr(pictures, "read_picture", lambda path, size: sizes.append(size) or really(path, size))
    folder = write(tmp_path / "a", ["x", "y"])
    assert main([str(folder), "--size", "1000"]) == 0
    assert capsys.readouterr().out.startswith("a: 2 classes, pictures 1000 x 1000 x 3 without masks, 30 MB")
    assert set(sizes) == {16}
    assert main([str(folder), "--size", "1025"]) == 2
    assert "an integer from 16 to 1024" in capsys.readouterr().err


def test_a_path_that_is_not_utf_8_is_refused_at_once(tmp_path, monkeypatch):
    try:
        os.mkdir(os.fsencode(tmp_path) + b"/caf\xe9")  # noqa: PTH102
    except OSError:
        pytest.skip("this file system takes no other names")
    path = write(tmp_path / "caf\udce9", ["x", "y"])
    for name in (path, f"{path}/x/.."):
        with pytest.raises(ValueError, match=r"The path '.*caf\\udce9.*' is not UTF-8: rename its folders"):
            data.load(name, 16)
    monkeypatch.chdir(path)
    with pytest.raises(ValueError, match="is not UTF-8"):
        data.load(".", 16)


def test_a_change_of_any_picture_is_noticed(tmp_path):
    folder = write(tmp_path / "a", ["x", "y"], count=3)
    for number, path in enumerate(sorted(folder.glob("*/*.png"))):
        data.load(folder, 16, cache=tmp_path / "pictures.npz")
        Image.new("RGB", (9, 9), (100 + number, 2, 3)).save(path)
        dataset = data.load(folder, 16, cache=tmp_path / "pictures.npz")
        parts = [getattr(dataset, split) for split in SPLITS]
        seen = {name: image[0, 0, 0] for part in parts for name, image in zip(part.names, part.images, strict=True)}
        assert seen[f"{path.parent.name}/{path.name}"] == 100 + number


def test_the_largest_class_has_its_share(tmp_path):
    write(tmp_path, ["a"], 40)
    write(tmp_path, ["b"], 8)
    dataset = data.load(write(tmp_path, ["c"], 4), 16)
    assert [np.bincount(getattr(dataset, split).labels).tolist() for split in SPLITS] == [
        [24, 5, 2],
        [6, 1, 1],
        [10, 2, 1],
    ]
    assert dataset.train.majority == 24 / 31


def test_the_command_prints_names_that_the_console_lacks(tmp_path):
    folder = write(tmp_path, ["\u732b", "-rf <b>$x$", "w" * 60], count=4)
    (folder / "-rf <b>$x$" / "a.HEIC").write_bytes(b"?")
    environment = os.environ | {"PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    words = [sys.executable, "-m", "helpers.data", str(folder), "--size", "16"]
    done = subprocess.run(words, capture_output=True, encoding="cp1252", env=environment, check=True)
    assert [line.split()[-4:] for line in done.stdout.splitlines()[3:]] == [
        ["<b>$x$", "2", "1", "1"],
        ["w" * 60, "2", "1", "1"],
        ["\\u732b", "2", "1", "1"],
        ["total", "6", "3", "3"],
    ]
    assert "1 .heic file" in done.stdout
    assert done.stderr == ""
