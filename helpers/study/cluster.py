"""Trainings shared out: in this process, on local processes, or on a Dask scheduler that runs already.

Dask's processes speak with each other in pickle: give the address of a scheduler that you trust.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from helpers.study.settings import SETTINGS, Training

PATIENCE = "10s"  # until a scheduler answers


def check_where(workers: int | None, scheduler: str | None) -> None:
    """Raise ValueError for fewer workers than none, and for what is no scheduler's address."""
    if workers is not None and workers < 0:
        raise ValueError(f"There cannot be {workers} workers: give a number from 1, or 0 for none but this process.")
    if scheduler and not re.fullmatch(r"(\w+://)?\S+:\d+/*", scheduler):
        raise ValueError(f"{scheduler!r} is no scheduler's address: it looks like tcp://host:8786.")


def shared_out(
    trainings: Sequence[Training], prepared: dict, train: Callable, workers: int | None, scheduler: str | None
) -> Iterator[tuple[Training, dict]]:
    """Yield (training, result) as they finish; a worker that dies is replaced, and its training begun again.

    Arguments as of `helpers.study.run.run`. RuntimeError names the training that failed.
    """
    kinds = {(training.dataset, training.network) for training in trainings}
    arrays = {(dataset, network): prepared[dataset].arrays(network) for dataset, network in sorted(kinds)}
    if workers == 0 and not scheduler:
        for training in trainings:
            yield training, _result(training, train, training, arrays[training.dataset, training.network])
        return
    from distributed import as_completed

    needs = [SETTINGS[network].memory_gb for _, network in kinds]
    client = _connected(scheduler.rstrip("/")) if scheduler else _started(workers, max(needs))
    with client, _held(client, arrays) as place:
        futures = {client.submit(_train, train, training, place, pure=False): training for training in trainings}
        for future in as_completed(futures):
            yield futures[future], _result(futures[future], future.result)


def _result(training: Training, made_by: Callable, *given) -> dict:
    try:
        return made_by(*given)
    except Exception as error:  # whatever it was, on Dask and here
        raise RuntimeError(f"The training {training.name} failed: {error!r}.") from error


@contextmanager
def _held(client, arrays: dict) -> Iterator[str]:
    """Give every worker the arrays, one that is started later too, and yield the name under which it holds them.

    As a task's result they would lie on one worker, and Dask would send most trainings there.
    """
    from distributed import WorkerPlugin

    place, plugin = f"study-{uuid.uuid4()}", type("Arrays", (WorkerPlugin,), {"held": arrays})()
    client.register_plugin(plugin, name=place)
    try:
        yield place
    finally:
        client.unregister_worker_plugin(place)


def _train(train: Callable, training: Training, place: str) -> dict:
    from distributed import get_worker

    return train(training, get_worker().plugins[place].held[training.dataset, training.network])


def _started(workers: int | None, need: float):
    """Return a client of processes started for it; ValueError where so many trainings do not fit into memory."""
    import dask
    import psutil
    from dask.system import CPU_COUNT  # of this process, not of the machine
    from distributed import Client

    free = psutil.virtual_memory().available / 1e9
    if free < need * (workers or 1):
        told = f"{workers or 1} workers cannot each have the {need:g} GB that a training takes"
        raise ValueError(f"{told}: {free:.1f} GB are free.")
    count = workers or max(1, min(int(free // need), CPU_COUNT // 2))  # a scratch training keeps two cores busy alone
    own = {"distributed.nanny.pre-spawn-environ": {"TQDM_DISABLE": "1"}}  # none of Dask's own: they change the speed
    options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": None, "host": "127.0.0.1"}
    with dask.config.set(own):
        return Client(n_workers=count, **options)


def _connected(address: str):
    """Return a client of a running scheduler; ValueError where none answers."""
    from distributed import Client

    try:
        return Client(address, timeout=PATIENCE)
    except OSError as error:
        raise ValueError(f"No scheduler answers at {address}: start one with `dask scheduler` ({error}).") from error
