"""What a command prints, on whatever console."""

import sys


def print_anything() -> None:
    """Have stdout and stderr write what their encoding lacks as \\u732b, so that no name can stop a finished run."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a program may have put something else in its place
            stream.reconfigure(errors="backslashreplace")
