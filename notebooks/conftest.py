"""For `pytest --nbval`, from any folder: this interpreter, one folder of results a session, progress bars not compared."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from helpers.report.cells import merged_outputs
from helpers.report.execution import own_kernel


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.nbval_sanitize_with:  # an option in pyproject.toml would depend on the working directory
        config.option.nbval_sanitize_with = str(Path(__file__).parents[1] / "tests" / "nbval.cfg")
    stack = ExitStack()
    config.add_cleanup(stack.close)
    stack.enter_context(own_kernel())
    if not os.environ.get("RUN_DIR"):
        # notebooks pass results on to those after them; a test must not do so through reports/
        os.environ["RUN_DIR"] = stack.enter_context(tempfile.TemporaryDirectory())
        stack.callback(os.environ.pop, "RUN_DIR")


def pytest_itemcollected(item: pytest.Item) -> None:
    compare = getattr(item, "compare_outputs", None)
    if compare:  # a notebook's cell
        item.compare_outputs = lambda test, ref, **options: compare(
            merged_outputs(test), merged_outputs(ref), **options
        )
