"""Makes one HTML page and one PDF of a run's notebooks: clean-up -> one pandoc document -> HTML, and Typst -> PDF."""

import json
import re
import shutil
import signal
import string
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import pypandoc
import typst
from matplotlib import get_data_path
from matplotlib.font_manager import get_font

from helpers.report import document
from helpers.store.files import ROOT, folder_name, whole_file

ASSETS = Path(__file__).parent / "assets"
FACTS = {"DATASET": "Data set", "WEIGHTS": "VGG19 weights", "SEED": "Seed", "EPOCHS": "Epochs"}  # on the title page


def write(notebooks: list[Path], parameters: dict, where: Path) -> tuple[Path, Path]:
    """Write report.html and report.pdf of executed notebooks into the folder `where`, and return the two paths.

    Both are the same bytes again from the same input. Raises ValueError, naming the notebook, for one that failed, a
    broken reference, a label used twice, a caption without its figure, TeX that does not convert, markup that the
    report cannot take, and anything Typst warns of.
    """
    facts = [(label, folder_name(Path(str(parameters[name])))) for name, label in FACTS.items() if name in parameters]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source = json.dumps(document.document(notebooks, facts, folder))
        shutil.copytree(ASSETS, folder, dirs_exist_ok=True)
        folder.chmod(0o700)  # as where the project may not be written to, the folder's mode is copied too
        shutil.copy(ROOT / "CITATION.cff", folder)
        made = {"html": _pandoc(source, "html", folder).encode()}
        made["pdf"] = _pdf(_pandoc(source, "typst", folder), folder)
    for suffix, content in made.items():
        with whole_file(where / f"report.{suffix}") as part:
            part.write_bytes(content)
    return where / "report.html", where / "report.pdf"


def _pandoc(source: str, target: str, folder: Path) -> str:
    """Convert the document by the defaults in assets/; what pandoc or the filter complain of is an error."""
    command = [pypandoc.get_pandoc_path(), f"--defaults={target}.yaml"]
    done = subprocess.run(command, input=source, capture_output=True, encoding="utf-8", cwd=folder)
    if done.returncode in (-signal.SIGINT, 128 + signal.SIGINT):
        raise KeyboardInterrupt  # Ctrl-C goes to pandoc too, and may reach it first
    lines = done.stderr.strip().splitlines()
    problems = [line.removeprefix("PROBLEM ") for line in lines if not line.startswith("NOTE ")]
    if done.returncode or problems:
        problems = problems or [f"pandoc ended with {done.returncode} and said nothing."]
        raise ValueError("\n".join(["The report cannot be rendered:", *problems]))
    for line in lines:
        print(line.removeprefix("NOTE "), file=sys.stderr)
    return done.stdout


def _pdf(source: str, folder: Path) -> bytes:
    """Set the PDF in the fonts that Typst brings with it; in those of the system too where a name has other signs."""
    (folder / "report.typ").write_text(source, encoding="utf-8")
    found, note = "".join(sorted(foreign(source))), ""
    if found:
        words = re.findall(rf"[^\s\[\]\"#<>]*[{re.escape(found)}][^\s\[\]\"#<>]*", source)
        words = [*dict.fromkeys(word.replace("\\", "").strip(string.punctuation) for word in words)]
        named = ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
        note = f"Some signs of {named} need a font of this system, or the PDF shows boxes; the page has them."
        print(note, file=sys.stderr)
    options = {"root": folder, "ignore_system_fonts": not found, "sys_inputs": {"note": note}}
    try:
        pdf, warnings = typst.compile_with_warnings(folder / "report.typ", **options)
    except typst.TypstError as error:
        raise ValueError(_typst_sentence(error, source)) from error
    for warning in warnings:
        print(_typst_sentence(warning, source), file=sys.stderr)
    return pdf


def foreign(text: str) -> set[str]:
    """Return the letters, digits and signs of a text that none of Typst's own fonts has."""
    own = get_font(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf").get_charmap()  # the largest of them
    return {sign for sign in set(text) if ord(sign) not in own and unicodedata.category(sign)[0] in "LMNPS"}


def _typst_sentence(error: Exception, source: str) -> str:
    """Return what Typst says, with the notebook that stands before the place in its source."""
    place = re.search(r"report\.typ:(\d+)", error.diagnostic)
    before = source.splitlines()[: int(place[1])] if place else []
    names = [line.removeprefix("// notebook: ") for line in before if line.startswith("// notebook: ")]
    return f"Typst cannot set {names[-1] if names else 'the report'}: {error.message}\n{error.diagnostic}"
