"""Files that notebooks hand on: whole or absent, named when damaged, never a pickle."""

import errno
import json
import math
import os
import re
import stat
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from helpers.store import artifacts
from helpers.store.artifacts import (
    load_arrays,
    load_json,
    read_npz,
    resolve_run_dir,
    save_arrays,
    save_json,
    whole_file,
)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# Whole files


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with whole_file(path) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == path.parent  # on the same file system, or replacing would not be one step
        assert not path.exists()
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["new/a.txt"]


def test_who_reads_the_old_file_goes_on_reading_it(tmp_path):
    """The new file takes the old one's name in one step; the old one is not written on."""
    path, old = tmp_path / "a.txt", tmp_path / "old.txt"
    path.write_text("old")
    os.link(path, old)
    with whole_file(path) as temporary:
        temporary.write_text("new")
    assert (path.read_text(), old.read_text()) == ("new", "old")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_says_who_may_read_it(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "a.txt") as temporary:
            temporary.write_text("")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("before", [None, "old"])
def test_a_writer_that_fails_leaves_what_was_there(tmp_path, error, before):
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before)

    def write():
        with whole_file(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write()
    assert names(tmp_path) == (["a.txt"] if before else [])
    assert not before or path.read_text() == before


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    save_json(tmp_path, "scores", {"accuracy": 0.5})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_json(tmp_path, "scores", {"accuracy": 0.9})
    assert load_json(tmp_path, "scores", made_by="03") == {"accuracy": 0.5}
    assert names(tmp_path) == ["artifacts/scores.json"]


# JSON


def test_json_comes_back(tmp_path):
    value = {"name": "Bäume 🌳", "list": [1, 2.5, None, True], "nested": {"b": 1, "a": 2}}
    path = save_json(tmp_path, "scores", value)
    assert path == tmp_path / "artifacts" / "scores.json"
    assert load_json(tmp_path, "scores", made_by="03") == value
    save_json(tmp_path, "scores", {9: (0.1, 1e300), 10: []})
    assert load_json(tmp_path, "scores", made_by="03") == {"9": [0.1, 1e300], "10": []}


def test_json_is_the_same_file_for_the_same_value(tmp_path):
    first = save_json(tmp_path, "a", {"x": 1, "y": 2}).read_bytes()
    assert save_json(tmp_path, "b", {"y": 2, "x": 1}).read_bytes() == first


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": [-math.inf]}])
def test_json_has_no_nan(tmp_path, value):
    with pytest.raises(ValueError, match=r"scores.json would hold NaN or infinity, .*: look for where they come from"):
        save_json(tmp_path, "scores", value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b'{"a": 1', b"\xff\xfe", b"{} {}", b"{}", b"[]"])
def test_damaged_json_is_named(tmp_path, damage):
    save_json(tmp_path, "scores", {}).write_bytes(damage)
    with pytest.raises(ValueError, match=r"scores.json is damaged \(.+\): delete it and run notebook 03 again"):
        load_json(tmp_path, "scores", made_by="03")


# Arrays


def test_arrays_come_back(tmp_path):
    arrays = {"x": np.arange(6.0).reshape(2, 3), "labels": np.array([1, 2], np.uint8), "names": np.array(["a", "bé"])}
    path = save_arrays(tmp_path, "maps", **arrays)
    assert path == tmp_path / "artifacts" / "maps.npz"
    loaded = load_arrays(tmp_path, "maps", made_by="05")
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert np.array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype


@pytest.mark.parametrize("kept", [0, 1, 100, -1, -200])
def test_truncated_arrays_are_named(tmp_path, kept):
    path = save_arrays(tmp_path, "maps", x=np.arange(100.0))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"maps.npz is damaged \(.+\): delete it and run notebook 05 again"):
        load_arrays(tmp_path, "maps", made_by="05")


def test_a_flipped_bit_of_an_arrays_header_or_data_is_noticed(tmp_path):
    """NumPy alone lets one through: with a shorter header it reads shifted data and never meets the check sum."""
    path = save_arrays(tmp_path, "maps", x=np.arange(4.0))
    raw = path.read_bytes()
    begin = raw.index(b"\x93NUMPY")
    for place in [*range(begin, begin + 12), *range(begin + 12, begin + 128 + 32, 7)]:
        for bit in range(8):
            damaged = bytearray(raw)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(ValueError, match=r"maps.npz is damaged \(the check sum of x.npy is wrong\)"):
                load_arrays(tmp_path, "maps", made_by="05")


@pytest.mark.parametrize(("owner", "name"), [(zipfile, "ZipFile"), (np.lib.format, "read_array")])
@pytest.mark.parametrize(
    ("error", "arguments"),
    [
        (MemoryError, ["not now"]),
        (PermissionError, ["not now"]),
        (OSError, [errno.EMFILE, "not now"]),
        (OSError, [errno.EIO, "not now"]),
    ],
)
def test_what_is_no_damage_is_not_called_so(tmp_path, monkeypatch, owner, name, error, arguments):
    path = save_arrays(tmp_path, "maps", x=np.zeros(1))

    def refuse(*_, **__):
        raise error(*arguments)

    monkeypatch.setattr(owner, name, refuse)
    with pytest.raises(error, match="not now") as caught:
        read_npz(path, "delete it")
    assert len(arguments) == 1 or caught.value.filename == str(path)


def test_a_folder_in_a_files_place_is_no_damage(tmp_path):
    with pytest.raises((IsADirectoryError, PermissionError)) as caught:  # the latter on Windows
        read_npz(tmp_path, "delete it")
    assert artifacts.sentence(caught.value) == f"{caught.value.strerror}: {tmp_path}"


def test_an_offset_before_the_files_beginning_is_damage(tmp_path):
    """There the system speaks of an invalid argument, which is not its fault."""
    path = save_arrays(tmp_path, "maps", x=np.zeros(1))
    raw = bytearray(path.read_bytes())
    end = raw.rindex(b"PK\5\6")
    raw[end + 16 : end + 20] = (2 * end).to_bytes(4, "little")  # of the list of contents
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=r"maps.npz is damaged \(.+\): delete it"):
        read_npz(path, "delete it")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EIO, "Input/output error", "/a/b"), "Input/output error: /a/b"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (FileNotFoundError("a.npz is missing: do this."), "a.npz is missing: do this."),
        (ValueError("It is 3."), "It is 3."),
    ],
)
def test_errors_are_told_in_a_sentence(error, told):
    assert artifacts.sentence(error) == told


# Missing files and folders


@pytest.mark.parametrize("load", [load_json, load_arrays])
def test_a_missing_artifact_names_the_notebook(tmp_path, load):
    with pytest.raises(FileNotFoundError, match=r"scores.* is missing: run notebook 03_cnn_training first, or `make"):
        load(tmp_path, "scores", made_by="03_cnn_training")


def test_the_folder_of_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    reports = artifacts.ROOT / "reports"
    assert (artifacts.ROOT / "helpers" / "store" / "artifacts.py").is_file()
    assert resolve_run_dir("", "scenes") == reports / "scenes"
    assert resolve_run_dir("", "some/where/birds/") == reports / "birds"
    assert resolve_run_dir("", "./birds") == reports / "birds"
    assert resolve_run_dir("", ".") == resolve_run_dir("", "~") == reports / tmp_path.name
    assert resolve_run_dir("", "..") == reports / tmp_path.parent.name
    assert resolve_run_dir("", "-birds") == reports / "-birds"
    assert resolve_run_dir("~nobody-of-this-name", "scenes") == tmp_path / "~nobody-of-this-name"
    assert resolve_run_dir("runs/a", "scenes") == tmp_path / "runs" / "a"
    assert resolve_run_dir("~/b", "scenes") == tmp_path / "b"
    assert resolve_run_dir(tmp_path, "scenes") == tmp_path


@pytest.mark.parametrize("dataset", ["{top}/study", "{top}/readme/", "{top}/Study", "./study", "study"])
def test_committed_folders_are_no_runs(tmp_path, monkeypatch, dataset):
    monkeypatch.chdir(tmp_path)
    dataset = dataset.replace("{top}", str(tmp_path))
    with pytest.raises(
        ValueError, match=r"committed files, and is no place for .*: name .* with --run-dir, or as RUN_DIR"
    ):
        resolve_run_dir("", dataset)
    assert resolve_run_dir("elsewhere", dataset) == tmp_path / "elsewhere"


@pytest.mark.parametrize("dataset", ["{top}/b/pictures", "b/pictures", "{top}/b/../b/pictures"])
@pytest.mark.parametrize(
    ("record", "told"),
    [
        (None, ""),
        ({}, ""),
        ({"parameters": {"SEED": 3}}, ""),
        ({"parameters": {"DATASET": "{top}/b/pictures"}}, ""),
        ({"parameters": {"DATASET": "{top}/a/pictures"}}, "a run on another data set, {top}/a/pictures: name another"),
        (
            {"parameters": {"DATASET": "scenes"}},
            "a run on another data set, scenes: name another folder with --run-dir",
        ),
    ],
)
def test_a_folder_with_another_data_sets_run_is_refused(tmp_path, monkeypatch, dataset, record, told):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(artifacts, "ROOT", tmp_path)
    dataset, folder = dataset.replace("{top}", str(tmp_path)), tmp_path / "reports" / "pictures"
    if record is not None:
        artifacts.write_json(folder / "chain.json", json.loads(json.dumps(record).replace("{top}", str(tmp_path))))
    if told:
        with pytest.raises(ValueError, match=re.escape(told.replace("{top}", str(tmp_path)))):
            resolve_run_dir("", dataset)
    else:
        assert resolve_run_dir("", dataset) == folder
    assert resolve_run_dir(folder, dataset) == folder


def test_a_folder_named_like_a_named_data_set_does_not_share_its_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(artifacts, "ROOT", tmp_path)
    artifacts.write_json(tmp_path / "reports" / "scenes" / "chain.json", {"parameters": {"DATASET": "scenes"}})
    assert resolve_run_dir("", "scenes") == tmp_path / "reports" / "scenes"
    with pytest.raises(ValueError, match="a run on another data set, scenes"):
        resolve_run_dir("", "./scenes")


def test_json_is_plain_text(tmp_path):
    text = save_json(tmp_path, "scores", {"a": [1]}).read_text(encoding="utf-8")
    assert json.loads(text)["value"] == {"a": [1]}
    assert text.endswith("}\n")


def test_what_a_killed_writer_left_is_removed_and_a_living_one_s_is_not(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    names = [f".a.json.{pid}-00000000.part" for pid in (dead.stdout.strip(), os.getpid())]
    for name in (*names, ".b.json.1-00000000.part", ".a.json.mine.part"):
        (tmp_path / name).touch()
    artifacts.write_json(tmp_path / "a.json", 1)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"a.json", names[1], ".b.json.1-00000000.part", ".a.json.mine.part"}


def test_some_arrays_are_read_alone_and_the_rest_is_checked_all_the_same(tmp_path):
    path = artifacts.save_arrays(tmp_path, "some", a=np.arange(3), b=np.arange(99))
    assert list(artifacts.read_npz(path, "make it again", ["a"])) == ["a"]
    with pytest.raises(ValueError, match=r"some\.npz is damaged .*no.*: make it again"):
        artifacts.read_npz(path, "make it again", ["no"])
    data = bytearray(path.read_bytes())
    data[data.index(np.int64(77).tobytes())] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"some\.npz is damaged"):
        artifacts.read_npz(path, "make it again", ["a"])
