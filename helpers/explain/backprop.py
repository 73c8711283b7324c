"""The neurons that fire most, and guided backpropagation: the pixels that a neuron or a class score depends on.

A gradient is sent back from the neuron to the image, and three rules differ in what a ReLU hands down. z is what enters
the ReLU, delta the gradient that reaches it from above, and positive(a) is [a > 0]: 1 where it holds, else 0.
"""

from collections.abc import Sequence

import numpy as np

from helpers.explain.networks import batches, kind_of, layer_index
from helpers.explain.questions import checked_batch, checked_image


def gradient_rule(z, delta, positive):  # exercise 5.1
    """Return what the derivative of the ReLU passes: that of active neurons."""
    return positive(z) * delta


def deconvnet_rule(z, delta, positive):  # exercise 5.1
    """Return what is positive. Source: Zeiler and Fergus (2014), section 2.1."""
    return positive(delta) * delta


def guided_rule(z, delta, positive):  # exercise 5.1
    """Return what is positive, of active neurons. Source: Springenberg et al. (2015), figure 1."""
    return positive(z) * positive(delta) * delta


RULES = {"gradient": gradient_rule, "deconvnet": deconvnet_rule, "guided": guided_rule}


def top_neurons(activations: np.ndarray, k: int = 5) -> list[tuple]:  # exercise 5.2
    """Return the k most active neurons in distinct channels as (row, col, channel, activation), strongest first.

    activations: (H, W, C). Each channel is represented by its maximum; among equals the first in reading order wins,
    then the lower channel. ValueError for another shape or more neurons than channels.
    """
    activations = checked_image(activations)
    _, width, channels = activations.shape
    if not 1 <= k <= channels:
        raise ValueError(f"There are 1 to {channels} neurons in distinct channels, not {k}.")
    flat = activations.reshape(-1, channels)
    where, peak = flat.argmax(axis=0), flat.max(axis=0)
    order = np.lexsort((np.arange(channels), where, -peak.astype(np.float64)))[:k]
    return [(*map(int, divmod(where[c], width)), int(c), float(peak[c])) for c in order]


def guided_backprop(model, image, layer, neuron, rule: str = "guided") -> np.ndarray:
    """Return d neuron / d image, (H, W, C), with the gradient at every ReLU changed by one of RULES.

    neuron: (row, col, channel) in the output of `layer`, further entries such as the activation are ignored; behind a
    dense layer its number. Where maxima are equal, a pooling sends the gradient to the first. ValueError for an unknown
    layer or rule, a neuron outside, and a rule other than "gradient" where not every activation is a ReLU.
    """
    return gradient_function(model, layer, rule)(image, neuron)


def gradient_function(model, layer, rule: str = "guided"):
    """Return f(image, neuron), which gives what `guided_backprop` does: the copy is made once for many neurons."""
    send_back = kind_of(model).gradients(model, layer_index(model, layer), _known([rule]))
    return lambda image, neuron: send_back(checked_image(image)[None], [neuron])[0][0, 0]


def class_gradients(model, images, classes, rule: str = "gradient", *, batch_size: int = 8):
    """Return d score of classes[n], before softmax, / d images[n], (N, H, W, C); ValueError as in `guided_backprop`."""
    images, classes = checked_batch(images, classes)
    evidence = evidence_function(model, [rule])
    parts = batches(len(images), batch_size, rule)
    return np.concatenate([evidence(images[part], classes[part])[0][0] for part in parts])


def evidence_function(model, rules: Sequence[str], layer=None):
    """Return f(images, classes) -> `class_gradients` by several rules, (R, N, H, W, C), and the output of `layer`."""
    also = -1 if layer is None else layer_index(model, layer)
    send_back = kind_of(model).gradients(model, None, _known(rules), also=also)
    return lambda images, classes: send_back(*checked_batch(images, classes))


def _known(rules: Sequence[str]) -> list:
    if unknown := set(rules) - set(RULES):
        raise ValueError(f"The rule is one of {', '.join(RULES)}, not {unknown.pop()!r}.")
    return [RULES[rule] for rule in rules]
