"""The report's trainings over seeds, settings and numbers of images, on Dask: `python -m helpers.study --help`.

Without a scheduler's address a cluster of local processes is started. Dask's processes speak with each other in
pickle, on the loopback or wherever `--scheduler` says: give it the address of a scheduler that you trust. The files
that the study writes and reads hold none: each finished training is a JSON of its own, so a study that was killed
goes on where it was.
"""

import argparse
import json
import re
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from tqdm.auto import tqdm

from helpers.data import folders
from helpers.engine.threads import cores
from helpers.store.console import print_anything
from helpers.store.files import ROOT, sentence, whole_file
from helpers.store.run import NAMED
from helpers.study import finished, measured, recipes
from helpers.study.recipes import RECIPES, Cell

FOLDER = ROOT / "reports" / "study"
SIZES = (10, 20, 30, 40, 50)
RESOURCE = "memory_gb"
PATIENCE = "10s"  # until a scheduler answers


def grid(
    prepared: Iterable, networks: Sequence[str], seeds: int, sizes: Sequence[int] = (),
    learning_rates: Sequence[float] = (), batch_sizes: Sequence[int] = (), searched: int = 1, epochs: int | None = None,
) -> list[Cell]:  # fmt: skip
    """Return the cells of a study: every seed on all images and on `sizes` a class, and a search over settings.

    Given learning rates and batch sizes are each tried with every other, on all images and the first `searched` seeds.
    ValueError for an unknown network or numbers that cannot be.
    """
    if unknown := [name for name in networks if name not in RECIPES]:
        raise ValueError(f"There is no network {unknown[0]!r}: the study knows {', '.join(RECIPES)}.")
    numbers = (seeds, searched, *sizes, *batch_sizes, *([] if epochs is None else [epochs]))
    if any(number < 1 for number in numbers) or not all(rate > 0 for rate in learning_rates):
        raise ValueError("Seeds, sizes, batch sizes, epochs and learning rates must be greater than 0.")
    cells: dict[Cell, None] = {}  # ordered, each once
    for data, network, seed in product(prepared, networks, range(seeds)):
        recipe = RECIPES[network]
        usual = recipe.learning_rate, recipe.batch_size
        choices = [(min(size, data.largest), *usual) for size in (data.largest, *sizes)]
        if seed < searched:
            choices += product([data.largest], learning_rates or usual[:1], batch_sizes or usual[1:])
        for images, rate, batch in choices:
            cells[Cell(data.name, network, seed, images, rate, batch, epochs or recipe.epochs)] = None
    return list(cells)


def run(
    cells: Sequence[Cell], prepared: dict, folder: Path = FOLDER, *, workers: int | None = None,
    scheduler: str | None = None, train: Callable = recipes.train,
) -> list[tuple[Cell, dict]]:  # fmt: skip
    """Train the cells that `folder` does not hold yet, and return all of them as pairs (cell, result).

    prepared: {data set: recipes.Prepared}; workers: processes on this machine (as many as its memory and cores are
    good for), 0 for none but this one; scheduler: the address of one that runs already. A worker that dies is
    replaced, and its cell trained again. Raises ValueError for a damaged file, what no worker can hold, or workers and
    scheduler that cannot be, RuntimeError naming the cell whose training failed.
    """
    _check_where(workers, scheduler)
    waiting = [cell for cell in cells if finished.result_of(folder, cell, prepared[cell.dataset].digest) is None]
    print(f"{len(cells)} trainings, {len(cells) - len(waiting)} of them finished before", flush=True)
    if waiting:
        everywhere = _here(waiting, prepared, train) if workers == 0 and not scheduler else None
        done = everywhere or _on_dask(waiting, prepared, train, workers, scheduler)
        for cell, result in tqdm(done, "trainings", len(waiting), unit="training"):
            finished.keep(folder, cell, prepared[cell.dataset].digest, result)
    return [(cell, finished.result_of(folder, cell, prepared[cell.dataset].digest)) for cell in cells]


def _here(cells, prepared, train) -> Iterator[tuple[Cell, dict]]:
    for cell in cells:
        arrays = prepared[cell.dataset].arrays(cell.network)
        try:
            result = train(cell, arrays)
        except Exception as error:  # as on Dask, whatever it was
            raise RuntimeError(f"The training {cell.name} failed: {error!r}.") from error
        yield cell, result


def _on_dask(cells, prepared, train, workers, scheduler) -> Iterator[tuple[Cell, dict]]:
    from distributed import as_completed

    needs = {cell: RECIPES[cell.network].memory_gb for cell in cells}
    kinds = dict.fromkeys((cell.dataset, cell.network) for cell in cells)
    arrays = {(dataset, network): prepared[dataset].arrays(network) for dataset, network in kinds}
    with _client(workers, scheduler, max(needs.values())) as client, _on_every_worker(client, arrays) as place:
        futures = {}
        for cell in cells:
            ask = {"key": f"{cell.network}-{cell.name}", "resources": {RESOURCE: needs[cell]}, "pure": False}
            futures[client.submit(_train, train, cell, place, **ask)] = cell
        for future in as_completed(futures):
            if future.status != "finished":
                reason = repr(future.exception()) if future.status == "error" else future.status
                raise RuntimeError(f"The training {futures[future].name} failed: {reason}.")
            yield futures[future], future.result()


@contextmanager
def _on_every_worker(client, arrays: dict) -> Iterator[str]:
    """Give every worker the arrays, one that is started later too, and yield the name under which it holds them.

    As a task's result they would lie on one worker, and Dask would send most trainings there.
    """
    from distributed import WorkerPlugin

    class Arrays(WorkerPlugin):
        pass

    plugin, place = Arrays(), f"study-{uuid.uuid4()}"
    plugin.held = arrays
    client.register_plugin(plugin, name=place)
    try:
        yield place
    finally:
        client.unregister_worker_plugin(place)


def _train(train, cell: Cell, place: str) -> dict:
    from distributed import get_worker

    return train(cell, get_worker().plugins[place].held[cell.dataset, cell.network])


@contextmanager
def _client(workers: int | None, scheduler: str | None, need: float) -> Iterator:
    """Yield a client of the scheduler at an address, or of a cluster of processes started for it."""
    import dask
    from distributed import Client, LocalCluster

    settings = {
        "distributed.nanny.pre-spawn-environ": {"TQDM_DISABLE": "1"},  # and none of Dask's own: they change the speed
        "distributed.admin.large-graph-warning-threshold": "10GB",
    }
    with dask.config.set(settings):
        if scheduler:
            with _connected(scheduler) as client:
                _check_workers(client, scheduler, need)
                yield client
            return
        count, share = _share(workers, need)
        with (
            LocalCluster(
                n_workers=count, threads_per_worker=1, processes=True, memory_limit=0, resources={RESOURCE: share},
                dashboard_address=None, host="127.0.0.1",
            ) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            yield client


def _connected(address: str):
    from distributed import Client

    try:
        return Client(address, timeout=PATIENCE)
    except OSError as error:
        raise ValueError(f"No scheduler answers at {address}: start one with `dask scheduler` ({error}).") from error


def _check_workers(client, address: str, need: float) -> None:
    offers = [w.get("resources", {}).get(RESOURCE, 0) for w in client.scheduler_info(n_workers=-1)["workers"].values()]
    if max(offers, default=0) < need:
        raise ValueError(
            f"None of the {len(offers)} workers of {address} declares the {need:g} GB that a training takes: start "
            f"them, where `helpers` is importable, with `dask worker {address} --nthreads 1 --resources "
            f'"{RESOURCE}={need:g}"`.'
        )


def _share(workers: int | None, need: float) -> tuple[int, float]:
    """Return how many processes to start and how many GB each may declare; ValueError where a training does not fit."""
    import psutil

    free = psutil.virtual_memory().available / 1e9
    fit = int(free // need)
    if fit < max(1, workers or 1):
        raise ValueError(
            f"{workers or 1} workers cannot each have the {need:g} GB that a training takes: {free:.1f} GB are free."
        )
    count = workers or min(fit, max(1, cores() // 2))  # a scratch training keeps two cores busy by itself
    return count, free / count


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m helpers.study", description=__doc__.split(":")[0] + ".")
    parser.add_argument("what", nargs="?", default="run", choices=["run", "readme"], help="readme: make its table anew")
    parser.add_argument("--datasets", nargs="+", default=["scenes"], help="(scenes)")
    parser.add_argument("--networks", nargs="+", default=list(RECIPES), help=f"({' '.join(RECIPES)})")
    parser.add_argument("--seeds", type=int, default=5, help="how many (5)")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="training images a class (10 20 30 40 50)")
    parser.add_argument("--learning-rates", type=float, nargs="*", default=(), help="to search (the report's alone)")
    parser.add_argument("--batch-sizes", type=int, nargs="*", default=(), help="to search (the report's alone)")
    parser.add_argument("--searched", type=int, default=1, help="seeds on which settings are searched (1)")
    parser.add_argument("--epochs", type=int, help="for a trial: reports/measured.json is left alone")
    parser.add_argument("--workers", type=int, help="processes on this machine; 0: none but this one")
    parser.add_argument("--scheduler", help="address of a running Dask scheduler, such as tcp://host:8786")
    folder = "where finished trainings are kept (reports/study); measured.json too, if it is another"
    parser.add_argument("--folder", type=Path, default=FOLDER, help=folder)
    return parser


def _check_where(workers: int | None, scheduler: str | None) -> None:
    if workers is not None and workers < 0:
        raise ValueError(f"There cannot be {workers} workers: give a number from 1, or 0 for none but this process.")
    if scheduler and not re.fullmatch(r"(tcp|tls)://[^/\s:]+:\d+", scheduler):
        raise ValueError(f"{scheduler!r} is no scheduler's address: it looks like tcp://host:8786.")


def _check_names(datasets: Sequence[str]) -> None:
    """Refuse data sets that one name would mix, and folders that do not exist."""
    if len(set(datasets)) < len(datasets):
        raise ValueError(f"Name each data set once, not {' '.join(datasets)}.")
    by_name = {name: f"the data set {name}" for name in NAMED}
    for given in datasets:
        name = given if given in NAMED else folders.existing(given).resolve().name
        if given not in NAMED and name in by_name:
            raise ValueError(f"{given} and {by_name[name]} have one name, and so would their results: rename one.")
        by_name[name] = given


def _run(given: argparse.Namespace) -> Path:
    settings = (
        given.networks, given.seeds, given.sizes, given.learning_rates, given.batch_sizes, given.searched, given.epochs,
    )  # fmt: skip
    grid([], *settings)  # what cannot be is refused before anything is drawn, read or fetched
    _check_where(given.workers, given.scheduler)
    _check_names(given.datasets)
    prepared = [recipes.Prepared(name, given.folder / "cache") for name in given.datasets]
    cells = grid(prepared, *settings)
    by_name = {data.name: data for data in prepared}
    run(cells, by_name, given.folder, workers=given.workers, scheduler=given.scheduler)
    path = _measured(given)
    total = measured.load(path)
    for data in prepared:
        kept = [
            (cell, result)
            for cell, result in finished.results(given.folder, data.name, data.digest)
            if cell.epochs == (given.epochs or RECIPES[cell.network].epochs)
        ]
        entry, before = measured.of_dataset(kept, data.largest), total["datasets"].get(data.name, {})
        total["datasets"][data.name] = measured.merged(before, entry, data.digest)
    measured.save(measured.described(total, RECIPES), path)
    return path


def _measured(given: argparse.Namespace) -> Path:
    """Return where to write what is measured: trials and other folders leave the project's own alone."""
    if given.epochs:
        return given.folder / "trial" / "measured.json"
    return measured.MEASURED if given.folder.resolve() == FOLDER.resolve() else given.folder / "measured.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0, 2 after an error (told in a sentence), or 130 after Ctrl-C."""
    print_anything()
    given = _parser().parse_args(arguments)
    try:
        if given.what == "readme":
            benchmarks = json.loads(measured.BENCHMARKS.read_text(encoding="utf-8"))
            text = measured.readme(measured.README.read_text(encoding="utf-8"), measured.load(), benchmarks)
            with whole_file(measured.README) as part:
                part.write_text(text, encoding="utf-8")
        print(measured.README if given.what == "readme" else _run(given))
    except KeyboardInterrupt:
        print("\nStopped. What is finished is kept; the same command goes on from there.", file=sys.stderr)
        return 130
    except (OSError, ValueError, RuntimeError) as error:
        print(sentence(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
