"""The room's front door: what notebooks call is there, and importing it draws and loads nothing heavy."""

import json
import re
import subprocess
import sys

import pytest

from helpers import figures
from helpers.store.files import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_use_public_names(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    used = set(re.findall(r"(?<![\w.])figures\.(?!study\b|text\b)(\w+)", source))
    assert used
    assert not {name for name in used if not hasattr(figures, name)}


def test_no_training_and_no_tensorflow_are_imported():
    code = "import sys, helpers.figures; print([n for n in sys.modules if n.split('.')[0] in ('tensorflow', 'keras')"
    code += " or n in ('helpers.training', 'helpers.network', 'helpers.study')])"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
