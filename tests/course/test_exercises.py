"""The exercises that build: marks in the source, checks that the solutions pass, and mistakes that are told apart."""

import re
import textwrap

import nbformat
import numpy as np
import pytest

from helpers.course import checking, exercises, mistakes
from helpers.figures.text import source
from helpers.report import command as report
from helpers.store.files import ROOT

NUMBERS = list(exercises.EXERCISES)
SEED = 7  # not that of the answers that students get: what marks are given by
PLANTED = [(number, k) for number in NUMBERS for k in range(len(mistakes.MISTAKES[number]))]


@pytest.fixture(scope="module")
def answers():
    """Return the answers for a seed, computed when they are asked for, an exercise at a time."""
    kept = {}

    def of(number):
        if number not in kept:
            kept[number] = mistakes.computed(exercises.find(number), SEED)
        return kept[number]

    return of


def test_there_are_twenty_exercises_and_sixty_mistakes_at_least():
    assert len(NUMBERS) >= 20
    assert len(PLANTED) >= 60
    assert all(len(mistakes.MISTAKES[number]) >= 3 for number in NUMBERS)
    assert list(mistakes.MISTAKES) == NUMBERS


def test_the_marks_in_the_source_are_the_exercises():
    found = {}
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        for number, nodes in exercises.marked(path.read_text(encoding="utf-8")).items():
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[number] = (module, [node.name for node in nodes])
    wanted = {
        each.number: (each.module, [n.rpartition(".")[2] for n in each.names]) for each in exercises.EXERCISES.values()
    }
    assert found == wanted


def test_a_mark_is_not_printed_in_a_notebook():
    from helpers.layers import ReLU

    assert "exercise" not in source(ReLU.forward, ReLU.backward).data


def test_the_equations_named_are_in_the_notebooks():
    text = "".join(path.read_text(encoding="utf-8") for path in report.committed())
    missing = [
        each.equation for each in exercises.EXERCISES.values() if f'<a id=\\"{each.equation}\\"></a>' not in text
    ]
    assert not missing


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_right(number, capsys):
    checking.check(number)
    assert capsys.readouterr().out == f"Exercise {number} is right: {', '.join(exercises.find(number).names)}\n"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_answers_are_those_of_the_source(number):
    exercise = exercises.find(number)
    computed, kept = mistakes.computed(exercise, checking.SEED), checking.answers()
    assert computed.keys() == {key for key in kept if re.split("[/~]", key)[0] == number}, (
        "python -m helpers.course answers"
    )
    differ = [
        key
        for key in computed
        if not key.endswith("/error") and not checking.same(computed[key], kept[key], max(exercise.tolerance, 1e-7))
    ]
    assert not differ, "python -m helpers.course answers writes them anew"


@pytest.mark.parametrize(("number", "k"), PLANTED)
def test_a_planted_mistake_is_told(number, k, answers):
    """The inputs are others than those that the answers in the folder are for; got and wanted are told, too."""
    exercise, mistake = exercises.find(number), mistakes.MISTAKES[number][k]
    got = exercises.results(exercise, mistakes.planted(exercise, mistake["edits"]), SEED)
    said = checking.verdict(exercise, got, answers(number), SEED)
    lines = [line.strip().partition("  ") for line in said.splitlines()]
    assert lines[0][0].startswith(f"Exercise {number} is not right yet (")
    assert [name for name, *_ in lines[1:]] == ["input", "got", "wanted", "why", "hint"]
    assert all(text.strip() for *_, text in lines[1:])
    assert lines[4][2].strip() == mistake["tell"]


def test_the_mistakes_of_an_exercise_have_different_sentences():
    for number in NUMBERS:
        told = [mistake["tell"] for mistake in mistakes.MISTAKES[number]]
        assert len(set(told)) == len(told)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_exercise_needs_no_other(number, answers):
    """All functions but its own are emptied, and it is right all the same: nobody pays twice for one mistake."""
    exercise = exercises.find(number)
    path = exercises.path_of(exercise.module)
    others = [n for n in NUMBERS if n != number]
    module = exercises.load(exercise.module, exercises.emptied(path.read_text(encoding="utf-8"), others), path)
    assert checking.verdict(exercise, exercises.results(exercise, module, SEED), answers(number), SEED) == ""


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_not_written_is_said_so(number, answers):
    exercise = exercises.find(number)
    path = exercises.path_of(exercise.module)
    module = exercises.load(exercise.module, exercises.emptied(path.read_text(encoding="utf-8"), [number]), path)
    said = checking.verdict(exercise, exercises.results(exercise, module, SEED), answers(number), SEED)
    assert said == f"Exercise {number} is not written yet: {exercise.task}."


# Written in another way than the solution, as students do ------------------------------------------------------------

OTHERS = {
    "1.1": """
        def convolve2d_loops(image, kernel, stride=1, pad=0):
            image, k = np.atleast_3d(image).astype(float), np.atleast_3d(np.rot90(kernel, 2))
            image = np.pad(image, ((pad, pad), (pad, pad), (0, 0)))
            rows, cols = (range(0, n - s + 1, stride) for n, s in zip(image.shape, k.shape[:2]))
            return np.array([[(image[i:i + k.shape[0], j:j + k.shape[1]] * k).sum() for j in cols] for i in rows])
        """,
    "1.4": """
        def kaiming_normal(shape, *, rng, dtype=np.float32, gain=2):
            return rng.normal(0, (gain / np.prod(shape[:-1])) ** 0.5, shape).astype(dtype)
        """,
    "2.2": """
        def max_pool2d_forward(x, size=2, stride=1):
            h, w = ((n - size) // stride + 1 for n in x.shape[1:3])
            places = np.stack([x[:, u : u + h * stride : stride, v : v + w * stride : stride][:, :h, :w]
                               for u in range(size) for v in range(size)])
            return places.max(axis=0), (x.shape, places.argmax(axis=0), size, stride)
        """,
    "3.2": """
        def softmax_cross_entropy(logits, labels):
            from scipy.special import log_softmax
            log_p, onehot = log_softmax(logits, axis=1), np.eye(logits.shape[1])[labels]
            return -(log_p * onehot).sum() / len(labels), (np.exp(log_p) - onehot) / len(labels)
        """,
    "3.12": """
        def confusion_matrix(actual, predicted, classes):
            pairs = list(zip(actual, predicted))
            return np.array([[pairs.count((a, p)) for p in range(classes)] for a in range(classes)])
        """,
    "5.3": """
        def field_size(layers, axis=0):
            r, j, p = 1, 1, 0
            for k, s, before, after in _along(axis, layers):
                p += before * j
                r += (k - 1) * j
                j *= s
            return r, j, p
        """,
    "6.4": """
        def ranks(heat):
            flat = [(-v, n) for n, v in enumerate(heat.ravel().tolist())]
            order = sorted(flat)
            return np.array([order.index(each) for each in flat]).reshape(heat.shape)
        """,
}  # fmt: skip
WRONG = [  # (exercise, text above, text in its place, what must be told of it)
    ("1.1", "np.rot90(kernel, 2)", "kernel", "The kernel is not turned: that is cross-correlation."),
    ("1.1", "* k).sum()", "* k).mean()", "times what it should be: look for a factor"),
    ("1.1", "def convolve2d_loops(image, kernel, stride=1, pad=0):", "def convolve2d_loops(image):", "TypeError"),
    ("1.4", "(gain / np.prod(shape[:-1])) ** 0.5", "gain / np.prod(shape[:-1])", "it is the variance that should be"),
    ("1.4", "rng.normal", "np.random.default_rng().normal", "the same rng gives the same weights"),
    ("1.4", "rng.normal(0, (gain / np.prod(shape[:-1])) ** 0.5,",
     "rng.uniform(-(w := (3 * gain / np.prod(shape[:-1])) ** 0.5), w,",
     "share within one standard deviation"),
    ("2.2", "places.max(axis=0)", "-places.max(axis=0)", "The sign is wrong."),
    ("2.2", "for u in range(size) for v in range(size)", "for v in range(size) for u in range(size)",
     "not in reading order"),
    ("3.2", "(np.exp(log_p) - onehot) / len(labels)", "(onehot - np.exp(log_p)) / len(labels)",
     "The sign of the gradient is wrong"),
    ("3.2", "(np.exp(log_p) - onehot) / len(labels)", "np.exp(log_p) - onehot", "The gradient lacks 1/N"),
    ("3.2", "-(log_p * onehot).sum() / len(labels)", "-(log_p * onehot).sum()", "The loss is a sum over the images"),
    ("3.2", "log_p, onehot =", "logits -= logits.max()\n    log_p, onehot =", "logits was changed in place"),
    ("3.12", "(a, p)", "(p, a)", "Rows and columns are exchanged"),
    ("3.12", "range(classes)]", "range(classes - 1)]", "shape (3, 3)"),
    ("5.3", "r += (k - 1) * j", "r += k * j", "Off by one"),
    ("5.3", "p += before * j\n        r", "r", "It is none of the mistakes that are known"),
    ("6.4", "sorted(flat)", "sorted(flat, reverse=True)", "the smallest come first"),
    ("6.4", "reshape(heat.shape)", "reshape(heat.shape[::-1])", "The axes are in another order (transposed)."),
]  # fmt: skip


def written(number, code):
    exercise = exercises.find(number)
    path = exercises.path_of(exercise.module)
    text = exercises.emptied(path.read_text(encoding="utf-8"), [number]) + "\n\n" + textwrap.dedent(code)
    return exercise, exercises.results(exercise, exercises.load(exercise.module, text, path), SEED)


@pytest.mark.parametrize("number", OTHERS)
def test_another_way_to_write_it_is_right_too(number, answers):
    exercise, got = written(number, OTHERS[number])
    assert checking.verdict(exercise, got, answers(number), SEED) == ""


@pytest.mark.parametrize(("number", "old", "new", "told"), WRONG)
def test_a_mistake_in_it_is_told(number, old, new, told, answers):
    code = textwrap.dedent(OTHERS[number])
    assert old in code
    exercise, got = written(number, code.replace(old, new))
    assert told in checking.verdict(exercise, got, answers(number), SEED)


def test_a_file_that_does_not_load_is_named(tmp_path, monkeypatch):
    (tmp_path / "pooling.py").write_text("def broken(:\n", encoding="utf-8")
    monkeypatch.setattr(exercises, "path_of", lambda module: tmp_path / "pooling.py")
    with pytest.raises(checking.NotRight, match=r"Exercise 2\.1: pooling\.py cannot be loaded\. SyntaxError"):
        checking.check("2.1")


def test_an_exercise_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match=r"There is no exercise '9\.9'"):
        checking.check("9.9")


def test_only_the_reason_is_shown_in_a_notebook():
    assert checking.NotRight("why")._render_traceback_() == ["why"]


@pytest.mark.parametrize(
    ("got", "wanted", "told"),
    [
        ([1.0, -2], [-1.0, 2], "The sign is wrong."),
        ([[1.0, 2], [3, 4]], [[1.0, 3], [2, 4]], "Rows and columns are exchanged (transposed)."),
        ([2.0, 4, 8], [1.0, 2, 4], "Every number is 2 times what it should be: look for a factor."),
        ([1.0, 2, 4], [1.5, 2.5, 4.5], "Every number is off by the same amount: look for a bias."),
        ([1.0, 2, 4, 9], [2.0, 4, 9, 1], "The numbers are shifted by one along axis 0 (off by one)."),
        ([np.inf, 1.0], [2.0, 1], "Something overflows, or is divided by 0: the result is not finite."),
        ([[1.0, 2, 3]], [[1.0], [2], [3]], "The axes are in another order (transposed)."),
        ([1.0, 2], [1.0, 2, 3], "The result is of another size."),
        ([1.0, 2, 3], [7.0, -3, 3], "It is none of the mistakes that are known for this exercise: compute this number "
         "by hand."),
    ],
)  # fmt: skip
def test_what_can_be_seen_of_any_two_arrays(got, wanted, told):
    assert checking.seen(np.array(got), np.array(wanted), 1e-9) == told


# In the notebooks -----------------------------------------------------------------------------------------------------


def test_each_chapter_asks_for_its_functions_and_checks_them():
    for path in report.committed():
        cells = nbformat.read(path, as_version=4).cells
        asked = [number for number in NUMBERS if number[0] == path.name[1]]
        for number in asked:
            (place,) = [k for k, cell in enumerate(cells) if cell.source.startswith(f"**Exercise {number}.**")]
            exercise, text = exercises.find(number), cells[place].source
            assert all(f"`{name}`" in text for name in exercise.names)
            assert f"#{exercise.equation})" in text
            assert cells[place + 1].source == f'check("{number}")'
