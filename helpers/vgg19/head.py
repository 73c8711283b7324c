"""A new head on a pretrained backbone, in one flat graph: trained as its `tail`, on activations computed once."""

import time

import numpy as np
from tqdm.auto import tqdm

from helpers import _checks
from helpers.store.cache import kept, key_of
from helpers.training import History, softmax_cross_entropy
from helpers.vgg19.backbone import tail
from helpers.vgg19.backend import keras, tf
from helpers.vgg19.weights import digest, layer_weights, set_layer_weights


def add_head(model, classes: int, *, seed: int, dropout: float = 0.0, units: int = 512):
    """Return `model` with a new head on its last layer, flat; the backbone's layers are shared with it and frozen.

    The head is global max pooling ("pooled"), a dense layer with ReLU ("hidden"), dropout where asked for, a dense
    layer ("logits", the class scores) and its "softmax". ValueError for classes or a seed that cannot be.
    """
    if classes < 2:
        raise ValueError(f"A classifier needs at least two classes, not {classes}.")
    _checks.whole_numbers(0, seed=seed)
    for layer in model.layers:
        layer.trainable = False
    hidden, logits, dropped = map(int, np.random.default_rng(seed).integers(2**31, size=3))
    glorot = keras.initializers.GlorotUniform
    x = keras.layers.GlobalMaxPooling2D(name="pooled")(model.output)
    x = keras.layers.Dense(units, "relu", kernel_initializer=glorot(hidden), name="hidden")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, seed=dropped, name="dropout")(x)
    x = keras.layers.Dense(classes, kernel_initializer=glorot(logits), name="logits")(x)
    x = keras.layers.Softmax(name="softmax")(x)
    return keras.Model(model.input, x, name=f"{model.name}_classifier")


def predict(model, x: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Return what `model` puts out for x, dropout off."""
    batches = (x[start : start + batch_size] for start in range(0, len(x), batch_size))
    return np.concatenate([model(batch, training=False).numpy() for batch in batches])


def train_head(model, train, val, *, seed, epochs=25, batch_size=16, learning_rate=1e-3, cache=None) -> History:
    """Train the head that `add_head` made, in place, with Adam; train and val are pairs (pooled features, labels).

    The epoch with the least validation loss stays. `cache` names a file that keeps the result for the same start, data
    and settings. ValueError when features (N, C), labels and head do not fit, FloatingPointError when scores are no
    longer numbers. Source: Kingma and Ba (2015).
    """
    # Adam's steps suit inputs of about 1, VGG's features reach hundreds. So the head learns from features divided by
    # their standard deviation, and its first kernel is divided by it afterwards: the same function of the features.
    scale = np.float32(float(np.std(train[0], dtype=np.float64)) or 1.0)
    scaled = [(x / scale, labels) for x, labels in (train, val)]
    return _kept_training(model, "pooled", [], *scaled, (seed, epochs, batch_size, learning_rate), cache, scale)


def tune_block5(model, train, val, *, seed, epochs=8, batch_size=16, learning_rate=1e-5, cache=None) -> History:
    """Tune block 5 and the head, in place, at a low rate; train and val are pairs (block4_pool activations, labels).

    The rest stays frozen, and block 5 is frozen again afterwards. Where tuning does not lower the validation loss,
    nothing changes. `cache` and errors as in `train_head`.
    """
    block5 = [layer for layer in model.layers if layer.name.startswith("block5_conv")]
    return _kept_training(model, "block4_pool", block5, train, val, (seed, epochs, batch_size, learning_rate), cache)


def _kept_training(model, after, tuned, train, val, settings, cache, scale=1.0) -> History:
    """Train what lies behind `after`, or take what was kept of it; the kernel of "hidden" is divided by `scale`."""
    names, hidden = [*(layer.name for layer in tuned), "hidden", "logits"], model.get_layer("hidden")

    def make() -> dict[str, np.ndarray]:
        for layer in tuned:
            layer.trainable = True
        try:
            history = _train(tail(model, after, "logits"), train, val, settings, keep_start=bool(tuned))
        finally:
            for layer in tuned:
                layer.trainable = False
        hidden.set_weights([hidden.get_weights()[0] / scale, hidden.get_weights()[1]])
        return layer_weights(model, names) | {f"history.{name}": np.array(of) for name, of in vars(history).items()}

    dropout = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    arrays = kept(cache, key_of(train_head, digest(model, names), dropout, *train, *val, settings), make)
    curves = {name: arrays.pop(f"history.{name}").tolist() for name in vars(History())}
    set_layer_weights(model, arrays)
    return History(**curves)


def training_step(model, optimizer):  # exercise 4.2
    """Return f(x, labels), which takes one step on a batch and returns the logits before it."""
    weights = model.trainable_variables
    optimizer.build(weights)

    def step(x, labels):
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, weights)
        optimizer.apply(gradients, weights)
        return logits

    inputs = tf.TensorSpec((None, *model.input.shape[1:]), tf.float32)
    batch = inputs, tf.TensorSpec((None,), tf.int64)
    return tf.function(step, input_signature=batch, autograph=False)


def _train(model, train, val, settings, *, keep_start: bool) -> History:
    seed, epochs, batch_size, learning_rate = settings
    _checks.whole_numbers(0, seed=seed)
    _checks.whole_numbers(epochs=epochs, batch_size=batch_size)
    _checks.rates(learning_rate, 0)
    (x, labels), (val_x, val_labels) = _checked(train, model), _checked(val, model)
    step, rng = training_step(model, keras.optimizers.Adam(learning_rate)), np.random.default_rng(seed)
    history, best = History(), model.get_weights()
    least = _score(predict(model, val_x, batch_size), val_labels)[0] if keep_start else np.inf
    for _ in tqdm(range(epochs), desc=f"training {'block 5' if keep_start else 'the head'}", unit="epoch"):
        start, order = time.perf_counter(), rng.permutation(len(x))
        batches = np.split(order, range(batch_size, len(x), batch_size))
        logits = np.concatenate([step(x[batch], labels[batch]).numpy() for batch in batches])
        if not np.isfinite(logits).all():
            raise FloatingPointError(f"The scores are no longer numbers: try a learning rate below {learning_rate}.")
        scores = (*_score(logits, labels[order]), *_score(predict(model, val_x, batch_size), val_labels))
        for name, value in zip(vars(history), (*scores, time.perf_counter() - start), strict=True):
            getattr(history, name).append(value)
        if history.val_loss[-1] < least:
            least, best = history.val_loss[-1], model.get_weights()
    model.set_weights(best)
    return history


def _score(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    return softmax_cross_entropy(logits, labels)[0], float(np.mean(logits.argmax(axis=1) == labels))


def _checked(split, model) -> tuple[np.ndarray, np.ndarray]:
    x, labels = split
    if x.shape[1:] != tuple(model.input.shape[1:]):
        raise ValueError(f"The features have the shape {x.shape}, this part of the model takes {model.input.shape}.")
    for row in x:  # a ReLU may turn NaN into 0, and nothing would be seen of it
        _checks.finite(row, "The features")
    return x, _checks.labels(labels, len(x), model.output.shape[-1]).astype(np.int64)
