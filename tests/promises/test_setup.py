"""What is installed, on what, and under which version: each of the files that say so says the same."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import date
from fnmatch import fnmatch
from importlib import metadata

import faults
import peers
import pytest
import yaml
from nbformat import writes
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers.store.files import ROOT


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
PINS = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", read("requirements.txt")))
WORKFLOW = yaml.safe_load(read(".github/workflows/report.yml"))
STEPS = WORKFLOW["jobs"]["report"]["steps"]


def canonical(name):
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~ \[;]", name)[0]).lower()


DIRECT = {canonical(name) for name in PROJECT["dependencies"]}


# Packages -------------------------------------------------------------------------------------------------------------


def test_every_direct_dependency_is_pinned():
    assert set(PINS) >= DIRECT, f"not in requirements.txt: {DIRECT - set(PINS)}"
    lines = [line for line in read("requirements.txt").splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"[a-z0-9.-]+==[\w.]+( ;|$)", line) for line in lines)


def test_no_pin_is_for_a_python_that_the_project_does_not_take():
    least, below = map(int, re.findall(r"3\.(\d+)", PROJECT["requires-python"]))
    minors = [int(minor) for minor in re.findall(r"python_full_version \S+ '3\.(\d+)", read("requirements.txt"))]
    assert len(minors) > 5
    assert least <= min(minors) <= max(minors) < below


def imported():
    """Return the packages that the project's own code imports, but for Python's own and the project's."""
    names = set()
    for path in [
        *(ROOT / "helpers").rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
        *(ROOT / "notebooks").glob("*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.split(".")[0])
    own = {"helpers"} | {path.stem for path in (ROOT / "tests").rglob("*.py")}
    return names - own - set(sys.stdlib_module_names)


PEERS = ["captum", "onnx", "pytorch_grad_cam", "quantus", "skimage", "statsmodels", "torch"]
ELSEWHERE = {
    **dict.fromkeys(PEERS, "peers.txt has them, for `make peers`; with torch the benchmark compares, too"),
    "playwright": "tests/browser/requirements.txt has it, which .ci/run installs",
    "IPython": "it comes with ipykernel, which has no use without it",
}


def test_what_the_code_imports_is_a_direct_dependency():
    homes = metadata.packages_distributions()
    missing = {name for name in imported() if not DIRECT & {canonical(home) for home in homes.get(name, [])}}
    assert missing == set(ELSEWHERE), "add it to pyproject.toml, or say in ELSEWHERE why not"
    assert "ipython" in PINS


def test_each_peer_is_pinned_and_its_comparison_can_be_imported():
    pins = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", read("tests/programs/peers.txt")))
    assert {*pins} | DIRECT >= {*peers.PEERS}
    assert not {*pins} & {*PINS}, "it is installed already"


def test_what_is_installed_here_is_what_is_pinned():
    installed = {name: metadata.version(name) for name in DIRECT}
    assert installed == {name: PINS[name] for name in DIRECT}, "delete .venv, or `make clean`, and set up again"


def test_conda_installs_the_same():
    environment = yaml.safe_load(read("environment.yml"))
    python, pip, by_pip = environment["dependencies"]
    assert environment["name"] == PROJECT["name"]
    assert pip == "pip"
    assert by_pip == {"pip": ["-r requirements.txt", "-e ."]}  # so no name stands there that is not pinned
    version = tuple(map(int, re.fullmatch(r"python=(3)\.(\d+)", python).groups()))
    least, below = re.findall(r"3\.\d+", PROJECT["requires-python"])
    assert tuple(map(int, least.split("."))) <= version < tuple(map(int, below.split(".")))


# Programs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.what)
def test_a_planted_fault_still_fits_the_code(fault):
    """Else `make faults` finds out after a quarter of an hour: tests/programs/faults.py has to follow the code."""
    assert not faults.check(fault)


# Versions -------------------------------------------------------------------------------------------------------------


def test_three_files_give_one_version_and_two_of_them_its_date():
    newest, day = re.search(r"(?m)^## (\S+), (\S+)$", read("CHANGELOG.md")).groups()
    citation = yaml.safe_load(read("CITATION.cff"))
    assert PROJECT["version"] == newest == citation["version"]
    assert date.fromisoformat(day) == citation["date-released"]


def test_the_changes_are_in_order():
    entries = re.findall(r"(?m)^## (\d+)\.(\d+)\.(\d+), (\S+)$", read("CHANGELOG.md"))
    headings = re.findall(r"(?m)^## (.*)$", read("CHANGELOG.md"))
    assert len(entries) == len(headings) - (headings[0] == "Unreleased") >= 2
    order = [(*map(int, version), date.fromisoformat(day)) for *version, day in entries]
    assert order == sorted(order, reverse=True)


def test_the_citation_has_what_the_format_asks_for():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)  # all that version 1.2.0 requires
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert read("LICENSE").startswith("MIT License")
    assert read("README.md").startswith(f"# {citation['title']}\n")


# Line endings ---------------------------------------------------------------------------------------------------------


def test_each_kind_of_file_has_its_line_endings_said():
    """So that a checkout on Windows has the same bytes: kept results and reports go by digests of sources."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    said = re.findall(r"(?m)^(\S+) +(text eol=lf|-text)$", read(".gitattributes"))
    for path in (ROOT / name for name in listed.stdout.split("\0") if name):
        if path.is_file():
            rules = [rule for pattern, rule in said if fnmatch(path.relative_to(ROOT).as_posix(), pattern)]
            assert len(rules) == 1, f"{path.name} is in no line of .gitattributes, or in several"
            assert (rules == ["text eol=lf"]) == (b"\0" not in path.read_bytes()), path.name


# The workflow ---------------------------------------------------------------------------------------------------------


def commands(system):
    """Return the lines that the workflow runs on a system."""
    mine = [step for step in STEPS if "run" in step and system in step["if"]]
    return [line for step in mine for line in step["run"].splitlines()]


def block_of(page, kind):
    """Return the commands of a page's first block of a kind."""
    block = re.search(rf"(?ms)^```{kind}\n(.*?)^```$", read(page))[1]
    return [re.sub(r"\s+# .*", "", line) for line in block.splitlines()]


def test_windows_does_what_is_said_of_it_in_its_order():
    lines = iter(commands("== 'Windows'"))
    for command in block_of("CONTRIBUTING.md", "powershell"):
        assert any(line.startswith(command) for line in lines), f"the workflow does not run {command!r} in its turn"


def test_the_other_systems_do_too():
    lines = commands("!= 'Windows'")
    clone, into, *rest = block_of("README.md", "sh")
    assert clone.startswith("git clone")  # which the action checkout does
    assert into.startswith("cd ")
    assert len(rest) > 1
    assert all(any(line.startswith(command) for line in lines) for command in rest)


def test_a_failure_on_windows_stops_the_job():
    """PowerShell goes on after a program that failed, and a step's result is its last one's, unless it is told."""
    for step in STEPS:
        lines = step.get("run", "").splitlines()
        if "== 'Windows'" in step.get("if", "") and len(lines) > 1:
            assert lines[:2] == ['$ErrorActionPreference = "Stop"', "$PSNativeCommandUseErrorActionPreference = $true"]


def test_the_workflow_covers_the_oldest_and_the_newest_python_on_three_systems():
    matrix = WORKFLOW["jobs"]["report"]["strategy"]["matrix"]
    least, below = re.findall(r"3\.(\d+)", PROJECT["requires-python"])
    assert matrix["python"] == [f"3.{least}", f"3.{int(below) - 1}"]
    assert [name.split("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]


def test_the_workflow_has_what_github_asks_for():
    assert set(WORKFLOW[True]) == {"push", "pull_request"}  # YAML 1.1 reads `on` as true; GitHub does not
    assert WORKFLOW["permissions"] == {"contents": "read"}
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in steps if "uses" in step)


def test_pages_are_what_is_committed_and_come_from_main_alone():
    job = WORKFLOW["jobs"]["pages"]
    assert "refs/heads/main" in job["if"]
    assert job["needs"] == "report"
    copied = re.findall(r"reports/\S+", next(step["run"] for step in job["steps"] if "run" in step))
    assert len(copied) == 2
    assert all((ROOT / name).is_file() for name in copied)


@pytest.mark.parametrize("target", ["test", "report"])
def test_the_checkout_s_own_run_does_the_same(target):
    assert re.search(rf"(?m)^make {target}\b", read(".ci/run"))
    assert any(line.startswith(f"make {target}") for line in commands("!= 'Windows'"))


@pytest.mark.slow
def test_the_notebooks_are_compared_alike_from_any_folder(tmp_path):
    """A number of memory differs each time, which nbval is told only where it finds its file."""
    for name in ("notebooks/conftest.py", "tests/nbval.cfg"):
        (tmp_path / name).parent.mkdir()
        shutil.copy(ROOT / name, tmp_path / name)
    shown = new_output("execute_result", {"text/plain": "<object at 0x7f0000000001>"}, execution_count=1)
    cell = new_code_cell("object()", outputs=[shown], execution_count=1)
    (tmp_path / "notebooks" / "one.ipynb").write_text(writes(new_notebook(cells=[cell])), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "one.ipynb"]
    done = subprocess.run(command, cwd=tmp_path / "notebooks", env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0
