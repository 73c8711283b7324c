"""Loss, stochastic gradient descent and the loop that trains: everything that happens around a network."""

import time
from dataclasses import asdict, dataclass, field
from numbers import Real

import numpy as np
from tqdm.auto import tqdm

from helpers.convolution import check_rng
from helpers.store.checkpoint import Checkpoint


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return exp(z_k) / sum_j exp(z_j) along the last axis; the maximum is taken off first, so nothing overflows.

    Source: Goodfellow et al. (2016), section 4.1.
    """
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def softmax_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean of -log p[label] in nats and its gradient (p - onehot) / N.

    logits: (N, K); labels: (N,) whole numbers from 0 to K-1; the gradient is (N, K). The logarithm is taken of the
    sum, not of a probability that may have become 0. Raises ValueError when the labels do not fit the logits.
    Source: Bridle (1990); Goodfellow et al. (2016), section 6.2.2.3.
    """
    logits = np.asarray(logits)
    if logits.ndim != 2:
        raise ValueError(f"Logits must be an array (N, K), not {logits.shape}.")
    labels = check_labels(labels, *logits.shape)
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dlogits = np.exp(log_p)
    dlogits[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), dlogits / len(labels)


def check_labels(labels: np.ndarray, count: int, classes: int) -> np.ndarray:
    """Return the labels as an array; ValueError unless they are `count` whole numbers from 0 to classes - 1."""
    labels = np.asarray(labels)
    if count == 0 or labels.shape != (count,):
        raise ValueError(f"{count} images need a list of as many labels, at least one; got the shape {labels.shape}.")
    if labels.dtype.kind not in "iu":
        raise ValueError(f"Labels must be whole numbers, not {labels.dtype}.")
    if labels.min() < 0 or labels.max() >= classes:
        wrong = labels[(labels < 0) | (labels >= classes)][0]
        raise ValueError(f"A label is {wrong}, but with {classes} classes labels go from 0 to {classes - 1}.")
    return labels


def check_counts(**counts) -> None:
    """Raise ValueError for the first of the named numbers that is not a whole number of at least 1."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}.")


def to_inputs(images: np.ndarray) -> np.ndarray:
    """Return pixels as the network takes them: uint8 0..255 becomes float32 0..1, floating-point numbers stay.

    Raises ValueError for any other type, for no images, and for numbers that are NaN or infinite.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    if images.dtype.kind != "f":
        raise ValueError(f"Images must be uint8 (0 to 255) or floating-point numbers, not {images.dtype}.")
    if not np.isfinite(images).all():
        raise ValueError("Images hold numbers that are NaN or infinite: look at where they come from.")
    return images


class SGD:
    """Stochastic gradient descent: v <- momentum v - rate g, w <- w + v; plain SGD, w <- w - rate g, without momentum.

    Source: Robbins and Monro (1951); momentum: Sutskever et al. (2013), equations 1 and 2.
    """

    def __init__(self, learning_rate: float, momentum: float = 0.0) -> None:
        if not (isinstance(learning_rate, Real) and np.isfinite(learning_rate) and learning_rate > 0):
            raise ValueError(f"The learning rate must be a positive number, not {learning_rate!r}.")
        if not (isinstance(momentum, Real) and 0 <= momentum < 1):
            raise ValueError(f"The momentum must be from 0 to below 1, not {momentum!r}.")
        self.learning_rate, self.momentum = float(learning_rate), float(momentum)
        self.velocity: dict[str, np.ndarray] = {}

    def step(self, model) -> None:
        """Change the parameters of every layer of `model`, in place, by its gradients; RuntimeError without them."""
        for number, layer in enumerate(model.layers):
            if self.momentum:
                for name, param in layer.params.items():
                    if f"{number}.{name}" not in self.velocity:
                        self.velocity[f"{number}.{name}"] = np.zeros_like(param)

            def update(name, rows, change, number=number, layer=layer):
                if self.momentum:
                    velocity = self.velocity[f"{number}.{name}"][rows]
                    velocity *= self.momentum
                    velocity += change
                    change = velocity
                layer.params[name][rows] += change

            layer.visit_grads(update, -self.learning_rate)


@dataclass
class History:
    """One number an epoch. `loss` and `accuracy` are means over the epoch's batches, taken while the weights move."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def evaluate(model, images: np.ndarray, labels: np.ndarray, batch_size: int = 30) -> tuple[float, float]:
    """Return the mean loss in nats and the share of images whose largest logit is their label's.

    Raises ValueError when images, labels and batch size do not fit.
    """
    check_counts(batch_size=batch_size)
    total, right = 0.0, 0
    labels = check_labels(labels, len(images), model.classes)
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        logits = model.predict(to_inputs(images[part]))
        total += softmax_cross_entropy(logits, labels[part])[0] * len(logits)
        right += int((logits.argmax(axis=1) == labels[part]).sum())
    return total / len(images), right / len(images)


def fit(
    model, train, val, *, optimizer: SGD, epochs: int, batch_size: int, rng, checkpoint=None, save_every: int = 5
) -> History:
    """Train `model` for `epochs` passes over `train` and return its history.

    train, val: objects with `.images` and `.labels`, or pairs of such arrays; images are scaled by `to_inputs`, batch
    by batch. `rng` draws the order of each epoch. With `checkpoint`, a path, the state is kept there every `save_every`
    epochs, and a training that was interrupted goes on from it, to the same bits; it is removed at the end.
    Raises ValueError when data or settings do not fit, FloatingPointError when the loss is no longer a number.
    """
    images, labels = _pair(train)
    labels = check_labels(labels, len(images), model.classes)
    check_labels(_pair(val)[1], len(_pair(val)[0]), model.classes)  # now, not after an epoch
    check_counts(epochs=epochs, batch_size=batch_size, save_every=save_every)
    check_rng(rng)
    history = History()
    state = Checkpoint(checkpoint, model, optimizer, rng, batch_size, images, labels) if checkpoint else None
    if state:
        history = History(**(state.resume() or {}))
        if len(history.loss) > epochs:
            raise ValueError(f"{checkpoint} holds {len(history.loss)} epochs, but {epochs} are asked for: delete it.")
    batches = -(-len(images) // batch_size)
    with tqdm(total=epochs * batches, initial=len(history.loss) * batches, desc="training", unit="batch") as bar:
        for epoch in range(len(history.loss), epochs):
            start = time.perf_counter()
            loss, accuracy = _epoch(model, images, labels, optimizer, batch_size, rng, bar, epoch)
            val_loss, val_accuracy = evaluate(model, *_pair(val))
            seconds = time.perf_counter() - start
            for name, value in zip(vars(history), (loss, accuracy, val_loss, val_accuracy, seconds), strict=True):
                getattr(history, name).append(value)
            bar.set_postfix(epoch=epoch + 1, loss=f"{loss:.3g}", val_accuracy=f"{val_accuracy:.3f}")
            if state and (epoch + 1) % save_every == 0 and epoch + 1 < epochs:
                state.save(asdict(history))
    if state:
        state.path.unlink(missing_ok=True)
    return history


def _pair(split) -> tuple[np.ndarray, np.ndarray]:
    return (split.images, split.labels) if hasattr(split, "images") else tuple(split)


def _epoch(model, images, labels, optimizer, batch_size, rng, bar, epoch) -> tuple[float, float]:
    total, right = 0.0, 0
    order = rng.permutation(len(images))
    for start in range(0, len(images), batch_size):
        batch = order[start : start + batch_size]
        logits = model.forward(to_inputs(images[batch]))
        loss, dlogits = softmax_cross_entropy(logits, labels[batch])
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"The loss became {loss} in epoch {epoch + 1}, batch {start // batch_size + 1}, with the learning rate "
                f"{optimizer.learning_rate}: try a smaller one, or check that the inputs are scaled."
            )
        model.backward(dlogits, need_dx=False)
        optimizer.step(model)
        total += loss * len(batch)
        right += int((logits.argmax(axis=1) == labels[batch]).sum())
        bar.update()
    return total / len(images), right / len(images)
