"""The passes through a Keras model whose layers are a sequence, or a sequence of such; nothing is added to the model.

A batch is as many questions, each about its own image: their sum is what is differentiated.
"""

from functools import reduce

import numpy as np

from helpers.explain.questions import places
from helpers.vgg19 import is_identity
from helpers.vgg19.backend import keras, tf

L = keras.layers
POINTWISE = (L.Activation, L.BatchNormalization, L.Dropout, L.InputLayer, L.Normalization, L.ReLU)
WINDOWS = (L.Conv2D, L.DepthwiseConv2D, L.MaxPooling2D, L.AveragePooling2D)
weights, set_weights = L.Layer.get_weights, L.Layer.set_weights  # of a layer, the kernel first


def layers(model) -> list:
    """Return the layers in order, those of a model inside it in its place; ValueError where they are no sequence."""
    return [step for step in model.layers[:1] if isinstance(step, L.InputLayer)] + _sequence(model)


def gradients(model, last: int | None, rules: list, *, start: int = 0, also: int = -1):
    """Return f(x, neurons) for the layers from `start` to `last`, None for the class scores.

    f gives d output[n, *neurons[n]] / d x[n] for every n by each rule, (R, N, ...), and the output of layer `also`.
    ValueError for a rule other than "gradient" where an activation is no ReLU, for a neuron that there is not, and for
    `also` or `start` behind the scores.
    """
    relu = _Relu()
    steps = layers(model)[: last + 1] if last is not None else _score_layers(model, max(also, start - 1))
    steps = [_copy(*pair, relu) for pair in list(zip([None, *steps], steps, strict=False))[start:]]
    _check_relus(layers(model)[: len(steps) + start - (last is None)], rules)

    def pull(x, where):
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(x)
            middle = _run(steps[: also + 1], x)
            neurons = tf.gather_nd(_run(steps[also + 1 :], middle), where, batch_dims=1)
        return [tape.gradient(neurons, x) for relu.rule in rules], middle

    if not start:  # compiled, a call takes half the time, and the first a moment more
        image = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype)
        pull = tf.function(pull, input_signature=(image, tf.TensorSpec((None, None), tf.int32)), autograph=False)

    def send_back(x: np.ndarray, neurons) -> tuple[np.ndarray, np.ndarray]:
        x = tf.constant(x) if start else _batch(model, x)
        shape = reduce(lambda shape, step: step.compute_output_shape(shape), steps, x.shape)
        out, middle = pull(x, tf.constant(places(neurons, tuple(shape[1:]), last), tf.int32))
        return np.stack(out), middle.numpy()

    return send_back


def activations(model, images: np.ndarray, index: int) -> np.ndarray:
    """Return the output (N, h, w, C) of layer `index`; ValueError, before anything is computed, for another shape."""
    *_, last = steps = layers(model)[: index + 1]
    if len(last.output.shape) != 4:
        raise ValueError(f"Grad-CAM needs a layer with rows and columns; {last.name} puts out {last.output.shape[1:]}.")
    return _run(steps, _batch(model, images)).numpy()


def geometry(layer) -> list[tuple]:
    """Return [(kernel, stride, pad)] of a layer, and nothing of one that moves nothing; ValueError for all others."""
    if isinstance(layer, POINTWISE):
        return []
    if isinstance(layer, L.ZeroPadding2D):
        return [(1, 1, layer.padding)]
    if not isinstance(layer, WINDOWS):
        raise ValueError(f"Behind a {type(layer).__name__} layer a neuron has no receptive field in rows and columns.")
    sizes = getattr(layer, "pool_size", None) or layer.kernel_size
    dilations = getattr(layer, "dilation_rate", (1, 1))
    kernel = tuple((k - 1) * dilation + 1 for k, dilation in zip(sizes, dilations, strict=True))
    sides = zip(layer.input.shape[1:3], kernel, layer.strides, strict=True)
    return [(kernel, layer.strides, 0 if layer.padding == "valid" else tuple(_same_pad(*side) for side in sides))]


def clone(model):
    """Return a copy with the same weights."""
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _sequence(model) -> list:
    """Return the layers but for the inputs, found from the output back: a layer may stand in several models."""
    steps, tensors = [], getattr(model, "outputs", None) or []
    while len(tensors) == 1:
        layer, number, _ = tensors[0]._keras_history
        tensors = layer._inbound_nodes[number].input_tensors
        if not tensors:
            return steps
        steps = [*(_sequence(layer) if isinstance(layer, keras.Model) else [layer]), *steps]
    raise ValueError(f"{model.name} is no sequence of layers from one input to one output: only such can be explained.")


def _score_layers(model, index: int) -> list:
    """Return the layers that lead to the class scores: without the softmax, whether it is a layer or part of one."""
    *steps, last = layers(model)
    if not isinstance(last, (L.Softmax, L.Activation)):
        steps.append(_rebuilt(last, activation="linear") if hasattr(last, "activation") else last)
    if index >= len(steps):
        raise ValueError(f"The layer {last.name} comes behind the class scores.")
    return steps


def _batch(model, images: np.ndarray):
    shape = tuple(model.inputs[0].shape[1:])
    if any(want not in (None, got) for want, got in zip(shape, images.shape[1:], strict=False)):
        raise ValueError(f"The model takes an image of shape {shape}, not {images.shape[1:]}.")
    return tf.constant(images, dtype=model.inputs[0].dtype)


def _run(steps: list, x):
    return reduce(lambda x, step: x if isinstance(step, L.InputLayer) else step(x), steps, x)


def _check_relus(steps: list, rules: list) -> None:
    others = [f"{step.name} ({_activation(step)})" for step in steps if _activation(step)]
    if others and any(rule.__name__ != "gradient_rule" for rule in rules):
        raise ValueError(
            f"The rules deconvnet and guided are for ReLU, and this network has {', '.join(others)}: take the rule "
            "'gradient', Grad-CAM, or a network whose activations are ReLU alone."
        )


def _activation(layer) -> str:
    """Return the name of the activation function of a layer; "" for those that the rules know what to do with."""
    if isinstance(layer, (L.LeakyReLU, L.PReLU, L.ELU)) or (isinstance(layer, L.ReLU) and not _is_relu(layer)):
        return type(layer).__name__
    function, known = getattr(layer, "activation", None), ("linear", "relu", "softmax")
    name = getattr(function, "__name__", type(function).__name__)
    return "" if function is None or name in known else name


def _is_relu(layer) -> bool:
    if isinstance(layer, L.ReLU):
        return not (layer.max_value is not None or layer.negative_slope or layer.threshold)
    return getattr(layer, "activation", None) is keras.activations.relu


def _copy(before, layer, relu):
    """Return a copy of the layer with `relu` for its ReLU; what changes nothing is left out."""
    if isinstance(layer, L.InputLayer):
        return L.Identity()
    if not layer._inbound_nodes:  # it is a copy already
        return layer
    if not _is_relu(layer):
        return _rebuilt(layer)
    if isinstance(layer, L.ReLU):
        return L.Activation(relu)
    if _is_relu(before) and is_identity(layer):  # by every rule the gradient would go through the same ReLU twice
        return L.Identity()
    return _rebuilt(layer, activation=relu)


def _rebuilt(layer, **changes):
    """Return a layer like this one, but for the changes, with its weights in variables of its own."""
    kind = _FirstMaximum if isinstance(layer, L.GlobalMaxPooling2D) else type(layer)
    config = layer.get_config() | changes
    if "kernel_initializer" in config:
        config["kernel_initializer"] = "zeros"  # to be overwritten: random numbers would cost more than the copy
    copy = kind.from_config(config)
    if layer.weights:
        copy.build(layer.input.shape)
        copy.set_weights(layer.get_weights())
    return copy


def _same_pad(n: int | None, k: int, stride: int) -> tuple[int, int]:
    if stride > 1 and n is None:
        raise ValueError('The padding "same" at a stride above 1 depends on the image: give the model an input shape.')
    total = k - 1 if stride == 1 else max((-(-n // stride) - 1) * stride + k - n, 0)
    return total // 2, total - total // 2  # TensorFlow puts the odd one below and to the right


class _FirstMaximum(L.GlobalMaxPooling2D):
    """Global max pooling whose gradient goes to the first of equal maxima; TensorFlow's own is shared among them."""

    def call(self, inputs):
        flat = tf.reshape(inputs, (tf.shape(inputs)[0], -1, inputs.shape[-1]))
        places = tf.argmax(flat, axis=1)
        first = tf.gather(tf.transpose(flat, (0, 2, 1)), places, batch_dims=2)
        return first[:, None, None, :] if self.keepdims else first


class _Relu:
    """ReLU, with the gradient that `rule` hands down."""

    rule = None

    def __call__(self, x):
        return tf.custom_gradient(self.with_gradient)(x)

    def with_gradient(self, x):
        y = tf.nn.relu(x)  # positive where x is: so x need not be kept for the way back
        return y, lambda dout: self.rule(y, dout, lambda a: tf.cast(a > 0, a.dtype))
