"""The passes through a Keras model that `helpers.explain` is made of; its layers must form a chain.

They run layer by layer on arrays, so no graph is built, and nothing is added to the model.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from helpers.backend import keras, tf

Target = Callable[[tuple[int, ...]], tuple[int, ...]]


def changed_copy(model, last: int | None, rule: str):
    """Return f(image, target) for the layers up to `last`, None for the class scores: d output[target] / d image."""
    relu = _relu(rule)
    if last is None:
        *layers, scores = _score_layers(model)
        steps = [*(_copy(layer, relu) for layer in layers), scores]  # the scores have no ReLU to change
    else:
        steps = [_copy(layer, relu) for layer in _layers(model)[: last + 1]]

    def gradient(image: np.ndarray, target: Target) -> np.ndarray:
        x = _batch(model, image)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            out = _run(steps, x)
            neuron = out[(0, *target(tuple(out.shape[1:])))]
        return tape.gradient(neuron, x)[0].numpy()

    return gradient


def activation_and_gradient(model, image: np.ndarray, index: int, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Return the output A of layer `index` and d score[target(shape)] / dA, both without the batch axis."""
    layers = _score_layers(model)
    if index >= len(layers):
        raise ValueError(f"The layer {model.layers[index].name} comes behind the class scores.")
    activation = _run(layers[: index + 1], _batch(model, image))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(activation)
        scores = _run(layers[index + 1 :], activation)
        score = scores[(0, *target(tuple(scores.shape[1:])))]
    return activation[0].numpy(), tape.gradient(score, activation)[0].numpy()


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


def _batch(model, image: np.ndarray):
    shape = tuple(model.inputs[0].shape[1:])
    if any(want not in (None, got) for want, got in zip(shape, image.shape, strict=False)):
        raise ValueError(f"The model takes an image of shape {shape}, not {image.shape}.")
    return tf.constant(image[None], dtype=model.inputs[0].dtype)


def _run(steps: list, x):
    for step in steps:
        if not isinstance(step, keras.layers.InputLayer):
            x = step(x)
    return x


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
    if always or getattr(layer, "activation", None) is keras.activations.relu:
        copy.activation = activation
    copy.build(layer.input.shape)
    copy.set_weights(layer.get_weights())
    return copy


def _relu(rule: str):
    @tf.custom_gradient
    def relu(x):
        def pull(dout):
            if rule != "gradient":
                dout = tf.nn.relu(dout)
            return dout if rule == "deconvnet" else tf.where(x > 0, dout, tf.zeros_like(dout))

        return tf.nn.relu(x), pull

    return relu
