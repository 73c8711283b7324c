"""The passes through a Keras model that `helpers.explain.maps` is made of; its layers must form a chain.

They run layer by layer on arrays, and nothing is added to the model. A batch is as many questions, each about its own
image: their sum is what is differentiated.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from helpers.vgg19.backbone import is_identity
from helpers.vgg19.backend import keras, tf

Targets = Callable[[tuple[int, ...]], Sequence[tuple[int, ...]]]


def changed_copy(model, last: int | None, rules: Sequence[str], *, compiled: bool, also: int = -1):
    """Return f(images, targets) for the layers up to `last`, None for the class scores.

    It gives d output[n, *targets(shape)[n]] / d images[n] for every n by each rule, (R, N, H, W, C), after one pass
    forward, and the output of layer `also`. Compiled, every call takes half the time, and the first a moment more.
    """
    relu = _Relu()
    if last is None:
        *layers, scores = _score_layers(model)
        steps = [*_copies(layers, relu), scores]  # the scores have no ReLU to change
        _check_before_scores(model, also, len(layers))
    else:
        steps = _copies(_layers(model)[: last + 1], relu)

    def pull(x, where):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(x)
            middle = _run(steps[: also + 1], x)
            neurons = tf.gather_nd(_run(steps[also + 1 :], middle), where, batch_dims=1)
        gradients = []
        for rule in rules:
            relu.rule = rule
            gradients.append(tape.gradient(neurons, x))
        return gradients, middle

    if compiled:
        image = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype)
        pull = tf.function(pull, input_signature=(image, tf.TensorSpec((None, None), tf.int32)), autograph=False)

    def gradient(images: np.ndarray, targets: Targets) -> tuple[np.ndarray, np.ndarray]:
        x = _batch(model, images)
        gradients, middle = pull(x, tf.constant(targets(_output_shape(steps, x.shape)), tf.int32))
        return np.stack(gradients), middle.numpy()

    return gradient


def activations(model, images: np.ndarray, index: int) -> np.ndarray:
    """Return the output of layer `index`, (N, ...)."""
    return _run(_layers(model)[: index + 1], _batch(model, images)).numpy()


def score_gradients(model, activation: np.ndarray, index: int, targets: Targets) -> np.ndarray:
    """Return d score[n, *targets(shape)[n]] / d activation[n], where activation is the output of layer `index`."""
    layers = _score_layers(model)
    _check_before_scores(model, index, len(layers) - 1)
    x = tf.constant(activation)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        scores = _run(layers[index + 1 :], x)
        chosen = tf.gather_nd(scores, tf.constant(targets(tuple(scores.shape[1:])), tf.int32), batch_dims=1)
    return tape.gradient(chosen, x).numpy()


def _layers(model) -> list:
    steps = list(model.layers)
    for before, step in pairwise(steps):
        if step.input is not before.output:
            raise ValueError(f"{step.name} does not follow {before.name}: only chains of layers can be explained.")
    return steps


def _score_layers(model) -> list:
    """Return the layers that lead to the class scores: without the softmax, whether it is a layer or part of one."""
    *steps, last = _layers(model)
    if isinstance(last, (keras.layers.Softmax, keras.layers.Activation)):
        return steps
    linear = keras.activations.linear
    return [*steps, last if getattr(last, "activation", linear) is linear else _copy(last, linear, always=True)]


def _check_before_scores(model, index: int, scores: int) -> None:
    if index > scores:
        raise ValueError(f"The layer {model.layers[index].name} comes behind the class scores.")


def _batch(model, images: np.ndarray):
    shape = tuple(model.inputs[0].shape[1:])
    if any(want not in (None, got) for want, got in zip(shape, images.shape[1:], strict=False)):
        raise ValueError(f"The model takes an image of shape {shape}, not {images.shape[1:]}.")
    return tf.constant(images, dtype=model.inputs[0].dtype)


def _output_shape(steps: list, shape) -> tuple[int, ...]:
    for step in steps:
        if not isinstance(step, keras.layers.InputLayer):
            shape = step.compute_output_shape(shape)
    return tuple(shape[1:])


def _run(steps: list, x):
    for step in steps:
        if not isinstance(step, keras.layers.InputLayer):
            x = step(x)
    return x


def _copies(layers: list, relu) -> list:
    """Return copies of the layers in which `relu` stands for ReLU; what changes nothing is left out."""
    pairs = zip([None, *layers], layers, strict=False)
    return [keras.layers.Identity() if _needless(*pair) else _copy(pair[1], relu) for pair in pairs]


def _needless(before, layer) -> bool:
    # Behind a ReLU, an identity kernel with a ReLU of its own returns what it is given, and by every rule the gradient
    # that it is given goes through the same ReLU a second time.
    return _has_relu(before) and _has_relu(layer) and is_identity(layer)


def _has_relu(layer) -> bool:
    return getattr(layer, "activation", None) is keras.activations.relu


def _copy(layer, activation, *, always=False):
    """Return a copy of `layer` with weights of its own, in which `activation` stands for ReLU."""
    if isinstance(layer, keras.layers.InputLayer):
        return layer
    if isinstance(layer, keras.layers.ReLU) and not (layer.max_value or layer.negative_slope or layer.threshold):
        return keras.layers.Activation(activation)
    config = layer.get_config()
    if "kernel_initializer" in config:
        config["kernel_initializer"] = "zeros"  # to be overwritten: random numbers would cost more than the copy
    copy = type(layer).from_config(config)
    if always or _has_relu(layer):
        copy.activation = activation
    copy.build(layer.input.shape)
    copy.set_weights(layer.get_weights())
    return copy


class _Relu:
    """ReLU, whose gradient is changed by the rule that stands in `rule` on the way back."""

    rule = "gradient"

    def __call__(self, x):
        @tf.custom_gradient
        def relu(x):
            y = tf.nn.relu(x)

            def pull(dout):
                rule = self.rule
                if rule != "gradient":
                    dout = tf.nn.relu(dout)
                # The output is positive where the input is: so the input need not be kept for the way back.
                return dout if rule == "deconvnet" else tf.raw_ops.ReluGrad(gradients=dout, features=y)

            return y, pull

        return relu(x)
