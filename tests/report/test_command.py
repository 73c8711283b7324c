"""The chain: order, what runs again and what does not, failures, the lock, the committed notebooks' clean-up."""

import os
import re
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from checking import execute_here
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.report import chain, document, execution, numbering, rendering
from helpers.report import command as report
from helpers.store import Run
from helpers.store import run as store_run

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
PARAMETERS = 'DATASET = "scenes"\nSEED = 0\nRUN_DIR = ""'


def write(folder, name, *sources, parameters=PARAMETERS):
    cells = [new_markdown_cell(f"# {name}"), new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    notebook = new_notebook(metadata=KERNEL, cells=cells + [new_code_cell(source) for source in sources])
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


SAVE = 'from helpers.store import Run\nRun("01_one", DATASET, RUN_DIR).save_json("one", {"seed": SEED})'
LOAD = 'from helpers.store import Run\nrun = Run("02_two", DATASET, RUN_DIR)\n'
LOAD += 'two = run.load_json("01_one", "one")["seed"] + 1'


@pytest.fixture
def notebooks(tmp_path):
    return [
        write(tmp_path / "nb", "01_one", SAVE),
        write(tmp_path / "nb", "02_two", LOAD, 'run.save_json("two", two)'),
        write(tmp_path / "nb", "03_three", "print(SEED)"),
    ]


@pytest.fixture
def executed(monkeypatch):
    """Replace kernels by exec, and list the notebooks in the order in which they are executed."""
    names = []

    def execute(notebook, copy, parameters):
        names.append(notebook.stem)
        execute_here(notebook, copy, parameters)

    monkeypatch.setattr(chain, "execute_notebook", execute)
    return names


def test_runs_in_order_and_skips_what_is_unchanged(notebooks, executed, tmp_path, capsys):
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert executed == ["01_one", "02_two", "03_three"]
    assert Run("03", "scenes", folder).load_json("02_two", "two") == 1
    assert sorted(path.name for path in (folder / "notebooks").iterdir()) == [path.name for path in notebooks]
    capsys.readouterr()
    report.run(notebooks=notebooks, run_dir=folder)
    assert len(executed) == 3
    assert capsys.readouterr().out.split() == ["01_one", "unchanged", "02_two", "unchanged", "03_three", "unchanged"]


def test_a_changed_line_runs_its_notebook_and_those_after_it(notebooks, executed, tmp_path):
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    del executed[:]
    write(tmp_path / "nb", "02_two", LOAD + " + 1", 'run.save_json("two", two)')
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert executed == ["02_two", "03_three"]


def test_parameters_helpers_packages_and_data_are_inputs(notebooks, executed, tmp_path, monkeypatch):
    def runs(**changed):
        del executed[:]
        report.run(notebooks=notebooks, run_dir=tmp_path / "run", **changed)
        return len(executed)

    assert [runs(), runs(), runs(seed=3), runs(seed=3)] == [3, 0, 3, 0]
    monkeypatch.setattr(chain, "versions", lambda *packages: "9")
    assert runs() == 3
    monkeypatch.setattr(chain, "hashes", lambda files: {"changed": "9"})
    assert runs() == 3
    monkeypatch.setattr(report, "_inputs", lambda *_: "other pictures")
    assert [runs(), runs()] == [3, 0]


def test_only_the_helpers_that_a_notebook_reaches_are_inputs():
    def names(source):
        return set(chain.hashes(chain.dependencies([source])))

    reached = names("def f():\n    from helpers.network import report_cnn")
    assert {"helpers/network.py", "helpers/layers.py", "helpers/convolution.py", "helpers/engine/threads.py"} <= reached
    assert not any(name.endswith(("vgg19.py", "report.py", "figures.py")) for name in reached)
    assert "helpers/data/scenes/drawing.py" in names("from helpers.data import datasets as data")
    assert names("import numpy") == names("") < reached
    assert "helpers/report/command.py" in names("%time x")


def test_a_new_text_before_it_does_not_train_a_network_again(notebooks, executed, tmp_path):
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    del executed[:]
    write(tmp_path / "nb", "01_one", SAVE + "  # said better")
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert executed == ["01_one"]


def test_outputs_in_the_committed_notebook_do_not_count(notebooks, executed, tmp_path):
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    notebook = nbformat.read(notebooks[0], as_version=4)
    notebook.cells[2].outputs = [new_output("stream", name="stdout", text="hello")]
    nbformat.write(notebook, notebooks[0])
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert len(executed) == 3


@pytest.mark.parametrize("lost", ["artifacts/01_one/one.json", "notebooks/01_one.ipynb"])
@pytest.mark.parametrize("how", ["deleted", "damaged"])
def test_what_was_lost_is_made_again_and_nothing_else(notebooks, executed, tmp_path, lost, how):
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    before = (folder / lost).read_bytes()
    if how == "deleted":
        (folder / lost).unlink()
    else:
        (folder / lost).write_bytes(before[:-5] + b"xxxx\n")
    del executed[:]
    report.run(notebooks=notebooks, run_dir=folder)
    assert executed == ["01_one"]
    assert (folder / lost).read_bytes() == before


def test_another_artifact_runs_those_that_read_it(notebooks, executed, tmp_path):
    write(tmp_path / "nb", "01_one", "import time\n" + SAVE.replace('{"seed": SEED}', '{"seed": time.time_ns()}'))
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    (folder / "artifacts" / "01_one" / "one.json").unlink()
    report.run(notebooks=notebooks, run_dir=folder)
    assert executed == ["01_one", "02_two", "03_three"] * 2


def test_goes_on_after_a_failure(notebooks, executed, tmp_path):
    write(tmp_path / "nb", "02_two", "raise OSError")
    with pytest.raises(OSError, match=r"^$"):
        report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    write(tmp_path / "nb", "02_two", LOAD)
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert executed == ["01_one", "02_two", "02_two", "03_three"]


@pytest.mark.parametrize("change", [False, True])
def test_only_the_same_notebook_finds_what_its_interrupted_run_left(notebooks, executed, tmp_path, change):
    leave = 'import os, pathlib\nleft = pathlib.Path(RUN_DIR, "artifacts", "02_two", "checkpoint.npz")\n'
    leave += "left.parent.mkdir(parents=True, exist_ok=True)\n"
    stop = leave + 'left.touch()\nif "GO" not in os.environ: raise OSError'
    write(tmp_path / "nb", "02_two", stop)
    with pytest.raises(OSError, match=r"^$"):
        report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    write(tmp_path / "nb", "02_two", stop if not change else leave + "assert not left.exists()\nleft.touch()")
    os.environ["GO"] = "1"
    try:
        folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    finally:
        del os.environ["GO"]
    assert (folder / "artifacts" / "02_two" / "checkpoint.npz").is_file()
    assert "artifacts/02_two/checkpoint.npz" in chain.read_record(folder)["notebooks"]["02_two"]["files"]


def test_what_ran_again_before_a_failed_notebook_stays(notebooks, executed, tmp_path):
    second = notebooks[1].read_text()
    write(tmp_path / "nb", "02_two", LOAD, "two / 0")
    with pytest.raises(ZeroDivisionError):
        report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    write(tmp_path / "nb", "01_one", SAVE, "again = 1")
    notebooks[1].write_text(second)
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert executed == ["01_one", "02_two", "01_one", "02_two", "03_three"]
    assert Run("03", "scenes", folder).load_json("02_two", "two") == 1


def test_the_share_of_training_is_told(notebooks, executed, tmp_path, capsys):
    train = "import time\ntime.sleep(0.1)\nfrom helpers.store import Run\n"
    train += 'Run("02_two", DATASET, RUN_DIR).save_json("results", '
    write(tmp_path / "nb", "02_two", train + '{"seconds": 0.06})')
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert re.search(r"02_two    \d+\.\d s, of it 0\.1 s of training \(\d+%\)\n", capsys.readouterr().out)


def test_half_files_and_copies_of_other_notebooks_are_swept(notebooks, executed, tmp_path):
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    half = folder / "artifacts" / "01_one" / ".one.json.abc.part"
    half.write_text("{")
    report.run(notebooks=notebooks[:2], run_dir=folder)
    assert not half.exists()
    assert not (folder / "notebooks" / "03_three.ipynb").exists()


def test_only_a_runs_own_files_are_swept(notebooks, executed, tmp_path):
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    mine = [folder / ".draft.part", folder / "notebooks" / "mine.ipynb", folder / "letters" / ".a.part"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    for name in (".x.part", "cache/.x.part"):
        (folder / name).mkdir(parents=True)
    half = [folder / ".chain.json.1-a.part", folder / "cache" / ".a.npz.1-a.part"]
    for path in half:
        path.touch()
    report.run(notebooks=notebooks, run_dir=folder)
    assert [path.read_text() for path in mine] == ["mine"] * 3
    assert not any(path.exists() for path in half)


def test_what_a_file_browser_leaves_behind_is_no_result(notebooks, executed, tmp_path):
    write(tmp_path / "nb", "01_one", SAVE, 'run = Run("01_one", DATASET, RUN_DIR)\nrun.path(".DS_Store").touch()')
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    (folder / "artifacts" / "01_one" / ".DS_Store").write_text("another view")
    report.run(notebooks=notebooks, run_dir=folder)
    assert len(executed) == 3


@pytest.mark.parametrize("there", ["notebooks/my_lecture.ipynb", "report.pdf"])
def test_a_folder_of_other_work_is_refused_and_stays_as_it_is(notebooks, executed, tmp_path, there):
    folder = tmp_path / "course"
    mine = [folder / there, folder / ".draft.part"]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    before = sorted(folder.rglob("*"))
    with pytest.raises(
        chain.ChainError, match=rf"course is not the folder of a run, since it holds {mine[0].name} and"
    ):
        report.run(notebooks=notebooks, run_dir=folder)
    assert sorted(folder.rglob("*")) == before
    assert [path.read_text() for path in mine] == ["mine"] * 2
    assert executed == []


def test_another_copy_of_the_project_is_no_runs_folder(notebooks, executed, tmp_path):
    (tmp_path / "clone" / "helpers" / "report").mkdir(parents=True)
    write(tmp_path / "clone" / "notebooks", "02_two", "old = 1")
    with pytest.raises(chain.ChainError, match="holds the project's own files"):
        report.run(notebooks=notebooks, run_dir=tmp_path / "clone")
    assert executed == []


def test_copies_that_jupyter_leaves_in_a_run_are_no_chapters(notebooks, executed, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(rendering, "write", lambda notebooks, *_: given.extend(path.stem for path in notebooks))
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    write(folder / "notebooks", "02_two-Copy1", "mine = 1")
    by_hand = report.committed()[-1].stem  # by papermill, after the chain: it stands in no record
    write(folder / "notebooks", by_hand, "x = 1")
    report.render(report.run(notebooks=notebooks, run_dir=folder))
    assert given == sorted([*(path.stem for path in notebooks), by_hand])
    assert (folder / "notebooks" / "02_two-Copy1.ipynb").exists()


def test_a_folder_where_notebooks_were_run_by_hand_is_a_runs(notebooks, executed, tmp_path):
    (tmp_path / "run").mkdir()
    write(tmp_path / "run" / "notebooks", "02_two", "old = 1")
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert len(executed) == 3


@pytest.mark.parametrize("command", ["run", "notebooks"])
@pytest.mark.parametrize("where", [".", "..", "~", "reports"])
def test_the_project_itself_is_no_runs_folder(tmp_path, monkeypatch, executed, capsys, command, where):
    root = tmp_path / "project"
    root.mkdir()
    path = write(root / "nb", "01_one", SAVE)
    numbering.number([path])
    before = path.read_bytes()
    monkeypatch.setattr(execution, "NOTEBOOKS", path.parent)
    monkeypatch.setattr(chain, "ROOT", root)
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.chdir(root)
    assert report.main([command, "--run-dir", where]) == 2
    assert "holds the project's own files: name another with --run-dir." in capsys.readouterr().err
    assert path.read_bytes() == before
    assert [*root.iterdir()] == [path.parent]


@pytest.mark.parametrize(
    "damage", ['{"notebooks": {', "", "[]", "null", '{"notebooks": 3}', '{"notebooks": {"01_one": {"kez": 1}}}']
)
def test_a_damaged_record_is_named_and_everything_runs_again(notebooks, executed, tmp_path, capsys, damage):
    folder = report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    (folder / "chain.json").write_text(damage)
    report.run(notebooks=notebooks, run_dir=folder)
    assert len(executed) == 6
    assert "chain.json is damaged" in capsys.readouterr().out


def test_a_second_run_beside_the_first_is_refused(notebooks, executed, tmp_path):
    with chain._alone(tmp_path / "run"), pytest.raises(chain.ChainError, match=r"Another run is at work in .*run"):
        report.run(notebooks=notebooks, run_dir=tmp_path / "run")
    assert executed == []
    report.run(notebooks=notebooks, run_dir=tmp_path / "run")


def test_a_folder_is_passed_as_an_absolute_path(tmp_path, monkeypatch, executed):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    monkeypatch.setattr(report, "_inputs", lambda *_: "")
    path = write(tmp_path / "nb", "01_one", "import os\nassert os.path.isabs(DATASET) and os.path.isabs(RUN_DIR)")
    report.run("mine", notebooks=[path], run_dir="run")
    assert executed == ["01_one"]


def test_two_folders_of_one_name_do_not_share_a_run(notebooks, executed, tmp_path, monkeypatch):
    monkeypatch.setattr(store_run, "ROOT", tmp_path)
    monkeypatch.setattr(report, "_inputs", lambda *_: "")
    first, second = (tmp_path / group / "pictures" for group in "ab")
    for _ in range(2):
        assert report.run(first, notebooks=notebooks) == tmp_path / "reports" / "pictures"
    assert len(executed) == 3  # the second time everything was unchanged
    with pytest.raises(
        ValueError, match=rf"another data set, {re.escape(str(first))}: name another folder with --run-"
    ):
        report.run(second, notebooks=notebooks)
    report.run(second, notebooks=notebooks, run_dir=tmp_path / "run")
    assert len(executed) == 6


def test_the_command_line_tells_errors_in_a_sentence(capsys, monkeypatch):
    assert report.main(["run", "--seed", "-1"]) == 2
    assert capsys.readouterr().err == "SEED is -1: it must be an integer from 0.\n"

    def full(*_, **__):
        raise OSError(28, "No space left on device", "/run/chain.json")

    monkeypatch.setattr(report, "run", full)
    assert report.main([]) == 2
    assert capsys.readouterr().err == "No space left on device: /run/chain.json\n"


def test_the_committed_notebooks_are_rendered_as_they_are(tmp_path, monkeypatch, capsys):
    path = write(tmp_path / "nb", "01_one", "1 / 0")  # it would fail
    before = path.read_bytes()
    monkeypatch.setattr(execution, "NOTEBOOKS", tmp_path / "nb")
    monkeypatch.setattr(report, "REPORTS", tmp_path / "reports")
    assert report.main(["render"]) == 0
    page = (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")
    assert f'<meta name="notebooks" content="{document.fingerprint([path])}">' in page
    assert "<dd>scenes</dd>" in page
    assert path.read_bytes() == before


def test_the_title_page_names_the_epochs_that_the_notebooks_were_made_with(monkeypatch):
    """Committed ones have their defaults; the environment's are the next run's."""
    given = []
    monkeypatch.setattr(rendering, "write", lambda notebooks, facts, where: given.append(facts["EPOCHS"]))
    monkeypatch.setenv("EPOCHS", "3")
    report.render()
    assert given == [store_run.EPOCHS]


def test_the_committed_report_is_that_of_the_committed_notebooks():
    """Where this fails, the notebooks have changed: `python -m helpers.report render` renders them again."""
    made_from, most = document.fingerprint(report.committed()), 6_000_000
    page, pdf = ((report.REPORTS / name).read_bytes() for name in ("report.html", "report.pdf"))
    assert f'<meta name="notebooks" content="{made_from}">'.encode() in page
    assert f"notebooks {made_from}".encode() in pdf
    assert len(page) <= most
    assert len(pdf) <= most
    assert b'class="abstract"' in page


# With kernels: each takes a second or two ---------------------------------------------------------------------------


def test_a_failed_notebook_leaves_its_traceback(tmp_path):
    where = tmp_path / "a {folder} of it's own"  # braces are templates to papermill
    first = write(where, "01_one", "import sys\nprint(sys.executable)", "x = 1\nx / 0")
    with pytest.raises(chain.ChainError) as caught:
        report.run(notebooks=[first], run_dir=where / "run", seed=5)
    copy = where / "run" / "notebooks" / "01_one.ipynb"
    assert "01_one.ipynb failed in cell [4]: ZeroDivisionError: division by zero" in str(caught.value)
    assert str(copy) in str(caught.value)
    notebook = nbformat.read(copy, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs[0].text.strip() == sys.executable
    assert outputs[-1].ename == "ZeroDivisionError"
    assert "SEED = 5" in "".join(cell.source for cell in notebook.cells)
    assert not list((where / "run").rglob("*.part"))


def test_committed_notebooks_are_refreshed_in_place(tmp_path, monkeypatch, capsys):
    noisy = 'import sys\nfrom tqdm.auto import tqdm\nprint("a", end="")\nfor _ in tqdm(range(2)):\n    print("b")\n'
    first = write(tmp_path, "01_one", SAVE, noisy + 'print("no" + "ise", file=sys.stderr)\nSEED')
    second = write(tmp_path, "02_two", LOAD)
    numbering.number([first, second])  # which every refresh does to all
    before = second.read_bytes()
    notebook = nbformat.read(first, as_version=4)
    folded = {"jupyter": {"source_hidden": True}, "tags": ["solution"]}
    notebook.cells[3].metadata.update(folded, execution={"iopub.status.busy": "now"}, scrolled=True)
    nbformat.write(notebook, first)
    monkeypatch.setattr(execution, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(report, "REPORTS", tmp_path / "reports")
    assert report.main(["notebooks", "--only", "01"]) == 0
    text = first.read_text()
    notebook = nbformat.reads(text, as_version=4)
    assert [cell.get("execution_count") for cell in notebook.cells] == [None, 1, 2, 3]
    assert [cell["id"] for cell in notebook.cells] == ["cell-0", "cell-1", "cell-2", "cell-3"]
    assert [output.get("text") or output.data["text/plain"] for output in notebook.cells[3].outputs] == ["ab\nb\n", "0"]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert [cell.metadata for cell in notebook.cells] == [{}, {"tags": ["parameters"]}, {}, folded]
    assert not any(word in text for word in ("papermill", "noise", "widget", "injected", "iopub", str(tmp_path)))
    assert second.read_bytes() == before
    nbformat.validate(notebook)
    made_from = document.fingerprint([first, second])
    assert made_from in (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["report.html", "report.pdf"]
    assert str(tmp_path / "reports" / "report.pdf") in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_is_clean_and_the_next_run_goes_on(tmp_path):
    flag = tmp_path / "flag"
    wait = f"import os, time\nos.symlink(str(os.getpid()), {str(flag)!r})\nwhile True: time.sleep(0.1)"
    path = write(tmp_path / "nb", "01_one", wait)
    code = "import pathlib, sys; from helpers.report import execution, command as report\n"
    code += "execution.NOTEBOOKS = pathlib.Path(sys.argv[1])\n"
    code += 'sys.exit(report.main(["run", "--run-dir", sys.argv[2]]))'
    command = [sys.executable, "-c", code, str(path.parent), str(tmp_path / "run")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not flag.is_symlink() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert error.strip() == "Stopped. The same command goes on from the notebook that was running."
    with pytest.raises(ProcessLookupError):
        os.kill(int(flag.readlink().name), 0)  # the kernel is gone
    record = chain.read_record(tmp_path / "run")
    assert set(record["notebooks"]["01_one"]) == {"key"}
