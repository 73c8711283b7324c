"""Runs one notebook with this very interpreter."""

import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from helpers.store.files import ROOT, whole_file

NOTEBOOKS = ROOT / "notebooks"


class ChainError(RuntimeError):
    """A notebook raised, its process died, or another run holds the folder; the message says which and what to do."""


def committed() -> list[Path]:
    """Return the project's notebooks in the order in which they run."""
    notebooks = sorted(NOTEBOOKS.glob("0*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(f"There is no notebook 0*.ipynb in {NOTEBOOKS}.")
    return notebooks


def read_cells(notebook: Path) -> list[dict]:
    """Return type, source and tags of a notebook's cells; ValueError if it is not a notebook."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [
            {"type": cell["cell_type"], "source": "".join(cell["source"]), "tags": cell["metadata"].get("tags", [])}
            for cell in cells
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{notebook} is not a notebook that Jupyter could have written ({error!r}).") from error


def declared_parameters(notebook: Path) -> set[str]:
    """Return the names that a notebook's cell tagged parameters assigns."""
    sources = [cell["source"] for cell in read_cells(notebook) if "parameters" in cell["tags"]]
    return set(re.findall(r"(?m)^(\w+) *=", "\n".join(sources)))


def execute_notebook(notebook: Path, copy: Path, parameters: dict) -> None:
    """Execute `notebook` with those of `parameters` that its parameters cell declares, and write `copy` whole.

    When a cell raises, `copy` ends with the traceback and ChainError names the cell.
    """
    import nbformat  # here, because a run that has nothing to do should not wait a second for Jupyter
    import papermill
    from nbclient.exceptions import DeadKernelError

    failed = None
    with tempfile.TemporaryDirectory() as folder, own_kernel():
        output = Path(folder) / notebook.name
        try:
            papermill.execute_notebook(
                nbformat.read(notebook, as_version=4),  # not its path: papermill would fill in braces in it
                output,
                parameters={name: parameters[name] for name in sorted(declared_parameters(notebook) & {*parameters})},
                cwd=notebook.parent,
                progress_bar=sys.stderr.isatty() and {"desc": notebook.stem, "leave": False},
                # nbclient would answer Ctrl-C by ending the kernel, which then looks as if it had died by itself
                on_cell_start=lambda **_: signal.signal(signal.SIGINT, signal.default_int_handler),
                kernel_name="python3",
                language="python",
                shutdown_kernel="immediate",  # a busy kernel would be waited for after Ctrl-C
            )
        except (papermill.PapermillExecutionError, DeadKernelError) as error:
            failed = error
        with whole_file(copy) as part:
            part.write_bytes(output.read_bytes())
    if failed:
        raise ChainError(_failure(notebook, copy, failed)) from failed


def _failure(notebook: Path, copy: Path, error: Exception) -> str:
    if not hasattr(error, "ename"):
        return f"The process of {notebook.name} died, perhaps of too little memory: {copy}"
    reason = (str(error.evalue).strip() or "no message").splitlines()[-1]
    return (
        f"{notebook.name} failed in cell [{error.exec_count}]: {error.ename}: {reason}\n"
        f"Its copy with the traceback: {copy}\nMend the cause and give the same command: it goes on with this notebook."
    )


@contextmanager
def own_kernel() -> Iterator[None]:
    """Make Jupyter's kernel "python3" this very interpreter, with `helpers` on its path, whatever else is installed."""
    from ipykernel.kernelspec import write_kernel_spec

    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory() as folder:
        # Jupyter's kernel would warn that its messages are not encrypted on the loopback, and note how it was ended
        command = [sys.executable, "-m", "helpers.report.launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]
        environment = {"PYTHONPATH": python_path, "TF_CPP_MIN_LOG_LEVEL": "3"}
        write_kernel_spec(f"{folder}/kernels/python3", overrides={"env": environment, "argv": command})
        jupyter_path = os.pathsep.join(filter(None, [folder, os.environ.get("JUPYTER_PATH")]))
        with mock.patch.dict(os.environ, JUPYTER_PATH=jupyter_path):
            yield
