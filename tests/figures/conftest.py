"""Every figure is drawn in the report's style."""

import pytest

from helpers import figures


@pytest.fixture(autouse=True)
def _style():
    figures.setup()
