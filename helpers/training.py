"""Loss, stochastic gradient descent and the loop that trains: what happens around a network."""

import time
from dataclasses import asdict, dataclass, field

import numpy as np
from tqdm.auto import tqdm

from helpers import _checks
from helpers.store.checkpoint import Checkpoint

SAVE_EVERY = 10  # epochs


def softmax(logits) -> np.ndarray:  # exercise 3.1
    """Return exp(z_k) / sum_j exp(z_j) along the last axis of logits (K,) or (N, K).

    The maximum is taken off first, so that nothing overflows. Raises ValueError for logits that are no finite numbers.
    Source: Goodfellow et al. (2016), section 4.1.
    """
    logits = _checks.logits(logits)
    _checks.finite(logits, "Logits")
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def softmax_cross_entropy(logits, labels) -> tuple[float, np.ndarray]:  # exercise 3.2
    """Return the mean of -log p[label] in nats and its gradient (p - onehot) / N.

    logits: (N, K); labels: (N,) whole numbers from 0 to K-1; the gradient is (N, K). The logarithm is taken of the sum,
    not of a probability that may have become 0. With logits that are no finite numbers, the loss is none either. Raises
    ValueError when the labels do not fit the logits. Source: Bridle (1990); Goodfellow et al. (2016), section 6.2.2.3.
    """
    logits = _checks.logits(logits, ndim=2)
    labels = _checks.labels(labels, *logits.shape)
    rows = np.arange(len(labels))
    with np.errstate(invalid="ignore"):  # inf - inf, of which `fit` tells in words
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dlogits = np.exp(log_p)
    dlogits[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), dlogits / len(labels)


def to_inputs(images) -> np.ndarray:
    """Return pixels as the network takes them: uint8 0..255 becomes float32 0..1, floats stay.

    Raises ValueError for any other type, and for numbers that are NaN or infinite.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    if images.dtype.kind != "f":
        kinds = "uint8 (0 to 255) or floating-point numbers"
        raise ValueError(f"Images must be {kinds}, not {images.dtype}.")
    _checks.finite(images, "Images")
    return images


class SGD:
    """Stochastic gradient descent: w <- w - rate g; with momentum v <- momentum v - rate g, w <- w + v.

    Source: Robbins and Monro (1951); momentum: Sutskever et al. (2013), equations 1 and 2.
    """

    def __init__(self, learning_rate: float, momentum: float = 0.0) -> None:
        _checks.rates(learning_rate, momentum)
        self.learning_rate, self.momentum = float(learning_rate), float(momentum)
        self.velocity: dict[str, np.ndarray] = {}

    def step(self, model) -> None:
        """Have every layer of `model` apply the rule, in place; RuntimeError without gradients."""
        for number, layer in enumerate(model.layers):
            layer.update(self.rule, self._velocity_of(number, layer))

    def rule(self, param, grad, velocity=None) -> None:  # exercise 3.10
        """Change a parameter by its gradient, and its velocity where there is momentum."""
        if velocity is None:
            param -= self.learning_rate * grad
        else:
            velocity *= self.momentum
            velocity -= self.learning_rate * grad
            param += velocity

    def _velocity_of(self, number: int, layer) -> dict[str, np.ndarray]:
        names = {name: f"{number}.{name}" for name in layer.params} if self.momentum else {}
        for name, key in names.items():
            if key not in self.velocity:
                self.velocity[key] = np.zeros_like(layer.params[name])
        return {name: self.velocity[key] for name, key in names.items()}


@dataclass
class History:
    """One number an epoch. `loss` and `accuracy` are means over its batches, while weights move."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def append(self, *numbers: float) -> None:
        """Add an epoch's numbers, in the order in which they stand above."""
        for values, number in zip(vars(self).values(), numbers, strict=True):
            values.append(number)


def evaluate(model, images, labels, batch_size: int = 30) -> tuple[float, float]:
    """Return the mean loss in nats and the share of images whose largest logit is their label's.

    Raises ValueError when images, labels and batch size do not fit.
    """
    _checks.whole_numbers(batch_size=batch_size)
    labels = _checks.labels(labels, len(images), model.classes)
    total, right = 0.0, 0
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        logits = model.predict(to_inputs(images[part]))
        total += softmax_cross_entropy(logits, labels[part])[0] * len(logits)
        right += int((logits.argmax(axis=1) == labels[part]).sum())
    return total / len(images), right / len(images)


@np.errstate(over="ignore", invalid="ignore")  # `_check_loss` says it in words
def fit(model, train, val, *, optimizer, epochs, batch_size, rng, checkpoint=None):
    """Train `model` for `epochs` passes over `train` and return its history.

    train, val: objects with `.images` and `.labels`, or pairs of such arrays; `to_inputs` scales images batch by batch.
    `rng`, a NumPy Generator, draws the order of each epoch. With `checkpoint`, a path, the state is kept there every
    SAVE_EVERY epochs, and a training that was interrupted goes on from it, to the same bits; it is removed at the end.
    Raises ValueError when data or settings do not fit, FloatingPointError when the loss is no longer a number.
    """
    _checks.whole_numbers(epochs=epochs, batch_size=batch_size)
    train, val = _pair(train, model), _pair(val, model)
    state = Checkpoint(checkpoint, model, optimizer, rng, batch_size, *train)
    history = History(**state.resume(epochs))
    done, count = len(history.loss), -(-len(train[0]) // batch_size)
    with tqdm(None, "training", epochs * count, initial=done * count, unit="batch") as bar:
        for epoch in range(done, epochs):
            start = time.perf_counter()
            batches = _batches(len(train[0]), batch_size, rng)
            scores = _epoch(model, *train, batches, optimizer, epoch, bar)
            scores += evaluate(model, *val)
            _check_loss(scores[2], f"validation after epoch {epoch + 1}", optimizer)
            history.append(*scores, time.perf_counter() - start)
            bar.set_postfix(epoch=epoch + 1, loss=f"{scores[0]:.3g}", val=f"{scores[3]:.3f}")
            if (epoch + 1) % SAVE_EVERY == 0 and epoch + 1 < epochs:
                state.save(asdict(history))
    state.remove()
    return history


def _batches(count: int, batch_size: int, rng) -> list[np.ndarray]:
    """Return the numbers of all images, each once, in a new order, cut into batches."""
    _checks.generator(rng)
    order = rng.permutation(count)
    return [order[k : k + batch_size] for k in range(0, count, batch_size)]


def _epoch(model, images, labels, batches, optimizer, epoch, bar) -> tuple:  # exercise 3.11
    """Learn from every batch; return the mean loss and the share that was right beforehand."""
    total, right = 0.0, 0
    for number, batch in enumerate(batches, start=1):
        logits = model.forward(to_inputs(images[batch]))
        loss, dlogits = softmax_cross_entropy(logits, labels[batch])
        _check_loss(loss, f"epoch {epoch + 1}, batch {number}", optimizer)
        model.backward(dlogits, need_dx=False)
        optimizer.step(model)
        total += loss * len(batch)
        right += int((logits.argmax(axis=1) == labels[batch]).sum())
        bar.update()
    return total / len(images), right / len(images)


def _check_loss(loss: float, place: str, optimizer) -> None:
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"The loss became {loss} in {place}, with the learning rate {optimizer.learning_rate}: "
            "try a smaller one, or check that the inputs are scaled."
        )


def _pair(split, model) -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels, after a look at the labels: now, not after an epoch."""
    images, labels = (split.images, split.labels) if hasattr(split, "images") else split
    return images, _checks.labels(labels, len(images), model.classes)
