"""Runs the notebooks and renders the report: `python -m helpers.report [run DATASET | render [DIR] | notebooks]`."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from helpers.report import chain
from helpers.report.execution import committed
from helpers.store import console, files
from helpers.store.run import EPOCHS, NAMED, resolve_run_dir, whole_number

REPORTS = files.ROOT / "reports"
NAMES = (*NAMED, "bundled", "imagenet")  # of data sets and weights; anything else is a path
USUAL = {"DATASET": "scenes", "WEIGHTS": "bundled", "SEED": 0, "EPOCHS": EPOCHS}  # of the committed notebooks


def run(
    dataset: str | Path = "scenes", *, weights: str | Path = "bundled", seed: int = 0, epochs: int | None = None,
    run_dir: str | Path | None = None, notebooks: Iterable[str | Path] | None = None,
) -> Path:  # fmt: skip
    """Execute what has changed of the notebooks on a data set into `run_dir` (reports/<data set>); return that folder.

    dataset and weights are what `data.load` and `vgg19.build` take, epochs the environment's EPOCHS or 25, notebooks
    the committed ones. Raises ValueError for bad parameters or data, or where reports/<data set> is another's,
    FileNotFoundError for missing photographs or notebooks, and as `chain.execute` does.
    """
    given = {"DATASET": _absolute(dataset), "WEIGHTS": _absolute(weights), "SEED": whole_number("SEED", seed, 0)}
    given["EPOCHS"] = whole_number("EPOCHS", (os.environ.get("EPOCHS") or EPOCHS) if epochs is None else epochs, 1)
    folder = resolve_run_dir(run_dir or "", given["DATASET"])
    inputs = _inputs(given["DATASET"], given["WEIGHTS"], folder)
    paths = committed() if notebooks is None else [Path(path).resolve() for path in notebooks]
    chain.execute(paths, given | {"RUN_DIR": str(folder)}, folder, inputs)
    return folder


def render(run_dir: str | Path | None = None) -> tuple[Path, Path]:
    """Render a run's notebooks, or the committed ones; errors as of `rendering.write`, FileNotFoundError for none."""
    from helpers.report import rendering

    if run_dir is None:
        return rendering.write(committed(), USUAL, REPORTS)
    folder = files.expanded(run_dir).resolve()
    record, notebooks = chain.read_record(folder), sorted((folder / "notebooks").glob("*.ipynb"))
    if made := record.get("notebooks"):  # what else lies there, such as Jupyter's copies, is no chapter
        notebooks = [path for path in notebooks if path.stem in made.keys() | {each.stem for each in committed()}]
    if not notebooks:
        raise FileNotFoundError(f"There is no executed notebook in {folder / 'notebooks'}: run the chain first.")
    return rendering.write(notebooks, record.get("parameters", {}), folder)


def refresh(only: str = "", run_dir: str | Path | None = None) -> list[Path]:
    """Number and execute the committed notebooks, write them back in place, and render the report; return all paths.

    only is the beginning of one's name ("03"): those before it run too, since it reads their results, but stay as they
    are. They run in `run_dir`, or in a temporary folder.
    """
    from helpers.report import cells, numbering, rendering  # only now: nbformat alone takes a second to import

    names = committed()
    chosen = [path for path in names if path.name.startswith(only)]
    if not chosen:
        known = ", ".join(path.name for path in names)
        raise ValueError(f"No notebook's name begins with {only!r}: there are {known}.")
    numbering.number(names)
    with tempfile.TemporaryDirectory() as temporary:
        folder = resolve_run_dir(run_dir or temporary, "scenes")
        given, epochs = {"RUN_DIR": str(folder)}, os.environ.get("EPOCHS") or EPOCHS
        chain.execute(names[: names.index(chosen[-1]) + 1], given, folder, str(epochs))
        for path in chosen:
            text = cells.cleaned(folder / "notebooks" / path.name)
            with files.whole_file(path) as part:
                part.write_text(text, encoding="utf-8")
    return [*chosen, *rendering.write(names, USUAL | {"EPOCHS": epochs}, REPORTS)]


def _absolute(name: str | Path) -> str:
    if name in ("", *NAMES):
        return name
    path = files.expanded(name)  # absolute, since notebooks run elsewhere
    return str(path.resolve() if isinstance(name, Path) or os.sep in name or os.path.lexists(path) else name)


def _inputs(dataset: str, weights: str, run_dir: Path) -> str:
    """Return a hash of the files that a run reads, after checking the data if they are not those of the last run."""
    from helpers.data import caltech101
    from helpers.data import datasets as data

    if weights not in NAMES and not Path(weights).is_file():
        raise ValueError(f"Unknown weights {weights!r}: bundled, imagenet, or the path of an .h5 file that exists.")
    read = [] if dataset in NAMED else sorted(Path(dataset).glob("*/*"))
    if dataset == "caltech101":
        folder = caltech101.locate()
        if os.environ.get("CALTECH101_DIR"):  # notebooks run where a relative path leads elsewhere
            os.environ["CALTECH101_DIR"] = str(folder.resolve())
        read = [caltech101.SPLIT_FILE, *(folder / photograph.name for photograph in caltech101.photographs())]
    inputs = files.digest({str(path): chain.stamp(path) for path in [*read, Path(weights)] if path.is_file()})
    if dataset != "scenes" and chain.read_record(run_dir).get("inputs") != inputs:
        data.load(dataset, 16)  # every picture is opened, so that a bad one is named before any notebook runs
    return inputs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m helpers.report", description=__doc__.split(":")[0] + ".")
    commands = parser.add_subparsers(dest="command")
    command = commands.add_parser("run", help="run the notebooks on a data set and render the report")
    command.add_argument("dataset", nargs="?", default="scenes", help="scenes, caltech101 or a folder of class folders")
    command.add_argument("--epochs", type=int, help=f"of the trainings ({EPOCHS})")
    command.add_argument("--seed", type=int, default=0, help="(0)")
    command.add_argument("--weights", default="bundled", help="VGG19's: bundled, imagenet or an .h5 file (bundled)")
    command.add_argument("--run-dir", help="where everything is written (reports/<data set>)")
    command = commands.add_parser("render", help="render the notebooks of a run once more")
    command.add_argument("run_dir", nargs="?", help="the run's folder (the committed notebooks, into reports/)")
    command = commands.add_parser("notebooks", help="execute the committed notebooks in place, and render them")
    command.add_argument("--only", default="", help="the beginning of one's name, such as 03")
    command.add_argument("--run-dir", help="keep results here, so that the next time goes on from them (temporary)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return its exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options, start = vars(_parser().parse_args(arguments or ["run"])), time.monotonic()
    does = {"run": lambda **given: render(run(**given)), "render": render, "notebooks": refresh}
    make = does[options.pop("command")]
    return console.finish(
        lambda: print(*make(**options), f"{time.monotonic() - start:.0f} s", sep="\n"),
        "The same command goes on from the notebook that was running.",
    )
