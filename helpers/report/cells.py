"""What readers get of an executed notebook: outputs without noise, folded solutions, `#|` options of a cell."""

import ast
import re

from helpers.figures.text import FOLD

WIDGET = "application/vnd.jupyter.widget-view+json"  # a progress bar's
_FOR_TOOLS = re.compile(r"[ \t]*# (?:fmt: skip|noqa\b.*|type: ignore.*)$", re.MULTILINE)
_TEXTS = ("Markdown", "solution", "source")
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def unfolded(text: str) -> str:
    """Return a solution without its fold, which the report makes in its own way; any other text as it is."""
    return text.removeprefix(FOLD[0]).removesuffix(FOLD[1]) if text.startswith(FOLD[0]) else text


def plain_text(text: str) -> str:
    """Return what a terminal would show in the end: no colours, no overwritten lines, no erased characters."""
    text = _ESCAPE.sub("", text).replace("\r\n", "\n")
    while (shorter := re.sub("[^\b\n]\b", "", text)) != text:
        text = shorter
    text = text.replace("\b", "")
    return "\n".join(line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))


def merged_outputs(outputs: list) -> list:
    """Return a cell's outputs (NotebookNode) without stderr and progress bars, pieces of stdout joined to one."""
    kept: list = []
    for output in outputs:
        if output.get("name") == "stderr" or WIDGET in output.get("data", {}):
            continue
        if output.output_type == "stream" and kept and kept[-1].output_type == "stream":
            kept[-1].text += output.text
        else:
            kept.append(type(output)(output))  # a copy: its text may grow
    for output in kept:
        if output.output_type == "stream":
            output.text = plain_text(output.text)
    return [output for output in kept if output.output_type != "stream" or output.text]


def options(source: str) -> tuple[dict[str, str], str]:
    """Split a code cell into its `#| name: value` options (YAML) and the code below them; ValueError if malformed."""
    import yaml  # not at the top: it takes a while, and most who import this module do not need it

    lines = source.splitlines()
    head = [line for line in lines if line.startswith("#|")]
    if lines[: len(head)] != head:
        raise ValueError("its #| lines do not all stand at the head")
    try:
        values = yaml.safe_load("\n".join(line[2:].removeprefix(" ") for line in head)) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"its #| lines are not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ValueError("its #| lines are not all of the form #| name: text")
    return values, "\n".join(lines[len(head) :]).strip("\n")


def for_readers(source: str) -> str:
    """Return code without the comments that only tools read, and with one empty line where there are more."""
    return re.sub(r"\n{3,}", "\n\n", _FOR_TOOLS.sub("", source))


def without_its_text(source: str) -> str:
    """Return code without a last expression that is but text, such as `Markdown(...)`: what it says stands below."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a magic of Jupyter's
        return source
    last = body[-1] if body else None
    if not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Call) and ast.unparse(last.value.func) in _TEXTS):
        return source
    return "\n".join(source.splitlines()[: last.lineno - 1]).rstrip()
