"""What a command prints, on whatever console."""

import sys
from collections.abc import Callable

from helpers.store.files import sentence


def print_anything() -> None:
    """Have stdout and stderr write what their encoding lacks as \\u732b, so that no name can stop a finished run."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a program may have put something else in its place
            stream.reconfigure(errors="backslashreplace")


def finish(work: Callable[[], object], stopped: str) -> int:
    """Do a command's work; return 0, 2 after an error (told in a sentence), or 130 after Ctrl-C (`stopped` told)."""
    print_anything()
    try:
        work()
    except KeyboardInterrupt:
        print(f"\nStopped. {stopped}", file=sys.stderr)
        return 130
    except (OSError, ValueError, RuntimeError) as error:
        print(sentence(error), file=sys.stderr)
        return 2
    return 0
