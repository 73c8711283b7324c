"""What outlives a kill, a full disk, a folder that cannot be written, a second run, a flipped bit, a cut network.

A few quick cases each; `python tests/programs/torture.py` is the long version, with kills at random moments.
"""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torture
from checking import execute_here
from torture import Process, results, write_notebooks

from helpers.report import chain, execution
from helpers.report import command as report
from helpers.store import Run, files
from helpers.store.cache import kept

pytestmark = pytest.mark.slow

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


@pytest.fixture(autouse=True)
def nothing_left():
    """Leave nothing running when a test fails half-way."""
    yield
    while Process.started:
        process = Process.started.pop()
        if process.popen.poll() is None or process.alive():
            process.end("all")


def until(condition, seconds=60):
    """Wait until something is so, and fail when it does not come to be."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def python(code, *arguments, **options):
    """Run code in a Python of its own; return exit code and stderr."""
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, **options)
    return done.returncode, done.stderr


# Training


@linux
def test_a_training_that_the_system_kills_goes_on_to_the_same_bits(tmp_path):
    """The signal comes at a random moment after the first checkpoint: in a batch, an evaluation or a save."""
    undisturbed, _ = torture.train(tmp_path / "undisturbed.npz", 16, 8)
    checkpoint, delays = tmp_path / "killed" / "training.npz", random.Random(0)
    for _ in range(2):
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        process = Process("training", 16, 8, checkpoint.parent)
        until(lambda before=before: checkpoint.exists() and checkpoint.stat().st_mtime_ns != before)
        time.sleep(delays.uniform(0, 0.1))
        assert process.end("all")[0] == -signal.SIGKILL
    assert not (tmp_path / "killed" / "weights.npz").exists()
    resumed, history = torture.train(checkpoint, 16, 8)
    assert len(history.loss) == 8
    assert all(np.array_equal(value, resumed.state()[name]) for name, value in undisturbed.state().items())


@posix
def test_a_training_stops_where_no_more_fits_on_the_disk_and_goes_on_later(tmp_path):
    """The system refuses to let a file grow beyond 1 MB; the checkpoint has 30."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
    code = "import sys; sys.path.append(sys.argv[1]); import torture; from pathlib import Path\n"
    call = "torture.train(Path(sys.argv[2], 'training.npz'), 16, 3)"
    status, error = python(code + limit + call, Path(torture.__file__).parent, tmp_path)
    assert status == 1
    assert error.strip().endswith(f"OSError: [Errno 27] File too large: '{tmp_path / 'training.npz'}'")
    assert list(tmp_path.iterdir()) == []
    model, _ = torture.train(tmp_path / "training.npz", 16, 3)
    undisturbed, _ = torture.train(tmp_path / "another.npz", 16, 3)
    assert all(np.array_equal(value, model.state()[name]) for name, value in undisturbed.state().items())


# The chain, with kernels


SOCKETS = """
import os, socket, struct
def addresses():
    inodes = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            inodes.add(os.readlink(f"/proc/self/fd/{number}").removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:
            pass
    for table in ("tcp", "udp", "tcp6", "udp6"):
        for line in open(f"/proc/self/net/{table}").readlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                yield fields[1].split(":")[0]
found = set(addresses())
assert found == {"0100007F"}, found  # 127.0.0.1
"""
LOOK = """import os, sys
def look(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.bind") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if host not in ("127.0.0.1", "::1", "localhost"):
        with open(os.environ["FOREIGN"], "a") as file:
            file.write(f"{event} {host}\\n")
        raise OSError(f"This is offline: {event} {host}")
sys.addaudithook(look)
"""


def can_unshare():
    """Tell whether a process may have a network of its own here."""
    return shutil.which("unshare") is not None and subprocess.run(["unshare", "-rn", "true"]).returncode == 0


@linux
def test_offline_and_killed_chains_end_with_the_same_report(tmp_path):
    """One chain runs with the network cut off, another loses its parent: artifacts, outputs and report are the same."""
    notebooks = write_notebooks(tmp_path / "nb", _01_train=f"{SOCKETS}{torture.TRAIN}\n{torture.READ}")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(LOOK)
    places = [str(tmp_path / "site"), str(files.ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    offline = {"PYTHONPATH": os.pathsep.join(places), "FOREIGN": str(tmp_path / "foreign.txt"), "SIZE": "16"}
    before, kind = (["unshare", "-rn"], "offline") if can_unshare() else ([], "chain")
    undisturbed = Process(kind, notebooks, 6, tmp_path / "a", env=offline, before=before)
    killed = Process("chain", notebooks, 6, tmp_path / "b", env={"SIZE": "16"})
    until((tmp_path / "b" / "artifacts" / "01_train" / "checkpoint.npz").exists)
    assert killed.end("parent")[0] == -signal.SIGKILL
    assert killed.left_after(2) == []  # the kernel that it started is gone too
    assert not (tmp_path / "b" / "report.html").exists()
    resumed = Process("chain", notebooks, 6, tmp_path / "b", env={"SIZE": "16"})
    assert resumed.wait() == undisturbed.wait() == (0, "")
    assert not (tmp_path / "foreign.txt").exists()
    expected = results(tmp_path / "a")
    assert {
        "artifacts/01_train/weights.npz",
        "artifacts/02_read/norms.json",
        "cache/norms.a key.npz",
        "report.html",
    } <= expected.keys()
    assert results(tmp_path / "b") == expected


@linux
def test_a_kernel_whose_parent_dies_while_it_starts_does_not_stay(tmp_path):
    """Also where orphans are adopted by another process than init, as a desktop session's manager does."""
    notebooks = write_notebooks(tmp_path / "nb", _01_wait="import time\ntime.sleep(100)")
    adopt = "import ctypes, subprocess, sys; ctypes.CDLL(None).prctl(36, 1)\nsubprocess.run(sys.argv[1:])\n"
    adopt += "import time; time.sleep(100)"  # the adopter lives on
    process = Process("chain", notebooks, 1, tmp_path / "run", before=[sys.executable, "-c", adopt])
    until(lambda: len(process.alive()) == 3)
    adopter, parent, _ = sorted(process.alive())
    assert adopter == process.popen.pid
    os.kill(parent, signal.SIGKILL)
    until(lambda: set(process.alive()) == {adopter}, 5)
    assert process.end("all")[0] == -signal.SIGKILL


# The chain, with exec in a kernel's place


SOURCES = {
    "_01_one": 'from helpers.store import Run\nRun("01_one", DATASET, RUN_DIR).save_json("one", [SEED, 0.25])',
    "_02_two": "import numpy as np\nfrom helpers.store import Run\n"
    'run = Run("02_two", DATASET, RUN_DIR)\nrun.save_arrays("two", two=np.array(run.load_json("01_one", "one")))',
    "_03_three": "from helpers.store import Run; from helpers.store import cache as kept\n"
    'run = Run("03_three", DATASET, RUN_DIR)\ntwo = run.load_arrays("02_two", "two")\n'
    'three = kept.kept(run.cache("three"), "key", lambda: {"three": 2 * two["two"]})\n'
    'run.save_json("three", three["three"].tolist())',
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs a chain of three small notebooks, without kernels, in a folder that it returns."""

    monkeypatch.setattr(chain, "execute_notebook", execute_here)
    write_notebooks(tmp_path / "nb", **SOURCES)
    monkeypatch.setattr(execution, "NOTEBOOKS", tmp_path / "nb")
    return lambda name: report.run(run_dir=tmp_path / name)


class Killed(BaseException):
    """What no handler for errors catches, as a kill."""


def full():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("error", [full, Killed])
@pytest.mark.parametrize(("owner", "moment"), [(os, "fsync"), (Path, "replace")])
def test_a_failure_at_any_write_is_made_good_by_the_next_run(run, tmp_path, monkeypatch, error, owner, moment):
    """The first run fails at its first write, the next one at its second, ..., until one gets through."""
    expected = results(run("undisturbed"))
    write, left, named = getattr(owner, moment), 0, []

    def fail(*arguments):
        nonlocal left
        left -= 1
        if left == 0:
            raise error()
        return write(*arguments)

    monkeypatch.setattr(owner, moment, fail)
    for number in range(1, 100):
        left = number
        try:
            run("failing")
            break
        except (OSError, Killed) as raised:
            named.append(getattr(raised, "filename", ""))
        assert not list(tmp_path.rglob("*.part"))
    assert 4 < number < 99
    assert error is Killed or all(name.startswith(str(tmp_path / "failing")) for name in named)
    assert results(tmp_path / "failing") == expected


def test_a_full_disk_is_told_in_a_sentence(run, tmp_path, monkeypatch, capsys):
    def refuse(*arguments, **options):
        raise full()

    monkeypatch.setattr(os, "fsync", refuse)
    assert report.main(["run", "--run-dir", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"No space left on device: {tmp_path / 'run' / 'chain.json'}\n"
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


@posix
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """As nobody, where the tests run as root, who may write everywhere."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "run")
        folder.mkdir()
        folder.chmod(0o555)
        Path(temporary).chmod(0o755)
        become = "import os, sys; os.geteuid() or os.setuid(65534)\n"
        code = "from helpers.report import command\nsys.exit(command.main(['run', '--run-dir', sys.argv[1]]))"
        env = {**os.environ, "PYTHONPATH": str(files.ROOT), "HOME": temporary}
        imported = "from helpers import data\nfrom helpers.report import command\n"
        assert python(imported + become + code, folder, env=env) == (2, f"Permission denied: {folder / '.lock'}\n")
        save = "Run('01', 'scenes', sys.argv[1]).save_json('one', 1)"
        status, error = python("from helpers.store import Run\n" + become + save, folder, env=env)
        assert status == 1
        assert f"Permission denied: '{folder / 'artifacts'}'" in error
        assert list(folder.iterdir()) == []


@posix
def test_a_second_run_is_refused_until_the_first_ends_even_by_a_kill(run, tmp_path, capsys):
    code = "import sys, time; from pathlib import Path; from helpers.report import chain\n"
    code += "with chain._alone(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(100)"
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        assert report.main(["run", "--run-dir", str(tmp_path / "run")]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"Another run is at work in {tmp_path / 'run'}: wait until it ends, or give this one")
        assert error.count("\n") == 1
        first.kill()
    assert results(run("run")) == results(run("undisturbed"))


# Damage


def flipped(raw, place, bit):
    damaged = bytearray(raw)
    damaged[place] ^= 1 << bit
    return bytes(damaged)


def flips(raw, rng, count):
    """Damaged copies: one bit each, at random places, and as often in the last tenth, which lists a zip's contents."""
    places = [rng.randrange(len(raw)) for _ in range(count)]
    places += [len(raw) - 1 - rng.randrange(len(raw) // 10) for _ in range(count)]
    return [flipped(raw, place, rng.randrange(8)) for place in places]


def attempt(load):
    """Return what load() returns and "", or None and what its ValueError says."""
    try:
        return load(), ""
    except ValueError as error:
        return None, str(error)


VALUE = {"accuracy": [0.9667, 1e-07, 12345678], "name": "Bäume", "none": None, "yes": True}


def test_a_flipped_bit_of_a_json_artifact_is_refused_by_name_or_changes_nothing(tmp_path):
    """Anywhere in the file: JSON alone lets a changed digit through, and a changed letter of a name."""
    path = Run("03", "scenes", tmp_path).save_json("scores", VALUE)
    raw, refused, rng = path.read_bytes(), 0, random.Random(0)
    for place in range(len(raw)):
        path.write_bytes(flipped(raw, place, rng.randrange(8)))
        value, told = attempt(lambda: Run("03", "scenes", tmp_path).load_json("03", "scores"))
        assert value == VALUE or told.startswith(f"{path} is damaged (")
        assert not told or told.endswith("delete it and run notebook 03 again.")
        refused += value is None
    assert refused > len(raw) // 2  # one white space may have become another


def test_a_flipped_bit_of_an_array_artifact_is_refused_by_name_or_changes_nothing(tmp_path):
    """Data, headers, and the zip's list of contents, which names the arrays."""
    arrays = {"weights": np.arange(6.0).reshape(2, 3), "names": np.array(["a", "bé"]), "one": np.array(1)}
    path = Run("05", "scenes", tmp_path).save_arrays("maps", **arrays)
    raw, refused = path.read_bytes(), 0
    for damaged in flips(raw, random.Random(0), 250):
        path.write_bytes(damaged)
        loaded, told = attempt(lambda: Run("05", "scenes", tmp_path).load_arrays("05", "maps"))
        if loaded is None:
            refused += 1
            assert told.startswith(f"{path} is damaged (")
            assert told.endswith("delete it and run notebook 05 again.")
        else:
            assert list(loaded) == list(arrays)
            assert all(np.array_equal(loaded[name], array) for name, array in arrays.items())
    assert refused > 250


@pytest.mark.parametrize("entry", [0, 1])
def test_an_array_that_a_zips_list_no_longer_shows_is_missed(tmp_path, entry):
    """Another length of an entry's comment makes that swallow the entries behind it, and zipfile does not mind."""
    path = Run("05", "scenes", tmp_path).save_arrays("maps", a=np.zeros(1), b=np.zeros(1), c=np.zeros(1))
    raw = path.read_bytes()
    entries = [place for place in range(len(raw)) if raw.startswith(b"PK\1\2", place)]
    assert len(entries) == 3
    damaged = bytearray(raw)
    behind = raw.rindex(b"PK\5\6") - entries[entry + 1]
    damaged[entries[entry] + 32 : entries[entry] + 34] = behind.to_bytes(2, "little")
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"maps.npz is damaged \(its list of contents is not complete\)"):
        Run("05", "scenes", tmp_path).load_arrays("05", "maps")


def test_a_flipped_bit_of_a_cache_is_named_and_made_good(tmp_path):
    path, array, made = tmp_path / "cache.key.npz", np.arange(50.0), []

    def make():
        made.append(1)
        return {"features": array}

    kept(tmp_path / "cache.npz", "key", make)
    raw = path.read_bytes()
    for damaged in flips(raw, random.Random(0), 100):
        path.write_bytes(damaged)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            before = len(made)
            assert np.array_equal(kept(tmp_path / "cache.npz", "key", make)["features"], array)
        assert len(caught) == len(made) - before
        assert all(f"{path} is damaged (" in str(warning.message) for warning in caught)
        assert path.read_bytes() == (raw if caught else damaged)
    assert len(made) > 100


def test_a_flipped_bit_of_the_chains_record_or_artifacts_is_made_good(run, tmp_path, capsys):
    expected, folder, rng = results(run("run")), tmp_path / "run", random.Random(0)
    for path in [folder / "chain.json", *sorted(folder.glob("artifacts/*/*")), *sorted(folder.glob("cache/*"))] * 4:
        path.write_bytes(flipped(path.read_bytes(), rng.randrange(path.stat().st_size), rng.randrange(8)))
        with warnings.catch_warnings(record=True):
            run("run")
        assert {name: raw for name, raw in results(folder).items() if not name.startswith("cache")} == {
            name: raw for name, raw in expected.items() if not name.startswith("cache")
        }
    assert "chain.json is damaged" in capsys.readouterr().out
