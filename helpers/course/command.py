"""What `python -m helpers.course` does: check, and for teachers answers, student and mark."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers.course import checking, exercises
from helpers.store import files
from helpers.store.console import print_anything


def check(number: str | None) -> int:
    """Print which exercises are right, not begun or wrong, or all that can be told of one; return 1 unless all are."""
    if number:
        checking.check(number)
        return 0
    left = 0
    for exercise in exercises.EXERCISES.values():
        reason = checking.reason(exercise)
        left += bool(reason)
        print(f"{exercise.number:>5}  {', '.join(exercise.names):<42}{_briefly(reason)}")
    print(f"{len(exercises.EXERCISES) - left} of {len(exercises.EXERCISES)} exercises are right.")
    return int(left > 0)


def _briefly(reason: str) -> str:
    if not reason:
        return "right"
    parts = {line[:10].strip(): line[10:] for line in reason.splitlines()[1:]}
    if "not written yet" in reason or "why" not in parts:
        return "not written yet" if "not written yet" in reason else reason
    return parts["got"] if parts["got"].startswith("error: ") else parts["why"]


def answers() -> None:
    """Write answers.npz anew."""
    from helpers.course import mistakes

    mistakes.write_answers()
    print(checking.ANSWERS)


def student(out: str, chapters: str, run: str | None) -> None:
    """Write the student's edition, and say what is in it."""
    from helpers.course import student

    numbers = _of(chapters)
    usual = files.ROOT / "reports" / "scenes"
    found = Path(run) if run else usual if (usual / "artifacts" / "04_vgg19").is_dir() else None
    folder = student.make(Path(out), numbers, found)
    print(f"{folder}: {len(numbers)} exercises")
    told = f"With the results of chapters 3 and 4 of {found}." if found else "Without results of chapters 3 and 4"
    print(told if found else f"{told}, so students run those first: RUN=folder adds those of a run.")


def mark(submissions: str, chapters: str) -> None:
    """Mark every folder in a folder."""
    if not hasattr(os, "fork"):
        raise ValueError("Each exercise runs in a copy of a process, which this system cannot make: use Linux.")
    from helpers.course import marking

    print(*marking.mark(Path(submissions), numbers=_of(chapters)), sep="\n")


def _of(chapters: str) -> list[str]:
    """Return the exercises of chapters, of all where none is named; ValueError where there are none."""
    numbers = [number for number in exercises.EXERCISES if not chapters or number[0] in chapters]
    if not numbers or set(chapters) - set("123456"):
        raise ValueError(f"CHAPTERS={chapters}: name chapters by their digits, such as 35.")
    return numbers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m helpers.course", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("check", help="which exercises are right, and what is wrong with the others")
    command.add_argument("number", nargs="?", help="of one exercise, such as 3.4")
    if Path(__file__).with_name("student.py").exists():  # not in the edition itself
        commands.add_parser("answers", help="write anew what the checks compare with, after a change of the source")
        command = commands.add_parser("student", help="write the folder to hand out")
        command.add_argument("out", nargs="?", default="student", help="the folder (student)")
        command.add_argument("--chapters", default="", help="those whose exercises are set, such as 35 (all)")
        command.add_argument("--run", help="a run whose results are handed out (reports/scenes where it is there)")
        command = commands.add_parser("mark", help="mark every submission in a folder")
        command.add_argument("submissions", help="a folder that holds one of each student")
        command.add_argument("--chapters", default="", help="those that are marked, such as 35 (all)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0, 1 where something is not right, or 2 after an error."""
    print_anything()
    given = vars(_parser().parse_args(sys.argv[1:] if arguments is None else list(arguments)))
    does = {"check": check, "answers": answers, "student": student, "mark": mark}[given.pop("command")]
    try:
        return does(**given) or 0
    except checking.NotRight as reason:
        print(reason)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from there.", file=sys.stderr)
        return 130
    except (OSError, ValueError) as error:
        print(files.sentence(error), file=sys.stderr)
        return 2
