"""Results that are kept: what their key is made of, and what becomes of damaged and old ones."""

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from helpers.data.pictures import read_picture
from helpers.store import cache as kept
from helpers.store import code, files
from helpers.store.cache import content_digest, kept_rows, key_of
from helpers.training import fit

PARTS = np.arange(6, dtype=np.int64).reshape(2, 3), np.array([0, 1], np.uint8), "bundled"


def test_a_digest_is_that_of_the_content_alone():
    """The study's finished trainings are kept under such digests: another one of the same data would lose them."""
    assert content_digest(*PARTS) == "44a8aaf6eb2f05e29417b9d426a03c99f465a7966c8b1e2aa0f6601559bd6390"
    others = (PARTS[0].T, *PARTS[1:]), (PARTS[0].astype(np.int32), *PARTS[1:]), (*PARTS[:2], "imagenet"), PARTS[:2]
    assert len({content_digest(*parts) for parts in (PARTS, *others)}) == 5


@pytest.mark.parametrize("package", kept.PACKAGES)
def test_another_version_is_another_key(monkeypatch, package):
    before, content, really = key_of(fit, 1), content_digest(1), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "9" if name == package else really(name))
    assert key_of(fit, 1) != before
    assert content_digest(1) == content
    assert kept.versions()[package] == "9"


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert set(kept.versions().values()) == {""}
    assert key_of(fit, 1) == key_of(fit, 1)


def test_other_code_is_another_key(tmp_path, monkeypatch):
    def keys():
        return key_of(fit, 1), key_of(read_picture, 1), code.code_digest(fit), code.code_digest(read_picture)

    before = keys()
    assert len(set(before)) == 4
    monkeypatch.setattr(code, "ROOT", tmp_path)
    shutil.copytree(files.ROOT / "helpers", tmp_path / "helpers")
    for name in ("data", "reports"):
        (tmp_path / name).mkdir()
    for table in code.TABLES:
        shutil.copy(files.ROOT / table, tmp_path / table)
    assert keys() == before
    (tmp_path / "helpers" / "store" / "checkpoint.py").write_text("x = 1")  # which fit imports, and no picture needs
    assert [a == b for a, b in zip(keys(), before, strict=True)] == [False, True, False, True]


def test_line_endings_are_no_other_code(tmp_path, monkeypatch):
    shutil.copytree(files.ROOT / "helpers", tmp_path / "helpers")
    monkeypatch.setattr(code, "ROOT", tmp_path)
    before = code.code_digest(fit)
    for path in tmp_path.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert code.code_digest(fit) == before


def test_a_key_needs_no_tensorflow():
    code = "import sys; from helpers.store.cache import key_of; from helpers.training import fit; key_of(fit, 1); "
    code += "sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=files.ROOT).returncode == 0


# What is kept

X = np.random.default_rng(0).random((7, 3, 2), dtype=np.float32)
KEY, OTHER = "a" * 64, "b" * 64


@pytest.fixture(params=["whole", "rows"])
def keep(request, tmp_path):
    """A function that returns an array kept under a key; its `made` counts how often that was made."""
    made = []

    def ask(key=KEY, x=X, path=tmp_path / "new" / "x.y.npz"):
        if request.param == "whole":
            return kept.kept(path, key, lambda: made.append(1) or {"x": x})["x"]
        return kept_rows(path, key, x.shape, lambda: made.append(1) or iter((x[:3], x[3:6], x[6:])))

    ask.made, ask.folder = made, tmp_path / "new"
    return ask


def test_it_is_what_was_made_and_made_once(keep):
    for _ in range(2):
        assert np.array_equal(keep(), X)
    assert len(keep.made) == 1
    assert np.array_equal(keep(OTHER, X + 1), X + 1)
    (file,) = keep.folder.iterdir()  # what the other key had is gone
    assert file.name.startswith("x.y.b")
    assert np.array_equal(keep(), X)
    assert len(keep.made) == 3


def test_only_what_was_kept_under_the_same_name_is_removed(keep):
    keep.folder.mkdir()
    others = ["x.npz", f"x.{KEY[:16]}.npz", f"x.y.{KEY[:15]}.npz", f"x.y.z.{KEY[:16]}.npz", "x.y.tar.gz", "x.y.npz"]
    for name in others:
        (keep.folder / name).touch()
    keep(OTHER)
    assert {path.name for path in keep.folder.iterdir()} > set(others)
    assert len(list(keep.folder.iterdir())) == len(others) + 1


def test_an_old_one_that_another_process_holds_stays(keep, monkeypatch):
    """As on Windows, where a file that is mapped cannot be deleted."""
    keep()

    def held(path):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: missing_ok or held(path))
    assert np.array_equal(keep(OTHER, X + 1), X + 1)
    assert len(list(keep.folder.iterdir())) == 2


@pytest.mark.parametrize(
    "damage",
    [lambda c: c[:170] + bytes([c[170] ^ 1]) + c[171:], lambda c: c[:-1], lambda c: c[:-9], lambda c: c + b"x", len],
)
def test_damage_is_said_and_mended(keep, damage):
    keep()
    (file,) = keep.folder.iterdir()
    raw = file.read_bytes()
    file.unlink()  # what is mapped stays as it is
    file.write_bytes(damage(raw) if damage is not len else b"")
    with pytest.warns(UserWarning, match=r"damaged.*made again") as warned:
        assert np.array_equal(keep(), X)
    assert warned[0].filename == __file__  # the warning points at whoever asks
    assert len(keep.made) == 2
    assert file.read_bytes() == raw


def test_a_making_that_fails_leaves_nothing(tmp_path):
    def broken():
        yield X[:3]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        kept_rows(tmp_path / "x.npz", KEY, X.shape, broken)
    assert not list(tmp_path.iterdir())


def test_without_a_file_nothing_is_kept(keep):
    assert np.array_equal(keep(path=None), X)
    assert not keep.folder.exists()


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_rows_are_a_view_of_the_file(tmp_path, dtype):
    x = (100 * X).astype(dtype)
    found = kept_rows(tmp_path / "x", KEY, x.shape, lambda: [x], dtype)
    assert type(found) is np.ndarray
    assert isinstance(found.base, np.memmap)
    assert not found.flags.writeable
    assert found.dtype == dtype
    assert np.array_equal(found, x)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size == x.nbytes + 4
