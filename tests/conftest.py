"""How many examples hypothesis draws, and a small world for Caltech-101's photographs with a server on the loopback.

Few examples by default, HYPOTHESIS_PROFILE=full for a run that takes its time.
"""

import os
import re
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


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in a hook of its own
def pytest_collection_modifyitems(items):
    """With -n 2, a file's tests stay in one process, and the notebooks too: each reads what those before it wrote."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("notebooks" if item.path.suffix == ".ipynb" else str(item.path)))


DRAWN = pytest.StashKey[int]()


def pytest_runtest_teardown(item):
    """Count the cases that hypothesis has drawn for a test, those set aside by `assume` not among them."""
    counts = re.findall(r"(\d+) passing", getattr(item, "hypothesis_statistics", ""))
    item.config.stash[DRAWN] = item.config.stash.get(DRAWN, 0) + sum(map(int, counts))


def pytest_terminal_summary(terminalreporter, config):
    """Say how many cases were drawn."""
    if drawn := config.stash.get(DRAWN, 0):
        terminalreporter.write_line(f"{drawn:,} cases drawn by hypothesis")
