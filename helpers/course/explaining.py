"""The exercises of chapters 4 to 6: a pretrained network, rules at a ReLU, receptive fields, heat maps."""

import numpy as np

from helpers.course.cases import Case, Exercise, given, rules


def preprocessed(m, rng):
    """Whole numbers, and floats, which a careless program changes in place."""
    yield given(m.preprocess, "x", images=rng.integers(0, 256, (1, 2, 2, 3), dtype=np.uint8))
    yield given(m.preprocess, "x", images=rng.uniform(0, 255, (2, 2, 3, 3)).astype(np.float32))


def head_steps(m, rng):
    """A dense layer of Keras's, two steps on one batch."""
    x, labels = rng.normal(size=(4, 3)).astype(np.float32), np.array([0, 2, 1, 2])
    weights = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 3), (3,))]

    def call():
        inputs = m.keras.Input((3,))
        model = m.keras.Model(inputs, m.keras.layers.Dense(3)(inputs))
        model.set_weights(weights)
        step = m.training_step(model, m.keras.optimizers.SGD(0.1))
        logits = [np.asarray(step(x, labels)) for _ in range(2)]
        kernel, bias = model.get_weights()
        return {"first logits": logits[0], "second logits": logits[1], "kernel": kernel, "bias": bias}

    yield Case({"x": x, "labels": labels, "kernel": weights[0], "bias": weights[1]}, call)


def comparisons(m, rng):
    """Two classifiers that differ on nine images, and the same one twice."""
    actual = np.zeros(14, int)
    first, second = (np.array([int(c) for c in right]) for right in ("00000001100111", "11000000011111"))
    outputs = "only_first only_second p"
    yield given(m.mcnemar, outputs, actual=actual, first=first, second=second)
    yield given(m.mcnemar, outputs, actual=actual, first=first, second=first)


def three_rules(m, rng):
    """All signs of both, zeros too."""
    z, delta = (rng.permuted(np.repeat([-2.0, -1, 0, 1, 2], 5)) for _ in range(2))
    for name in ("gradient_rule", "deconvnet_rule", "guided_rule"):
        yield given(getattr(m, name), name, **rules(z, delta))


def neurons(m, rng):
    """Numbers that are all different, and many that are equal."""
    yield from (_top(m, a) for a in (rng.normal(size=(3, 4, 5)), rng.integers(0, 3, (3, 4, 5)).astype(float)))


def _top(m, a):
    return Case({"activations": a, "k": 4}, lambda: {"neurons": np.array(m.top_neurons(a, k=4))})


LAYERS = [(3, 1, 1), (2, 2, 0), ((5, 3), (2, 1), (2, 1)), (3, 1, 0)]


def fields(m, rng):
    """Strides and paddings that differ between rows and columns."""
    for layers in (LAYERS[:1], LAYERS):
        for axis in (0, 1):
            yield given(m.field_size, "r j p", layers=layers, axis=axis)


def boxes(m, rng):
    """A field of 7 x 5 pixels, 2 and 3 apart, 4 above and 1 left of the image: `field_size` is replaced for this."""

    def call():
        m.field_size = lambda layers, axis=0: ((7, 2, 4), (5, 3, 1))[axis]
        return {"(top, left, bottom, right)": m.receptive_field(LAYERS, 6, 2)}

    yield Case({"row": 6, "col": 2, "field_size of the rows": (7, 2, 4), "of the columns": (5, 3, 1)}, call)


def class_activation(m, rng):
    """Two images; the gradients are given, as `score_gradients` is replaced for this."""
    a, dy_da = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(2, 3, 4, 5))

    def call():
        m.score_gradients = lambda model, a, classes, layer: dy_da.copy()
        return {"maps": m.class_maps(None, a, [0, 1], "maps")}

    yield Case({"a": a, "what score_gradients returns": dy_da}, call)


def pointing(m, rng):
    """A maximum on the mask, beside it, one twice, at the tolerance itself, and a map that is the same everywhere."""
    heat, mask = np.zeros((4, 6)), np.zeros((4, 6), bool)
    heat[1, 3], mask[1, 3] = 1, True
    yield given(m.points_at, "hit", heat=heat, mask=mask, tolerance=0)
    twice = heat.copy()
    twice[3, 0] = 1
    yield given(m.points_at, "hit", heat=twice, mask=mask, tolerance=0)
    yield given(m.points_at, "hit", heat=np.roll(heat, 2, axis=1), mask=mask, tolerance=2)
    yield given(m.points_at, "hit", heat=np.roll(heat, 2, axis=1), mask=mask, tolerance=1)
    yield given(m.points_at, "hit", heat=np.ones((4, 6)), mask=~mask, tolerance=0)


def energies(m, rng):
    """A stack of two maps, and one of zeros."""
    masks = rng.random((2, 4, 5)) < 0.3
    yield given(m.energy_inside, "share", maps=rng.random((2, 4, 5)), masks=masks | (np.arange(20).reshape(4, 5) == 7))
    yield given(m.energy_inside, "share", maps=np.zeros((4, 5)), masks=np.eye(4, 5, dtype=bool))


def places(m, rng):
    """Numbers that are all different, and many that are equal."""
    yield given(m.ranks, "places", heat=rng.normal(size=(3, 4)))
    yield given(m.ranks, "places", heat=rng.integers(0, 3, (3, 4)).astype(float))


EXERCISES = [
    Exercise(
        "4.1",
        "helpers.vgg19.backbone: preprocess",
        "sec-preprocessing",
        "turn RGB images of 0 to 255 into what VGG was trained on",
        "blue first, as float32, less MEAN_BGR; the images that are given stay as they are",
        preprocessed,
        tolerance=1e-6,
    ),
    Exercise(
        "4.2",
        "helpers.vgg19.head: training_step",
        "sec-train-head",
        "return a function that takes one training step on a batch and returns the scores before it",
        "record the forward pass and the mean of the losses on a tape, ask it for the gradients, and let "
        "optimizer.apply(gradients, weights) use them",
        head_steps,
        tolerance=1e-4,
        points=3,
    ),
    Exercise(
        "4.3",
        "helpers.metrics: mcnemar",
        "eq-mcnemar",
        "compare two classifiers by the images on which just one of them is right",
        "the p-value is `binomtest(only_first, only_first + only_second)`, two-sided; where they never differ it is 1",
        comparisons,
    ),
    Exercise(
        "5.1",
        "helpers.explain.backprop: gradient_rule deconvnet_rule guided_rule",
        "eq-guided",
        "write the three rules for what a ReLU hands down",
        "z is what entered the ReLU, delta what comes from above, and positive(a) is 1 where a > 0, else 0",
        three_rules,
    ),
    Exercise(
        "5.2",
        "helpers.explain.backprop: top_neurons",
        "sec-five-neurons",
        "find the most active neurons, each in a channel of its own, strongest first",
        "one maximum for each channel, the first in reading order; among equal channels the first place, then the "
        "lower channel: `np.lexsort`",
        neurons,
    ),
    Exercise(
        "5.3",
        "helpers.explain.receptive: field_size",
        "eq-field",
        "compute how many rows a neuron sees, how far apart neighbours see, and how far outside the first begins",
        "`_along(axis, layers)` gives (kernel, stride, pad, pad after) for each layer; r and p grow by the j of before",
        fields,
    ),
    Exercise(
        "5.4",
        "helpers.explain.receptive: receptive_field",
        "eq-field",
        "compute the box of pixels that a neuron sees",
        "with (r, j, p) of `field_size`, neuron i sees r pixels from i * j - p; the box is half-open",
        boxes,
    ),
    Exercise(
        "6.1",
        "helpers.explain.cam: class_maps",
        "eq-gradcam",
        "compute Grad-CAM's maps from activations and the gradients of the class scores",
        "alpha is the mean of the gradient over rows and columns; the map is the ReLU of the weighted sum of channels",
        class_activation,
    ),
    Exercise(
        "6.2",
        "helpers.explain.pointing: points_at",
        "sec-pointing",
        "tell whether the first maximum of a map lies at most so many pixels from the mask",
        "a map that is the same everywhere points nowhere",
        pointing,
    ),
    Exercise(
        "6.3",
        "helpers.explain.pointing: energy_inside",
        "sec-pointing",
        "compute the share of each map's sum that lies inside its mask",
        "sums over the last two axes; a map of zeros has no share: nan; `_checked` returns maps and masks as arrays",
        energies,
    ),
    Exercise(
        "6.4",
        "helpers.explain.deletion: ranks",
        "sec-insertion",
        "return the place of each pixel when they are sorted by falling value, equals in reading order",
        "a stable argsort gives the pixel at each place; an argsort of that gives the place of each pixel",
        places,
    ),
]
