"""Tables in Markdown, and names that Markdown shows as they are."""

import re
import string
from collections.abc import Sequence

from IPython.display import Markdown

ROWS, COLUMNS = 40, 12  # of a table at most: what a page holds
RULE = {"l": ":---", "c": ":---:", "r": "---:"}
UNDEFINED = "A dash (–): there is nothing to compute it from."


def table(headers: Sequence[str], rows: Sequence[Sequence], align: str | None = None) -> Markdown:
    """Return a Markdown table for Jupyter to show; `align` holds one of l, c, r a column (default: l, then r).

    Of a large one the first rows and columns are shown, and the last row where it is bold, a total; the rest is
    counted. What is not a number becomes a dash, and a sentence below says so.
    """
    align = align or "l" + "r" * (len(headers) - 1)
    rows = [[str(cell) for cell in row] for row in rows]
    if len(rows) > ROWS:
        kept = rows[-1:] if rows[-1][0].startswith("**") else []
        more = len(rows) - (ROWS - 2) - len(kept)
        rows = [*rows[: ROWS - 2], [f"… {more} more", *[""] * (len(headers) - 1)], *kept]
    if len(headers) > COLUMNS:
        more, align = len(headers) - (COLUMNS - 1), align[: COLUMNS - 1] + "l"
        headers, rows = [*headers[: COLUMNS - 1], f"… {more} more"], [[*row[: COLUMNS - 1], ""] for row in rows]
    dashed = [[row[0], *(re.sub(r"[+-]?\bnan\b", "–", cell) for cell in row[1:])] if row else row for row in rows]
    lines = [headers, [RULE[a] for a in align], *dashed]
    cells = [[re.sub(r"(?<!\\)\|", r"\\|", str(cell)) for cell in line] for line in lines]
    shown = "\n".join(f"| {' | '.join(line)} |" for line in cells)
    return Markdown(shown if dashed == rows else f"{shown}\n\n{UNDEFINED}")


def code_safe(name: str) -> str:
    """Return a class or file name so that Markdown shows it as it is, whatever signs it holds."""
    flat = " ".join(name.split())
    return "".join("\\" + c if c in string.punctuation else c for c in flat)
