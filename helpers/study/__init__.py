"""The report's trainings over seeds and settings, on Dask, and what they measured: `python -m helpers.study --help`."""

from helpers.study.published import beside, photographs
from helpers.study.statistics import images_needed, measured_for, summary
from helpers.study.table import read

__all__ = ["beside", "images_needed", "measured_for", "photographs", "read", "summary"]
