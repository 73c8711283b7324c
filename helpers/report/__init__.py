"""Notebooks to one document, and from it HTML and PDF: `python -m helpers.report --help`."""

from helpers.report.command import render, run

__all__ = ["render", "run"]
