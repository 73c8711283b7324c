"""Where nbval finds what an output may differ in, from whatever folder pytest is started."""

from pathlib import Path


def pytest_configure(config):
    """Name the file by its full path: an option in pyproject.toml would be relative to the working directory."""
    if not config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(Path(__file__).parent / "tests" / "nbval.cfg")
