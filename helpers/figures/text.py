"""Texts that a notebook shows: the solution of an exercise, folded until someone asks."""

from IPython.display import Markdown

FOLD = "<details><summary>Solution</summary>\n\n", "\n\n</details>"


def solution(text: str) -> Markdown:
    """Return an exercise's solution, Markdown, for a cell tagged solution to end with: folded until someone asks."""
    return Markdown(text.join(FOLD))
