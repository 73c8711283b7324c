"""What a run was made with: enough to explain a difference, nothing about whose machine it was."""

import getpass
import os
import platform
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from helpers.report import environment


def test_the_facts_are_those_of_this_process():
    facts = environment.facts()
    assert facts["Python"] == platform.python_version()
    assert facts["numpy"] == metadata.version("numpy") == np.__version__
    assert int(facts["cores"]) == (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    assert all(isinstance(value, str) and value for value in facts.values())
    assert facts == environment.facts()


def test_nothing_tells_whose_machine_it_was():
    told = " ".join(environment.facts().values())
    assert platform.node() not in told.split()
    assert str(Path.home()) not in told
    assert getpass.getuser() not in told.split()
    assert "/" not in told


@pytest.mark.parametrize(
    ("libraries", "told"),
    [
        ([], "unknown"),
        (
            [("scipy.libs", "openblas", "1.0", "Zen"), ("numpy.libs", "openblas", "2.0", "Haswell")],
            "openblas 2.0, for Haswell",
        ),
        ([("lib", "mkl", "2024", None)], "mkl 2024"),
        ([("numpy.libs", "accelerate", None, None)], "accelerate"),
    ],
)
def test_numpys_own_library_is_told(monkeypatch, libraries, told):
    found = [
        {
            "user_api": "blas",
            "filepath": f"/x/{folder}/lib.so",
            "internal_api": api,
            "version": version,
            "architecture": kind,
        }
        for folder, api, version, kind in libraries
    ]
    monkeypatch.setattr(environment, "threadpool_info", lambda: [{"user_api": "openmp"}, *found])
    assert environment.blas() == told


def test_the_processor_is_named_as_the_system_names_it(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "CPUINFO", tmp_path / "cpuinfo")
    assert environment.processor()
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Some Kind 3: v2\nmodel name\t: Another\n")
    assert environment.processor() == "Some Kind 3: v2"
