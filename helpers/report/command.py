"""Runs the notebooks and renders the report: `python -m helpers.report [run DATASET | render [DIR] | notebooks]`."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from helpers.report import chain
from helpers.store import files
from helpers.store.console import print_anything
from helpers.store.run import EPOCHS, NAMED, resolve_run_dir, whole_number

NOTEBOOKS = files.ROOT / "notebooks"
REPORTS = files.ROOT / "reports"
KEPT = ("jupyter", "tags")  # of a committed cell's metadata
NAMES = (*NAMED, "bundled", "imagenet")  # of data sets and weights; anything else is a path


def run(
    dataset: str | Path = "scenes",
    *,
    weights: str | Path = "bundled",
    seed: int = 0,
    epochs: int | None = None,
    run_dir: str | Path | None = None,
    notebooks: Iterable[str | Path] | None = None,
) -> Path:
    """Execute the notebooks on a data set into `run_dir` (reports/<data set>) and return that folder.

    dataset and weights are what `data.load` and `vgg19.build` take, epochs the environment's EPOCHS or 25, notebooks
    the committed ones. What is unchanged since the last run is skipped. Raises ValueError for bad parameters or data,
    or where reports/<data set> is another's, FileNotFoundError for missing photographs or notebooks, ChainError for a
    notebook that fails; see `chain.execute`.
    """
    usual = _usual()
    parameters = {
        "DATASET": _absolute(dataset),
        "WEIGHTS": _absolute(weights),
        "SEED": whole_number("SEED", seed, 0),
        "EPOCHS": whole_number("EPOCHS", usual["EPOCHS"] if epochs is None else epochs, 1),
    }
    asked = [name for name, value in parameters.items() if str(value) != str(usual[name])]
    folder = resolve_run_dir(run_dir or "", parameters["DATASET"])
    inputs = _inputs(parameters["DATASET"], parameters["WEIGHTS"], folder)
    paths = [Path(path).resolve() for path in notebooks] if notebooks is not None else committed()
    chain.execute(paths, parameters | {"RUN_DIR": str(folder)}, folder, inputs, asked)
    return folder


def render(run_dir: str | Path | None = None) -> tuple[Path, Path]:
    """Render a run's notebooks as RUN_DIR/report.html and report.pdf, or the committed ones in reports/.

    See `rendering.render` and `rendering.write` for what is raised.
    """
    from helpers.report import rendering

    return rendering.write(committed(), _usual(), REPORTS) if run_dir is None else rendering.render(run_dir)


def _usual() -> dict:
    return {"DATASET": "scenes", "WEIGHTS": "bundled", "SEED": 0, "EPOCHS": os.environ.get("EPOCHS") or EPOCHS}


def committed() -> list[Path]:
    """Return the project's notebooks in the order in which they run."""
    notebooks = sorted(NOTEBOOKS.glob("0*.ipynb"))
    if not notebooks:
        raise FileNotFoundError(f"There is no notebook 0*.ipynb in {NOTEBOOKS}.")
    return notebooks


def refresh(only: str = "", run_dir: str | Path | None = None) -> list[Path]:
    """Number and execute the committed notebooks, write them back in place, and render the report.

    Returns all their paths. only is the beginning of one's name ("03"): those before it run too, since it reads their
    results, but stay as they are. They run in `run_dir`, or in a temporary folder.
    """
    names = committed()
    chosen = [path for path in names if path.name.startswith(only)]
    if not chosen:
        known = ", ".join(path.name for path in names)
        raise ValueError(f"No notebook's name begins with {only!r}: there are {known}.")
    from helpers.report import numbering  # only now: nbformat alone takes a second to import

    numbering.number(names)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(run_dir or temporary).resolve()
        until = names.index(chosen[-1]) + 1
        chain.execute(names[:until], {"RUN_DIR": str(folder)}, folder, os.environ.get("EPOCHS", ""))
        for path in chosen:
            text = _cleaned(folder / "notebooks" / path.name)
            with files.whole_file(path) as part:
                part.write_text(text, encoding="utf-8")
    return [*chosen, *render()]


def _cleaned(copy: Path) -> str:
    """Return an executed notebook as it is committed: nothing in it tells when, where or how fast it ran."""
    import nbformat

    from helpers.report.cells import merged_outputs, tags

    notebook = nbformat.read(copy, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in tags(cell)]
    for cell in notebook.cells:  # tags, and what JupyterLab folds: nothing else is the author's
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in KEPT if cell.metadata.get(key)})
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        cell.outputs, cell.execution_count = merged_outputs(cell.outputs), count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    return nbformat.writes(notebook) + "\n"


def _absolute(name: str | Path) -> str:
    path = files.expanded(name)  # absolute, since notebooks run elsewhere
    is_path = isinstance(name, Path) or os.sep in name or (name not in ("", *NAMES) and os.path.lexists(path))
    return str(path.resolve()) if is_path else str(name)


def _inputs(dataset: str, weights: str, run_dir: Path) -> str:
    """Return a hash of the files that a run reads, after checking the data if they are not those of the last run."""
    from helpers.data import caltech101
    from helpers.data import datasets as data

    if weights not in NAMES and not Path(weights).is_file():
        raise ValueError(f"Unknown weights {weights!r}: bundled, imagenet, or the path of an .h5 file that exists.")
    if dataset == "caltech101":
        folder = caltech101.locate()
        if os.environ.get("CALTECH101_DIR"):  # notebooks run where a relative path leads elsewhere
            os.environ["CALTECH101_DIR"] = str(folder.resolve())
        files = [caltech101.SPLIT_FILE, *(folder / photograph.name for photograph in caltech101.photographs())]
    else:
        files = [] if dataset == "scenes" else sorted(Path(dataset).glob("*/*"))
    inputs = chain.digest(chain.fingerprint([*files, Path(weights)]))
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


def _command(command: str, **options) -> None:
    start = time.monotonic()
    does = {"run": lambda **given: render(run(**given)), "render": render, "notebooks": refresh}
    print(*does[command](**options), f"{time.monotonic() - start:.0f} s", sep="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0, 2 after an error (told in a sentence), or 130 after Ctrl-C."""
    print_anything()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    given = _parser().parse_args(arguments or ["run"])
    try:
        _command(**vars(given))
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from the notebook that was running.", file=sys.stderr)
        return 130
    except (OSError, ValueError, chain.ChainError) as error:
        print(files.sentence(error), file=sys.stderr)
        return 2
    return 0
