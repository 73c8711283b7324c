"""The report's trainings over seeds, settings and numbers of images, on Dask: `python -m helpers.study --help`.

Every finished training is a row of reports/study.csv at once, so a study that was killed goes on where it was.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tqdm.auto import tqdm

from helpers.data import folders
from helpers.store import console
from helpers.store.files import folder_name
from helpers.store.run import NAMED
from helpers.study import cluster, published, table, trainings
from helpers.study.settings import SETTINGS, Training, grid
from helpers.study.statistics import FOLDER


def run(
    wanted: Sequence[Training], prepared: dict, folder: Path = FOLDER, *, workers: int | None = None,
    scheduler: str | None = None, train: Callable = trainings.train,
) -> list[tuple[Training, dict]]:  # fmt: skip
    """Train what the table in `folder` does not hold yet, and return all of it as pairs (training, result).

    prepared: {data set: trainings.Prepared}; workers: processes on this machine, 0 for none but this one, by default as
    many as memory and cores allow; scheduler: the address of one that runs already. Raises ValueError for what cannot
    be and for a damaged table, RuntimeError naming what failed.
    """
    cluster.check_where(workers, scheduler)
    digests = {name: data.digest for name, data in prepared.items()}
    finished = table.read(folder)  # on the very data that are prepared, or on others
    known = {training: result for training, result in finished if digests.get(training.dataset) == result["data"]}
    waiting = [training for training in wanted if training not in known]
    print(f"{len(wanted)} trainings, {len(wanted) - len(waiting)} of them finished before", flush=True)
    if waiting:
        done = cluster.shared_out(waiting, prepared, train, workers, scheduler)
        for training, result in tqdm(done, "trainings", len(waiting), unit="training"):
            known[training] = table.keep(folder, training, {"data": digests[training.dataset]} | result)
    return [(training, known[training]) for training in wanted]


def _study(given: argparse.Namespace) -> Path:
    """Run the study that the command line asks for and return the path of its table."""
    names = ("networks", "seeds", "sizes", "learning_rates", "batch_sizes", "searched", "epochs")
    settings = {name: getattr(given, name) for name in names}
    grid([], **settings)  # what cannot be is refused before anything is drawn, read or fetched
    cluster.check_where(given.workers, given.scheduler)
    _check_names(given.datasets)
    kept = given.folder / "study"  # what can be made again; trials leave the table alone
    folder = kept / "trial" if given.epochs else given.folder
    prepared = {data.name: data for data in (trainings.Prepared(name, kept / "cache") for name in given.datasets)}
    run(grid(prepared.values(), **settings), prepared, folder, workers=given.workers, scheduler=given.scheduler)
    return folder / table.TABLE


def _check_names(datasets: Sequence[str]) -> None:
    """Refuse data sets that one name would mix, and folders that do not exist."""
    if len(set(datasets)) < len(datasets):
        raise ValueError(f"Name each data set once, not {' '.join(datasets)}.")
    by_name = {name: f"the data set {name}" for name in NAMED}
    for given in (given for given in datasets if given not in NAMED):
        other = by_name.setdefault(folder_name(folders.existing(given).resolve()), given)
        if other != given:
            raise ValueError(f"{given} and {other} have one name, and so would their results: rename one.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m helpers.study", description=__doc__.split(":")[0] + ".")
    add, usual = parser.add_argument, " (the report's alone)"
    what = "run (the default) trains; photographs RUN_DIR keeps a run's matrices"
    add("what", nargs="?", default="run", choices=["run", "photographs"], help=what)
    add("run_dir", nargs="?", type=Path, help="a finished run of the report on caltech101, seed 0")
    add("--datasets", nargs="+", default=["scenes"], help="(scenes)")
    add("--networks", nargs="+", default=list(SETTINGS), help=f"({' '.join(SETTINGS)})")
    add("--seeds", type=int, default=5, help="how many (5)")
    add("--sizes", type=int, nargs="*", default=(10, 20, 30, 40, 50), help="training images a class (10 20 30 40 50)")
    add("--learning-rates", type=float, nargs="*", default=(), help="to search" + usual)
    add("--batch-sizes", type=int, nargs="*", default=(), help="to search" + usual)
    add("--searched", type=int, default=1, help="seeds on which settings are searched (1)")
    add("--epochs", type=int, help="for a trial: its results go to FOLDER/study/trial")
    add("--workers", type=int, help="processes on this machine; 0: none but this one")
    add("--scheduler", help="address of a running Dask scheduler, such as tcp://host:8786")
    add("--folder", type=Path, default=FOLDER, help="of study.csv (reports)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return its exit code."""
    given = _parser().parse_args(arguments)
    does = {"run": partial(_study, given), "photographs": partial(published.keep_photographs, given.run_dir)}
    stopped = "What is finished is kept; the same command goes on from there."
    return console.finish(lambda: print(does[given.what]()), stopped)
