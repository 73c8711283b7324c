"""Texts that notebooks show: code of `helpers` as it is, without its docstrings."""

import ast
import base64
import importlib
import inspect
import io
import json

import numpy as np
import pytest
from PIL import Image

from helpers import convolution, layers, training
from helpers.figures.text import LIVE, Live, source


def shown(*objects):
    code, _, below = source(*objects).data.removeprefix("```python\n").partition("\n```\n\n")
    return code, below


def test_a_function_is_shown_as_it_is_without_its_docstring():
    code, below = shown(convolution.output_size)
    own = inspect.getsource(convolution.output_size).splitlines()
    assert code.splitlines()[0] == own[0]
    assert code.splitlines()[-1] == own[-1]
    assert '"""' not in code
    assert ast.get_docstring(ast.parse(code).body[0]) is None
    assert below == "From [`helpers/convolution.py`](../helpers/convolution.py)"


def test_methods_stand_under_their_class_and_files_are_named_once():
    code, below = shown(layers.Dense.__init__, layers.Dense.forward, layers.ReLU, convolution.output_size)
    kinds = [type(node).__name__ for node in ast.parse(code).body]
    assert kinds == ["ClassDef", "ClassDef", "FunctionDef"]
    dense, relu, _ = ast.parse(code).body
    assert [node.name for node in dense.body] == ["__init__", "forward"]
    assert (dense.name, relu.name) == ("Dense", "ReLU")
    assert all(ast.get_docstring(node) is None for node in [dense, relu, *dense.body, *relu.body])
    assert "\n\n\n\n" not in code
    assert below == (
        "From [`helpers/layers.py`](../helpers/layers.py), [`helpers/convolution.py`](../helpers/convolution.py)"
    )


def test_comments_after_a_docstring_and_bare_docstrings_stay(tmp_path, monkeypatch):
    text = 'def f():\n    """Says."""\n\n    # why\n    return 1\n\n\ndef g():\n    """Only says."""\n'
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "made.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr("helpers.figures.text.ROOT", tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "helpers")
    made = importlib.import_module("made")

    assert shown(made.f)[0] == "def f():\n    # why\n    return 1"
    assert '"""Only says."""' in shown(made.g)[0]


def test_a_decorated_function_is_the_one_that_is_written_in_helpers():
    assert training.fit.__wrapped__
    shown = source(training.fit).data
    assert "\ndef fit(" in shown
    assert "helpers/training.py" in shown


@pytest.mark.parametrize("other", [ast.parse, len, 3])
def test_what_is_not_written_in_helpers_is_refused(other):
    with pytest.raises(ValueError, match="no function, class or method that is written in helpers"):
        source(other)


def test_a_figure_that_answers_brings_its_still_and_its_data_with_it(monkeypatch):
    class Shell:
        class display_formatter:
            @staticmethod
            def format(figure):
                return {"image/png": b"still", "text/plain": repr(figure)}, {}

    monkeypatch.setattr("helpers.figures.text.get_ipython", Shell)
    picture = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    numbers = {"a": np.array([[1 / 3, np.nan]], np.float32), 2: (np.int64(7), "x", None, True)}
    data, _ = Live("figure", "moving", pictures={"one": picture}, **{"numbers": numbers})._repr_mimebundle_()
    live = data.pop(LIVE)
    assert data == {"image/png": b"still", "text/plain": "'figure'"}
    assert live["kind"] == "moving"
    assert live["numbers"] == {"a": [[0.333333, None]], "2": [7, "x", None, True]}
    shown = Image.open(io.BytesIO(base64.b64decode(live["pictures"]["one"].partition(",")[2])))
    assert np.array_equal(np.asarray(shown), picture)  # without loss
    assert "icc_profile" not in shown.info
    json.dumps(live, allow_nan=False)
