"""`python -m helpers.data NAME` prints what a data set holds, and fetches and verifies caltech101's photographs."""

import argparse
import sys
import warnings
from collections.abc import Sequence

from helpers.data import caltech101, load, summary
from helpers.data.pictures import check_size
from helpers.store.console import finish


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what a data set holds and what of a folder was left out; return 0, or 2 after a sentence."""
    parser = argparse.ArgumentParser(prog="python -m helpers.data", description=__doc__)
    parser.add_argument("name", help="scenes, caltech101 or the path of a folder of class folders")
    parser.add_argument("--size", type=int, default=224, help="side of the pictures in pixels (224)")
    chosen = parser.parse_args(arguments)
    return finish(lambda: _show(chosen.name, chosen.size), "What was fetched is left out.")


def _show(name: str, size: int) -> None:
    check_size(size)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: print(message)
        dataset = load(name, size if name == "scenes" else 16)  # to be counted
    if name == "caltech101":
        folder, total = caltech101.locate(), len(caltech101.photographs())
        same = total - len(caltech101.differing(folder))
        print(f"{total} photographs in {folder}; {same} have the SHA-256 in {caltech101.SPLIT_FILE.name}")
    print(summary(dataset, size))


if __name__ == "__main__":
    sys.exit(main())
