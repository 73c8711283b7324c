"""Share independent pieces of work between the cores: NumPy lets go of the interpreter's lock while it computes."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import cache

from threadpoolctl import ThreadpoolController

_inside = threading.local()
_turn = threading.RLock()  # several threads that share out work take turns: each turn keeps all cores busy


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _workers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cores(), "numpy", initializer=lambda: setattr(_inside, "worker", True))


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _after_fork() -> None:
    """Forget the threads, which a forked process does not have."""
    global _turn
    _workers.cache_clear()
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@cache
def unpacked() -> int:
    """Return up to how many multiplications BLAS does a matrix product as it lies in memory; 0 where it never does.

    Before a large product OpenBLAS packs copies of both operands, which pays. With AVX-512 it does a small one without.
    """
    small = ("SkylakeX", "Cooperlake", "SapphireRapids")  # OpenBLAS's names for its kernels that do
    return 10**6 if any(blas.get("architecture") in small for blas in _blas().info()) else 0


def in_threads(work: Callable[[Iterator], None], items: Sequence) -> None:
    """Call `work(share)` on every core at once; the shares give each item once, to whichever core is free for it.

    So a core that is slower, or busy with something else, does less. Meanwhile BLAS keeps to one thread, so that two
    levels of threads do not fight for the cores. A call from inside another runs in place. What an item gives must not
    depend on the share that it came in: then neither do the results.
    """
    share, count = iter(items), min(cores(), len(items))
    if getattr(_inside, "worker", False):
        work(share)
        return
    with _turn, _blas().limit(limits=1, user_api="blas"):  # for one core too: with other threads BLAS rounds otherwise
        if count < 2:
            work(share)
            return
        futures = [_workers().submit(copy_context().run, work, share) for _ in range(count)]  # its np.errstate, too
        wait(futures)  # all of them, so that after an error nothing is still being written
        for future in futures:
            future.result()
