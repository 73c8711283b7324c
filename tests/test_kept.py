"""Results that are kept: what their key is made of."""

import shutil
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

from helpers import artifacts, chain, kept
from helpers.kept import code_digest, content_digest, key_of

PARTS = np.arange(6, dtype=np.int64).reshape(2, 3), np.array([0, 1], np.uint8), "bundled"


def test_a_digest_is_that_of_the_content_alone():
    """The study's finished trainings are kept under such digests: another one of the same data would lose them."""
    assert content_digest(*PARTS) == "44a8aaf6eb2f05e29417b9d426a03c99f465a7966c8b1e2aa0f6601559bd6390"
    others = (PARTS[0].T, *PARTS[1:]), (PARTS[0].astype(np.int32), *PARTS[1:]), (*PARTS[:2], "imagenet"), PARTS[:2]
    assert len({content_digest(*parts) for parts in (PARTS, *others)}) == 5


@pytest.mark.parametrize("package", kept.PACKAGES)
def test_another_version_is_another_key(monkeypatch, package):
    before, content, really = key_of(1), content_digest(1), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "9" if name == package else really(name))
    assert key_of(1) != before
    assert content_digest(1) == content
    assert kept.versions()[package] == "9"


def test_what_changes_results_elsewhere_changes_them_here():
    assert set(kept.PACKAGES) < set(chain.PACKAGES)


def test_a_package_that_is_not_installed_has_no_version(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert set(kept.versions().values()) == {""}
    assert key_of(1) == key_of(1)


def test_other_code_is_another_key(tmp_path, monkeypatch):
    for name in (*kept.MADE_BY, "training.py"):
        shutil.copy(artifacts.ROOT / "helpers" / name, tmp_path)
    before = key_of(1), key_of(1, made_by=["training.py"]), code_digest(["training.py"])
    assert len(set(before)) == 3
    monkeypatch.setattr(kept, "HELPERS", tmp_path)
    assert (key_of(1), key_of(1, made_by=["training.py"]), code_digest(["training.py"])) == before
    (tmp_path / "training.py").write_text("another")
    after = key_of(1), key_of(1, made_by=["training.py"]), code_digest(["training.py"])
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, False]


def test_a_key_needs_no_tensorflow():
    code = "import sys; from helpers import kept; kept.key_of(1); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=artifacts.ROOT).returncode == 0
