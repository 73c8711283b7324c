"""Trainings shared out: in this process, on a cluster of local processes, or on a Dask scheduler that runs already.

Dask's processes speak with each other in pickle, on the loopback or wherever the scheduler is: give the address of one
that you trust. The files that the study writes and reads hold none.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from helpers.study.settings import SETTINGS, Training

RESOURCE = "memory_gb"
PATIENCE = "10s"  # until a scheduler answers


def check_where(workers: int | None, scheduler: str | None) -> None:
    """Raise ValueError for fewer workers than none, and for what Dask takes for no scheduler's address."""
    if workers is not None and workers < 0:
        raise ValueError(f"There cannot be {workers} workers: give a number from 1, or 0 for none but this process.")
    if scheduler:
        from distributed.comm.addressing import parse_address, parse_host_port

        try:
            parse_host_port(parse_address(scheduler)[1].rstrip("/"))
        except ValueError as error:
            raise ValueError(
                f"{scheduler!r} is no scheduler's address: it looks like tcp://host:8786 ({error})."
            ) from error


def shared_out(
    trainings: Sequence[Training], prepared: dict, train: Callable, workers: int | None, scheduler: str | None
) -> Iterator[tuple[Training, dict]]:
    """Yield (training, result) as they finish; a worker that dies is replaced, and its training begun again.

    Arguments as of `helpers.study.run.run`. RuntimeError names the training that failed.
    """
    kinds = dict.fromkeys((training.dataset, training.network) for training in trainings)
    arrays = {(dataset, network): prepared[dataset].arrays(network) for dataset, network in kinds}
    if workers == 0 and not scheduler:
        for training in trainings:
            try:
                yield training, train(training, arrays[training.dataset, training.network])
            except Exception as error:  # as on Dask, whatever it was
                raise RuntimeError(f"The training {training.name} failed: {error!r}.") from error
    else:
        yield from _on_dask(trainings, arrays, train, workers, scheduler)


def _on_dask(trainings, arrays, train, workers, scheduler) -> Iterator[tuple[Training, dict]]:
    from distributed import as_completed

    needs = {training: SETTINGS[training.network].memory_gb for training in trainings}
    with _client(workers, scheduler, max(needs.values())) as client, _on_every_worker(client, arrays) as place:
        futures = {}
        for training, need in needs.items():
            ask = {"key": f"{training.network}-{training.name}", "resources": {RESOURCE: need}, "pure": False}
            futures[client.submit(_train, train, training, place, **ask)] = training
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


def _train(train: Callable, training: Training, place: str) -> dict:
    from distributed import get_worker

    return train(training, get_worker().plugins[place].held[training.dataset, training.network])


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
            with _connected(scheduler, need) as client:
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


@contextmanager
def _connected(address: str, need: float) -> Iterator:
    from distributed import Client

    address = address.rstrip("/")
    try:
        client = Client(address, timeout=PATIENCE)
    except OSError as error:
        raise ValueError(f"No scheduler answers at {address}: start one with `dask scheduler` ({error}).") from error
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if max((worker.get("resources", {}).get(RESOURCE, 0) for worker in workers), default=0) < need:
            raise ValueError(
                f"None of the {len(workers)} workers of {address} declares the {need:g} GB that a training takes: "
                f"start them, where `helpers` is importable, with `dask worker {address} --nthreads 1 --resources "
                f'"{RESOURCE}={need:g}"`.'
            )
        yield client


def _share(workers: int | None, need: float) -> tuple[int, float]:
    """Return how many processes to start and how many GB each may declare; ValueError where a training does not fit."""
    import psutil
    from dask.system import CPU_COUNT  # of this process, not of the machine

    free = psutil.virtual_memory().available / 1e9
    fit = int(free // need)
    if fit < max(1, workers or 1):
        raise ValueError(
            f"{workers or 1} workers cannot each have the {need:g} GB that a training takes: {free:.1f} GB are free."
        )
    count = workers or min(fit, max(1, CPU_COUNT // 2))  # a scratch training keeps two cores busy by itself
    return count, free / count
