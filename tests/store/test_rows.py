"""Rows that are written as they are made, and left on the disk."""

import numpy as np
import pytest

from helpers.store import rows

X = np.random.default_rng(0).random((7, 3, 2), dtype=np.float32)


@pytest.fixture(params=[0, 1 << 28], ids=["on the disk", "in memory"])
def keep(request, monkeypatch, tmp_path):
    monkeypatch.setattr(rows, "LARGE", request.param)
    made = []

    def ask(key="a" * 64, x=X, path=tmp_path / "new" / "x.npz"):
        return rows.kept_rows(path, key, x.shape, lambda: made.append(1) or iter((x[:3], x[3:6], x[6:])))

    ask.made, ask.folder = made, tmp_path / "new"
    return ask


def test_they_are_those_that_were_made_and_made_once(keep):
    assert np.array_equal(keep(), X)
    assert np.array_equal(keep(), X)
    assert len(keep.made) == 1
    assert len(list(keep.folder.iterdir())) == 1
    assert np.array_equal(keep("b" * 64, X + 1), X + 1)
    assert np.array_equal(keep("a" * 64, X), X)
    assert len(keep.made) == 3


@pytest.mark.parametrize(
    "damage", [lambda c: c[:90] + bytes([c[90] ^ 1]) + c[91:], lambda c: c[:-9], lambda c: c + b"x"]
)
def test_damage_is_said_and_mended(keep, damage):
    keep()
    (file,) = keep.folder.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(UserWarning, match=r"damaged.*made again"):
        assert np.array_equal(keep(), X)
    assert len(keep.made) == 2


def test_a_making_that_fails_leaves_nothing(keep):
    def broken():
        yield X[:3]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        rows.kept_rows(keep.folder / "x.npz", "a" * 64, X.shape, broken)
    assert not keep.folder.exists() or not list(keep.folder.iterdir())
    assert np.array_equal(rows.kept_rows(None, "a" * 64, X.shape, lambda: [X]), X)


def test_large_ones_are_a_view_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "LARGE", X.nbytes)
    found = rows.kept_rows(tmp_path / "x", "a" * 64, X.shape, lambda: [X])
    assert isinstance(found.base, np.memmap)
    assert not found.flags.writeable
    small = rows.kept_rows(tmp_path / "y", "a" * 64, (6, 3, 2), lambda: [X[:6]])
    assert not isinstance(small.base, np.memmap)
