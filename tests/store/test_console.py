"""What a command prints, on consoles that lack its letters."""

import os
import subprocess
import sys

import pytest

from helpers.store.files import ROOT

CONSOLES = {
    "Windows in the west": {"PYTHONIOENCODING": "cp1252"},
    "a C locale": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "ASCII": {"PYTHONIOENCODING": "ascii:strict"},
    "UTF-8": {"PYTHONIOENCODING": "utf-8:strict"},
}
PRINT = """import sys
from pathlib import Path
from helpers.report import command
command.run = command.render = lambda *_, **__: [Path("reports", "B\\xe4ume \\u732b \\udcff", "report.html")]
sys.exit(command.main(["run"]))"""


@pytest.mark.parametrize("console", CONSOLES)
@pytest.mark.parametrize("redirected", [False, True])
def test_a_finished_run_ends_well_whatever_its_name(tmp_path, console, redirected):
    """Also where a name holds a byte that is no UTF-8, \\udcff."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **CONSOLES[console]}
    with (tmp_path / "out.txt").open("wb") as file:
        to = file if redirected else subprocess.PIPE
        done = subprocess.run([sys.executable, "-c", PRINT], env=environment, stdout=to, stderr=subprocess.PIPE)
    said = (tmp_path / "out.txt").read_bytes() if redirected else done.stdout
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"report.html" in said
    assert (b"\\u732b" in said) == (console != "UTF-8")
