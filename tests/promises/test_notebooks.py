"""What the notebooks promise of their own code: what is called is shown, and no bare assert is about one run.

Code is read, not executed. A name *is of the run* where it comes from a parameter, the data set or what was trained on
it. An assert that uses no such name is *mathematics*: its numbers are its own. One that compares two things of the run
is *agreement*: the same, computed twice. Any other would be a claim about a run, which belongs in `run.claim`, unless
ANY_RUN tells why it holds whatever a user gives.
"""

import ast
import importlib
import inspect
from types import ModuleType

import nbformat
import pytest

from helpers.report import cells
from helpers.report import command as report

CHAPTERS = {path.stem: nbformat.read(path, as_version=4).cells for path in report.committed()}
TREES = {
    name: [ast.parse(cell.source) for cell in of if cell.cell_type == "code" and "parameters" not in cells.tags(cell)]
    for name, of in CHAPTERS.items()
}


# What is called is shown ----------------------------------------------------------------------------------------------


TEXTBOOK = ("convolution", "gradients", "layers", "metrics", "network", "pooling", "training")
CORE = (*(f"helpers.{name}" for name in TEXTBOOK), "helpers.vgg19.", "helpers.explain.")
NOT_SHOWN = {  # called in a chapter, shown in none
    "build": "loads weights",
    "digest": "a hash of weights",
    "features": "runs Keras's layers and keeps what they give in a file",
    "is_identity": "asks which kernel a layer has; the chapter runs every such layer",
    "layer_weights": "weights as they go into a file",
    "set_layer_weights": "weights as they come from a file",
    "predict": "runs Keras's layers in batches",
    "tail": "Keras's layers from one to another",
    "train_head": "training_step, shown, over batches and epochs, and a file that keeps the outcome",
    "tune_block5": "the same on more layers",
    "geometry": "reads kernels, strides and padding from layers",
    "layer_index": "finds a layer by its name",
    "cam_maps": "class_maps and enlarged, both shown, for many images",
    "fading_curves": "insertion_deletion, shown, for many images, kept in a file",
    "distractor_game": "pointing_game, shown, on mosaics that figures show",
    "altered": "the pictures that a figure shows",
    "rank_correlation": "SciPy's",
    "History": "lists of numbers",
}


def imported(chapter):
    """Return what a chapter's names mean that it imports from helpers."""
    found = {}
    for tree in TREES[chapter]:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("helpers"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not hasattr(module, alias.name):
                        importlib.import_module(f"{node.module}.{alias.name}")
                    found[alias.asname or alias.name] = getattr(module, alias.name)
    return found


def used(node, names):
    """Return the functions and classes that code uses, and those that it hands to `source`."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "source":
        given = [meant(a.value.func.value if isinstance(a, ast.Starred) else a, names) for a in node.args]
        return set(), {each for one in given for each in (one.values() if isinstance(one, dict) else [one])}
    called, shown = [meant(node, names)], set()
    for child in ast.iter_child_nodes(node):
        more, also = used(child, names)
        called, shown = [*called, *more], shown | also
    return {each for each in called if inspect.isfunction(each) or inspect.isclass(each)}, shown


def meant(node, names):
    if isinstance(node, ast.Attribute):
        return getattr(meant(node.value, names), node.attr, None)
    found = names.get(node.id) if isinstance(node, ast.Name) else None
    return found if isinstance(found, ModuleType | dict | type) or inspect.isfunction(found) else None


def called_and_shown():
    called, shown = {}, set()
    for chapter, trees in TREES.items():
        names = imported(chapter)
        for tree in trees:
            calls, shows = used(tree, names)
            called |= {each: chapter for each in calls if f"{each.__module__}.".startswith(CORE)}
            shown |= {f"{each.__module__}.{each.__qualname__}" for each in shows}
    return called, shown


def is_shown(each, shown):
    """Return whether a function is shown, or of a class, or of one that it is made of, a method."""
    owners = [owner for owner in getattr(each, "__mro__", [each]) if owner is not object]
    full = {f"{owner.__module__}.{owner.__qualname__}" for owner in owners}
    return bool(full & shown) or any(name.rpartition(".")[0] in full for name in shown)


def test_every_core_function_that_a_chapter_calls_is_shown_in_the_book():
    called, shown = called_and_shown()
    assert len(called) > 40
    missing = {each.__name__: chapter for each, chapter in called.items() if not is_shown(each, shown)}
    assert sorted(missing.keys() - NOT_SHOWN.keys()) == [], missing


def test_what_need_not_be_shown_is_called_and_is_not_shown():
    called, shown = called_and_shown()
    missing = {each.__name__ for each in called if not is_shown(each, shown)}
    assert sorted(NOT_SHOWN.keys() - missing) == [], "remove the lines of what is shown, or no longer called"


def test_printed_code_has_at_most_95_characters_a_line():
    printed = {}
    for chapter, trees in TREES.items():
        names = imported(chapter)
        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "source":
                    shown = eval(compile(ast.Expression(node), chapter, "eval"), dict(names))
                    code = shown.data.partition("\n```\n")[0]
                    printed |= {line: chapter for line in code.splitlines() if len(line) > 95}
    assert not printed, printed


# No bare assert is about one run --------------------------------------------------------------------------------------


PARAMETERS = {
    target.id
    for of in CHAPTERS.values()
    for cell in of
    if "parameters" in cells.tags(cell)
    for node in ast.walk(ast.parse(cell.source))
    if isinstance(node, ast.Assign)
    for target in node.targets
}
ANY_RUN = {  # asserts that compare something of the run with a number, and why they hold on every run
    "off < border": "the places of all windows cover 98 % of an image whose numbers lie between 0 and 1",
    "conv1.size == 32 * (3 * 3 + 1)": "counted from the layer's sizes",
    "conv2.size == 64 * (3 * 3 * 32 + 1)": "counted from the layer's sizes",
    "network.output_shapes()[6] == (side * side * 64,) == (3041536,)": "every picture has 224 x 224 pixels",
    "np.allclose(first_probabilities.sum(axis=1), 1)": "a softmax",
    "len(found) == 3": "one sentence per learning rate, whatever comes out",
    "len(rows) == 22": "VGG19's architecture",
    "len(convolutions) == 16": "VGG19's architecture",
    "total == published['vgg19']['parameters']['total'] == 20024384": "VGG19's architecture",
    "WEIGHTS != 'bundled' or len(identity) == 6": "the bundled file is checked by its hash",
    "difference < 0.0001": "the head by hand and by Keras, up to rounding",
    "difference < 0.001": "features in one pass and in two, up to rounding",
    "trainable == theirs['trainable']": "VGG19's architecture, before anything is frozen",
    "classes != 3 or own == 264195": "counted from the head's sizes",
    "not any((layer.trainable for layer in backbone.layers))": "add_head has frozen them",
    "tuned['loss']['val'] <= allowed": "the state before tuning takes part in the choice",
    "not kinds & set(changing)": "VGG19's architecture",
    "all((activation[n[:3]] == n[3] for n in neurons))": "a neuron has the activation that is found at its place",
    "explain.field_size(last_convolution) == (252, 16, 118)": "VGG19's architecture",
    "(np.diff(widths) > 0).all() and widths[-1] == r": "no layer of VGG19 has a kernel of 1",
    "not gradient.any()": "the receptive field's definition: nothing outside has an influence",
    "(corners[..., 2:] - corners[..., :2] == 6).all()": "the network's architecture",
    "corners.min() >= 0 and corners.max() <= 224": "without padding every field lies on the image",
    "first == 'block4_conv3' and added.max() == 2 * 16": "VGG19's architecture",
    "m.shape == (224, 224) and m.min() >= 0 and (m.max() in (0, 1))": "cut off at 0 and divided by its maximum",
    "all((m.min() >= 0 and m.max() in (0, 1) for m in cams))": "cut off at 0 and divided by its maximum",
    "m.shape == tested.shape[:3] and m.min() >= 0": "absolute values, or cut off at 0",
    "picture[name][0] <= 1 / len(shown) + 1e-09": "one map points into one picture, whichever class is asked for",
    "min(of_kind['edge']) > 0.999": "the edges of an image use no weights",
    "all((curve[0] > 0.99 for curve in of_kind.values()))": "before any weight is drawn anew, both maps are the same",
    "sees == 48": "VGG19's architecture",
    "np.isclose(like_edges.pop('edge'), 1)": "a map correlates with itself",
}


def read(node):
    """Return the names that code reads and does not bind itself."""
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    bound = {each.id for each in names if isinstance(each.ctx, ast.Store)}
    bound |= {argument.arg for each in ast.walk(node) if isinstance(each, ast.arguments) for argument in each.args}
    return {each.id for each in names} - bound


class Reader:
    """Follows a chapter's code from top to bottom: which names are of the run, and what its asserts say."""

    def __init__(self, trees):
        self.of_run, self.meaning, self.kinds = set(PARAMETERS), {}, {}
        imports = [each for tree in trees for each in ast.walk(tree) if isinstance(each, ast.Import | ast.ImportFrom)]
        self.imported = {alias.asname or alias.name for node in imports for alias in node.names}
        for tree in trees:
            self.block(tree.body)

    def block(self, body):
        for node in body:
            getattr(self, f"_{type(node).__name__}", self._other)(node)

    def bind(self, target, value):
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for pair in zip(target.elts, value.elts, strict=True):
                self.bind(*pair)
            return
        names = {each.id for each in ast.walk(target) if isinstance(each, ast.Name)} - self.imported
        if read(value) & self.of_run:
            self.of_run |= names
        elif not isinstance(target, ast.Subscript | ast.Attribute):  # a part of the run's keeps the rest of it
            self.of_run -= names
        if isinstance(target, ast.Name):
            self.meaning[target.id] = value

    def _Assign(self, node):
        for target in node.targets:
            self.bind(target, node.value)

    def _AugAssign(self, node):
        if read(node.value) & self.of_run:
            self.of_run |= read(node.target) | {getattr(node.target, "id", "")}

    def _For(self, node):
        self.bind(node.target, node.iter)
        for _ in range(2):  # what the end of a loop makes, its beginning may read
            self.block(node.body)

    def _FunctionDef(self, node):
        (self.of_run.add if read(node) & self.of_run else self.of_run.discard)(node.name)
        for each in ast.walk(node):
            if isinstance(each, ast.Assert):
                self._Assert(each)

    def _Expr(self, node):
        self._other(node)
        call = node.value  # a method that gets something of the run may keep it
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and read(call) & self.of_run:
            self.of_run |= read(call.func.value) - self.imported

    def _other(self, node):
        for each in ast.walk(node):
            if isinstance(each, ast.NamedExpr):
                self.bind(each.target, each.value)
        for part in ("body", "orelse", "finalbody"):
            self.block(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            self.block(handler.body)

    def _Assert(self, node):
        test = self.meaning.get(node.test.id, node.test) if isinstance(node.test, ast.Name) else node.test
        kind = "mathematics" if not read(test) & self.of_run else "agreement" if self.agrees(test) else "of the run"
        self.kinds[node] = kind

    def agrees(self, test):
        """Return whether a condition says that things are equal, each of which is of the run."""
        if isinstance(test, ast.BoolOp):
            return isinstance(test.op, ast.And) and all(map(self.agrees, test.values))
        if isinstance(test, ast.Call) and ast.unparse(test.func) in ("np.allclose", "np.isclose", "np.array_equal"):
            sides = test.args[:2]
        elif isinstance(test, ast.Compare) and all(isinstance(op, ast.Eq) for op in test.ops):
            sides = [test.left, *test.comparators]
        else:
            return False
        return all(read(side) & self.of_run for side in sides)


def listed():
    """Return every assert of the notebooks as a case: its chapter, its kind, its condition, its message."""
    for chapter, trees in TREES.items():
        for node, kind in Reader(trees).kinds.items():
            said = ast.unparse(node.test)
            name = f"{chapter}, {'any run' if said in ANY_RUN and kind == 'of the run' else kind}: {said}"
            yield pytest.param(kind, said, node.msg, id=name)


@pytest.mark.parametrize(("kind", "said", "message"), list(listed()))
def test_an_assert_is_mathematics_or_holds_on_any_run(kind, said, message):
    assert message is not None, "an assert says what is wrong"
    assert kind != "of the run" or said in ANY_RUN, "a claim about a run goes through run.claim"


def test_what_holds_on_any_run_is_asserted():
    of_run = {case.values[1] for case in listed() if case.values[0] == "of the run"}
    assert sorted(ANY_RUN.keys() - of_run) == [], "remove the lines of what is no longer asserted, or now mathematics"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("x = np.ones(3)\nassert x.sum() == 3", "mathematics"),
        ("rng = np.random.default_rng(SEED)\nassert rng.random() < 1", "of the run"),
        ("run = Run(DATASET)\nh = run.load_json('a')\nfor loss in h['loss']:\n    assert loss < 2", "of the run"),
        ("m, n = f(DATASET), 3\nassert n == 3", "mathematics"),
        ("m, n = f(DATASET), 3\nassert m == n", "of the run"),
        ("m = f(DATASET)\nx = [m for m in range(3)]\nassert x[0] == 0", "mathematics"),
        ("m = f(DATASET)\nsame = np.allclose(m, 2)\nassert same", "of the run"),
        ("m = f(DATASET)\nsame = np.allclose(m, m.T)\nassert same", "agreement"),
        ("net = Net()\nnet.load(RUN_DIR)\ndef score():\n    return net(3)\nassert score() > 0.9", "of the run"),
        ("a = 0\nfor x in range(3):\n    assert a < 2\n    a += EPOCHS", "of the run"),
    ],
)  # fmt: skip
def test_the_reader_tells_the_kinds_apart(code, kind):
    reader = Reader([ast.parse(f"import numpy as np\n{code}")])
    assert list(reader.kinds.values()) == [kind]
