"""Results that are kept: what their key is made of."""

import shutil
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

from helpers.data.pictures import read_picture
from helpers.store import cache as kept
from helpers.store import code, files
from helpers.store.cache import content_digest, key_of
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
