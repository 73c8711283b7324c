"""Data sets by name: "scenes" (drawn here), "caltech101", or the path of a folder of class folders."""

from helpers.data.datasets import Dataset, Split, load, summary

__all__ = ["Dataset", "Split", "load", "summary"]
