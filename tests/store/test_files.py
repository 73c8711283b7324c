"""Files: whole or absent, named when damaged, never a pickle."""

import errno
import json
import math
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from helpers.store import files
from helpers.store.files import read_npz, whole_file
from helpers.store.run import Run


def run(folder):
    return Run("03", "scenes", folder)


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
    run(tmp_path).save_json("scores", {"accuracy": 0.5})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path).save_json("scores", {"accuracy": 0.9})
    assert run(tmp_path).load_json("03", "scores") == {"accuracy": 0.5}
    assert names(tmp_path) == ["artifacts/03/scores.json"]


def test_a_file_that_another_program_holds_is_to_be_closed(tmp_path, monkeypatch):
    """As a PDF on Windows that a viewer shows."""
    path = tmp_path / "report.pdf"
    path.write_text("old")

    def held(*_):
        raise PermissionError(errno.EACCES, "Access is denied", "a", None, "b")

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(PermissionError) as caught, whole_file(path) as temporary:
        temporary.write_text("new")
    told = f"{path} cannot be replaced (Access is denied): close report.pdf and give the command again."
    assert files.sentence(caught.value) == told
    assert path.read_text() == "old"
    assert names(tmp_path) == ["report.pdf"]


# JSON


def test_json_comes_back(tmp_path):
    value = {"name": "Bäume 🌳", "list": [1, 2.5, None, True], "nested": {"b": 1, "a": 2}}
    path = run(tmp_path).save_json("scores", value)
    assert path == tmp_path / "artifacts" / "03" / "scores.json"
    assert run(tmp_path).load_json("03", "scores") == value
    run(tmp_path).save_json("scores", {9: (0.1, 1e300), 10: []})
    assert run(tmp_path).load_json("03", "scores") == {"9": [0.1, 1e300], "10": []}


def test_json_is_the_same_file_for_the_same_value(tmp_path):
    first = run(tmp_path).save_json("a", {"x": 1, "y": 2}).read_bytes()
    assert run(tmp_path).save_json("b", {"y": 2, "x": 1}).read_bytes() == first


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": [-math.inf]}])
def test_json_has_no_nan(tmp_path, value):
    with pytest.raises(ValueError, match=r"scores.json would hold NaN or infinity, .*: look for where they come from"):
        run(tmp_path).save_json("scores", value)
    assert names(tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b'{"a": 1', b"\xff\xfe", b"{} {}", b"{}", b"[]"])
def test_damaged_json_is_named(tmp_path, damage):
    run(tmp_path).save_json("scores", {}).write_bytes(damage)
    with pytest.raises(ValueError, match=r"scores.json is damaged \(.+\): delete it and run notebook 03 again"):
        run(tmp_path).load_json("03", "scores")


# Arrays


def test_arrays_come_back(tmp_path):
    arrays = {"x": np.arange(6.0).reshape(2, 3), "labels": np.array([1, 2], np.uint8), "names": np.array(["a", "bé"])}
    path = run(tmp_path).save_arrays("maps", **arrays)
    assert path == tmp_path / "artifacts" / "03" / "maps.npz"
    loaded = run(tmp_path).load_arrays("03", "maps")
    assert list(loaded) == list(arrays)
    for name, array in arrays.items():
        assert np.array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype


@pytest.mark.parametrize("kept", [0, 1, 100, -1, -200])
def test_truncated_arrays_are_named(tmp_path, kept):
    path = run(tmp_path).save_arrays("maps", x=np.arange(100.0))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"maps.npz is damaged \(.+\): delete it and run notebook 03 again"):
        run(tmp_path).load_arrays("03", "maps")


def test_a_flipped_bit_of_an_arrays_header_or_data_is_noticed(tmp_path):
    """NumPy alone lets one through: with a shorter header it reads shifted data and never meets the check sum."""
    path = run(tmp_path).save_arrays("maps", x=np.arange(4.0))
    raw = path.read_bytes()
    begin = raw.index(b"\x93NUMPY")
    for place in [*range(begin, begin + 12), *range(begin + 12, begin + 128 + 32, 7)]:
        for bit in range(8):
            damaged = bytearray(raw)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(ValueError, match=r"maps.npz is damaged \(the check sum of x.npy is wrong\)"):
                run(tmp_path).load_arrays("03", "maps")


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
    path = run(tmp_path).save_arrays("maps", x=np.zeros(1))

    def refuse(*_, **__):
        raise error(*arguments)

    monkeypatch.setattr(owner, name, refuse)
    with pytest.raises(error, match="not now") as caught:
        read_npz(path, "delete it")
    assert len(arguments) == 1 or caught.value.filename == str(path)


def test_a_folder_in_a_files_place_is_no_damage(tmp_path):
    with pytest.raises((IsADirectoryError, PermissionError)) as caught:  # the latter on Windows
        read_npz(tmp_path, "delete it")
    assert files.sentence(caught.value) == f"{caught.value.strerror}: {tmp_path}"


def test_an_offset_before_the_files_beginning_is_damage(tmp_path):
    """There the system speaks of an invalid argument, which is not its fault."""
    path = run(tmp_path).save_arrays("maps", x=np.zeros(1))
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
    assert files.sentence(error) == told


def test_json_is_plain_text(tmp_path):
    text = run(tmp_path).save_json("scores", {"a": [1]}).read_text(encoding="utf-8")
    assert json.loads(text)["value"] == {"a": [1]}
    assert text.endswith("}\n")


def test_what_a_killed_writer_left_is_removed_and_a_living_one_s_is_not(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    names = [f".a.json.{pid}-00000000.part" for pid in (dead.stdout.strip(), os.getpid())]
    for name in (*names, ".b.json.1-00000000.part", ".a.json.mine.part"):
        (tmp_path / name).touch()
    files.write_json(tmp_path / "a.json", 1)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"a.json", names[1], ".b.json.1-00000000.part", ".a.json.mine.part"}


def test_some_arrays_are_read_alone_and_the_rest_is_checked_all_the_same(tmp_path):
    path = run(tmp_path).save_arrays("some", a=np.arange(3), b=np.arange(99))
    assert list(files.read_npz(path, "make it again", ["a"])) == ["a"]
    with pytest.raises(ValueError, match=r"some\.npz is damaged .*no.*: make it again"):
        files.read_npz(path, "make it again", ["no"])
    data = bytearray(path.read_bytes())
    data[data.index(np.int64(77).tobytes())] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"some\.npz is damaged"):
        files.read_npz(path, "make it again", ["a"])
