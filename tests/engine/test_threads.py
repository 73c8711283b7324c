"""Work shared between cores: every item once, errors passed on, BLAS put back."""

import multiprocessing
import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from helpers.engine import threads
from helpers.engine.threads import cores, in_threads


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 2)


def blas_threads():
    """The number of threads of every BLAS that was there when it was first needed, NumPy's among them."""
    return [pool["num_threads"] for pool in threads._blas().info() if pool["user_api"] == "blas"]


def test_the_cores_are_those_that_this_process_may_use():
    assert cores() == (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())


@given(count=st.integers(1, 5), items=st.integers(0, 20))
def test_every_item_once_and_in_order(count, items):
    shares = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "cores", lambda: count)
        in_threads(lambda share: shares.append(list(share)), range(items))
    assert len(shares) == max(1, min(count, items))
    assert sorted(i for share in shares for i in share) == list(range(items))
    assert all(share == sorted(share) for share in shares)


def test_a_core_that_is_busy_leaves_the_rest_to_the_others():
    rest, done = threading.Event(), []

    def work(share):
        for i in share:
            if i == 0:
                assert rest.wait(20)
            else:
                done.append(i)
            if len(done) == 9:
                rest.set()

    in_threads(work, range(10))
    assert done == list(range(1, 10))


def test_shares_run_at_once():
    both = threading.Barrier(2, timeout=20)
    in_threads(lambda share: both.wait(), [1, 2])
    assert not both.broken


def test_a_nested_call_runs_in_place():
    seen = []

    def outer(share):
        here = threading.get_ident()
        in_threads(lambda inner: seen.append((here, threading.get_ident(), list(inner))), [5, 6, 7])

    in_threads(outer, [1, 2])
    assert len(seen) == 2
    assert all(here == there and inner == [5, 6, 7] for here, there, inner in seen)
    assert threading.get_ident() not in {here for here, _, _ in seen}


def test_after_a_nested_call_the_next_one_is_shared_again():
    in_threads(lambda share: in_threads(lambda inner: None, [1, 2]), [1, 2])
    test_shares_run_at_once()


def test_what_the_caller_says_of_overflow_holds_in_the_threads():
    largest = np.full(2000, np.finfo(np.float32).max)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        in_threads(lambda share: [largest * largest for _ in share], range(2))


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_is_passed_on_after_all_have_ended(failing):
    ended = threading.Event()

    def work(share):
        if next(share) == failing:
            raise KeyError(f"item {failing}")
        ended.wait(0.2)
        ended.set()

    with pytest.raises(KeyError, match=f"item {failing}"):
        in_threads(work, [0, 1])
    assert ended.is_set()
    test_shares_run_at_once()


@pytest.mark.skipif(not blas_threads(), reason="this BLAS cannot be told how many threads to use")
@pytest.mark.parametrize("items", [1, 2, 5])
@pytest.mark.parametrize("fails", [False, True])
def test_blas_keeps_to_one_thread_meanwhile_and_is_put_back(items, fails):
    inside = []

    def work(share):
        inside.extend(blas_threads())
        if fails:
            raise KeyError

    with threadpool_limits(2, "blas"):
        before = blas_threads()
        if fails:
            with pytest.raises(KeyError):
                in_threads(work, range(items))
        else:
            in_threads(work, range(items))
        assert blas_threads() == before
    assert set(before) == {2}
    assert set(inside) == {1}


def test_several_threads_take_turns_and_blas_gets_its_threads_back():
    before, seen = blas_threads(), []

    def work(_):
        seen.append(set(blas_threads()))
        time.sleep(0.01)
        seen.append(set(blas_threads()))

    others = [threading.Thread(target=in_threads, args=(work, range(2))) for _ in range(4)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert seen == [{1}] * 16
    assert blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    in_threads(lambda share: None, range(2))
    child = multiprocessing.get_context("fork").Process(target=in_threads, args=(lambda share: None, range(2)))
    child.start()
    child.join(20)
    alive = child.is_alive()
    child.kill()
    assert not alive
    assert child.exitcode == 0
