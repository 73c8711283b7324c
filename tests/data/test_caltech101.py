"""Caltech-101's photographs: found, missed, fetched from a server on the loopback; bad archives: test_bad_input.py."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from archives import ALL, fetch, files_below, packed, tiny_pictures
from PIL import Image

from helpers.data import caltech101
from helpers.data.caltech101 import fetch_caltech101


@pytest.fixture(scope="module")
def pictures():
    return tiny_pictures()


def put(folder, pictures):
    for name, content in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_the_committed_split_is_the_source_reports():
    assert len({row.name for row in ALL}) == len(ALL) == 240
    for class_name in ("bonsai", "chandelier", "ketch"):
        rows = [row for row in ALL if row.class_name == class_name]
        assert [sum(row.split == split for row in rows) for split in ("train", "val", "test")] == [50, 10, 20]
        assert sum(row.is_figure for row in rows) == 1


def test_fetching_keeps_the_240_photographs_and_nothing_else(server, world, monkeypatch):
    monkeypatch.setattr(caltech101, "photographs", lambda: ALL)
    pictures = tiny_pictures(ALL)
    assert fetch(server, world.folder, packed(pictures)) == world.folder
    assert files_below(world.top) == {f"repo/data/caltech101/{name}" for name in pictures}
    assert len(pictures) == 240
    assert all((world.folder / name).read_bytes() == content for name, content in pictures.items())
    assert caltech101.locate() == world.folder


def test_an_empty_folder_is_filled_and_a_filled_one_is_left_alone(server, world, pictures):
    world.folder.mkdir(parents=True)
    fetch(server, world.folder, packed(pictures))
    with pytest.raises(FileExistsError, match="holds files already: remove it first"):
        fetch(server, world.folder, packed(pictures))
    assert len(server.requests) == 1


def test_a_full_disk_is_a_sentence_and_leaves_nothing(server, world, pictures, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"could not be fetched .*No space left on device"):
        fetch(server, world.folder, packed(pictures))
    assert files_below(world.top) == set()


def test_asking_by_name_fetches_once(server, world, pictures, monkeypatch):
    server.content = packed(pictures)
    options = {"url": server.url(), "known_hash": hashlib.sha256(server.content).hexdigest()}
    monkeypatch.setattr(caltech101, "fetch_caltech101", lambda folder: fetch_caltech101(folder, **options))
    assert caltech101.locate() == caltech101.locate() == world.folder
    assert server.requests == ["/archive.zip"]


def never(*arguments, **options):
    raise AssertionError("nobody asked for a download")


@pytest.mark.parametrize("below", ["", "101_ObjectCategories"])
@pytest.mark.parametrize("chosen", [True, False])
def test_both_layouts_are_found_in_both_places(world, pictures, monkeypatch, below, chosen):
    monkeypatch.setattr(caltech101, "fetch_caltech101", never)
    folder = world.top / "elsewhere" if chosen else world.folder
    if chosen:
        monkeypatch.setenv("CALTECH101_DIR", str(folder))
    put(folder / below, pictures)
    assert caltech101.locate() == folder / below


def test_the_environments_folder_is_never_replaced_by_another(world, pictures, monkeypatch):
    monkeypatch.setattr(caltech101, "fetch_caltech101", never)
    put(world.folder, pictures)  # complete, but not asked for
    monkeypatch.setenv("CALTECH101_DIR", str(world.top / "gone"))
    with pytest.raises(
        FileNotFoundError, match=r"gone.*CALTECH101_DIR.*lacks 12 of the 12 .*bonsai/image_0002.jpg.*\.\.\."
    ):
        caltech101.locate()
    put(world.top / "gone", {name: b"" for name in list(pictures)[1:]})
    with pytest.raises(
        FileNotFoundError, match=r"lacks 1 of the 12 photographs \(bonsai/image_0002.jpg\): put .*unset CALTECH"
    ):
        caltech101.locate()


def test_a_half_filled_folder_is_named_and_not_overwritten(world, pictures, monkeypatch):
    monkeypatch.setattr(caltech101, "fetch_caltech101", never)
    put(world.folder, dict(list(pictures.items())[:5]))
    with pytest.raises(
        FileNotFoundError, match=r"lacks 7 of the 12 .*or remove .* `python -m helpers.data caltech101`"
    ):
        caltech101.locate()


def test_other_bytes_are_told(world, pictures):
    put(world.folder, pictures)
    assert caltech101.differing(world.folder) == list(pictures)


@pytest.mark.skipif(not os.environ.get("CALTECH101_DIR"), reason="CALTECH101_DIR names no photographs")
def test_the_real_photographs_are_those_measured_on():
    folder = caltech101.locate()
    assert caltech101.differing(folder) == []
    sizes = [Image.open(folder / photograph.name).size for photograph in ALL]
    rows = np.genfromtxt(caltech101.SPLIT_FILE, delimiter=",", skip_header=1, usecols=(5, 6), dtype=int)
    assert np.array_equal(sizes, rows)
