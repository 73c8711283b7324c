"""How many examples hypothesis draws, and a small world for Caltech-101's photographs with a server on the loopback.

Few examples by default, HYPOTHESIS_PROFILE=full for a run that takes its time.
"""

import os
from types import SimpleNamespace

import pytest
from archives import FEW, serving
from hypothesis import settings

from helpers.data import caltech101

# Derandomised: a failure is the same one again, on every machine. No data base: nothing is written beside the tests.
for profile, examples in (("fast", 25), ("full", 250)):
    settings.register_profile(profile, max_examples=examples, derandomize=True, deadline=None, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as served:
        yield served


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Return a watched folder and one in it for the photographs, a few only and not there yet; no CALTECH101_DIR."""
    monkeypatch.delenv("CALTECH101_DIR", raising=False)
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # the disk's own slowness is not tested here
    monkeypatch.setattr(caltech101, "photographs", lambda: FEW)
    monkeypatch.setattr(caltech101, "FOLDER", tmp_path / "repo" / "data" / "caltech101")
    return SimpleNamespace(top=tmp_path, folder=caltech101.FOLDER)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's
def pytest_xdist_make_scheduler(config, log):
    """With -n 2, a file's tests stay in one process, and all notebooks: each reads what those before it wrote."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            name = nodeid.partition("::")[0]
            return "notebooks" if name.endswith(".ipynb") else name

    return ByFile(config, log)
