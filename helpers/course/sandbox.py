"""Where submissions run: each exercise in a process of its own, with limits of time and memory, files and network shut.

The fences are Linux's own: setrlimit(2), Landlock (Salaün 2017) for files, signals and TCP, a network namespace for the
rest. They keep careless and curious programs in; they are no virtual machine, and no shield from faults of the kernel.
"""

import contextlib
import ctypes
import io
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from helpers.course import exercises

MEMORY, BYTES = 2 << 30, 16 << 20  # to allocate beyond what is there, to write in a file
WAIT = 5  # times as long as it may compute an exercise may take by the clock
HEAVY = ("helpers.vgg19.head", "helpers.vgg19.backbone")  # modules that import TensorFlow, which takes a while
READABLE = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/sys", "/dev", sys.prefix, sys.base_prefix)
CREATE, ADD, RESTRICT = 444, 445, 446  # Landlock's calls, with these numbers on every machine
READ, NEW_NETWORK, NEW_USER, NO_NEW_PRIVILEGES = 0b1101, 0x40000000, 0x10000000, 38

libc = ctypes.CDLL(None, use_errno=True)


def fences() -> dict[str, bool]:
    """Return what can be shut here, tried in a process that is given up for it."""
    found = {"files": _landlock_version() > 0, "network": False}
    if sys.platform == "linux":
        child = os.fork()
        if not child:
            os._exit(libc.unshare(NEW_USER | NEW_NETWORK) != 0)
        found["network"] = os.waitpid(child, 0)[1] == 0
    return found


def _landlock_version() -> int:
    return max(0, libc.syscall(CREATE, None, 0, 1)) if sys.platform == "linux" else 0


def _shut_files(writable: Path, readable: list[str]) -> None:
    """Leave only these folders in reach, and no process outside; nothing where the kernel has no Landlock."""
    version = _landlock_version()
    if not version:
        return
    every = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = (ctypes.c_uint64 * 3)(every, 3 * (version >= 4), 3 * (version >= 6))
    ruleset = libc.syscall(CREATE, rules, 8 if version < 4 else 16 if version < 6 else 24, 0)
    for folder, access in [*((name, READ) for name in readable), (str(writable), every)]:
        with contextlib.suppress(FileNotFoundError):
            rule = access.to_bytes(8, sys.byteorder) + os.open(folder, os.O_PATH).to_bytes(4, sys.byteorder)
            libc.syscall(ADD, ruleset, 1, rule, 0)
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if libc.syscall(RESTRICT, ruleset, 0):
        raise OSError(ctypes.get_errno(), "Landlock refused to shut the files")


def _limit(seconds: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    memory = pages * resource.getpagesize() + MEMORY
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, BYTES)):
        with contextlib.suppress(ValueError):  # macOS knows no limit of memory
            resource.setrlimit(what, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _fence(work: Path, readable: list[str], seconds: int) -> None:
    """Shut this process into a folder, quiet, without a network, and with its limits."""
    os.setsid()
    os.chdir(work)
    tempfile.tempdir = os.environ["KERAS_HOME"] = str(work)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    if sys.platform == "linux":
        libc.unshare(NEW_USER | NEW_NETWORK)
    _shut_files(work, readable)
    _limit(seconds)


def _child(number: str, scratch: Path, seed: int, seconds: int) -> None:
    """Compute one exercise's results, behind the fences, and write them where nothing else can be written."""
    work = scratch / f"work-{number}"
    work.mkdir()
    out = os.open(scratch / f"{number}.npz", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _fence(work, [*READABLE, str(scratch), str(Path(__file__).parents[2])], seconds)
    exercise = exercises.find(number)
    path = exercises.path_of(exercise.module, scratch)  # alone: what it imports of helpers is the edition's own
    try:
        found = exercises.results(exercise, exercises.load(exercise.module, path.read_text("utf-8"), path), seed)
    except BaseException as error:  # even SystemExit: it is the submission's
        found = {"load/error": np.array(f"{type(error).__name__}: {error}")}
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **found)
    os.write(out, packed.getbuffer())


def _ended(child: int, seconds: int) -> str:
    """Wait for a process, and kill all of its group when it takes too long; return how it ended, "" for well."""
    until = time.monotonic() + WAIT * seconds
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < until:
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    if done[0] == 0:
        os.waitpid(child, 0)
        return f"It did not end within {WAIT * seconds} seconds."
    if os.WIFSIGNALED(done[1]):
        name = signal.Signals(os.WTERMSIG(done[1])).name
        late = name in ("SIGXCPU", "SIGKILL")
        return f"It computed for more than {seconds} seconds." if late else f"It crashed ({name})."
    return "" if done[1] == 0 else "It ended its process."


def run(scratch: Path, seed: int, seconds: int, numbers: list[str]) -> None:
    """Run exercises of the submission in `scratch`, each in a copy of this process; leave <number>.npz, or .txt."""
    modules = {exercises.find(number).module for number in numbers}
    import cv2  # noqa: F401  what many need is imported once, and is there in every copy
    import scipy.stats  # noqa: F401

    if modules & set(HEAVY):
        import tensorflow  # noqa: F401  its threads begin in the copies
    for number in numbers:
        child = os.fork()
        if not child:
            code = 1
            try:
                _child(number, scratch, seed, seconds)
                code = 0
            finally:
                os._exit(code)
        if ended := _ended(child, seconds):
            (scratch / f"{number}.txt").write_text(ended, encoding="utf-8")


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
