"""Files whole or absent, what a run keeps and hands on, and results used again for the same code and data."""

from helpers.store.files import source_report
from helpers.store.run import Run, number, whole_number

__all__ = ["Run", "number", "source_report", "whole_number"]
