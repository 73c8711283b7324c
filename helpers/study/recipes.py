"""The report's three trainings, each as a function of a cell of the study: what chapters 3 and 4 do, once more.

A cell is one training: a data set, a network, a seed, how many images a class, and the settings. It gives the same
numbers wherever and however often the same code and versions run it. With seed 0 and the report's settings it is the
chapters' own training: the numbers agree up to what later changes of the code round differently. What `train` returns
names the code and the versions that it came from.
"""

import time
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from helpers.data import datasets as data
from helpers.network import SGD, evaluate, fit, report_cnn, softmax_cross_entropy
from helpers.store.cache import content_digest, versions
from helpers.store.code import code_digest

SPLITS = data.SPLITS


@dataclass(frozen=True)
class Recipe:
    """A network's settings in the report, and the memory that a training with them takes, in GB."""

    learning_rate: float
    batch_size: int
    epochs: int
    memory_gb: float


RECIPES = {
    "scratch": Recipe(0.003, 10, 25, memory_gb=4.0),  # chapter 3, plain SGD; the last epoch's weights
    "vgg19_frozen": Recipe(1e-3, 16, 25, memory_gb=1.0),  # chapter 4, Adam; the epoch of the least validation loss
    "vgg19_tuned": Recipe(1e-5, 16, 8, memory_gb=2.0),  # block 5 and the head of vgg19_frozen, tuned
}


@dataclass(frozen=True)
class Cell:
    """One training of the study; `images` is how many of each class it learns from, all where a class has fewer."""

    dataset: str
    network: str
    seed: int
    images: int
    learning_rate: float
    batch_size: int
    epochs: int

    @property
    def name(self) -> str:
        """The cell in one word, as in the name of its file."""
        settings = f"lr{self.learning_rate:g}_batch{self.batch_size}_epochs{self.epochs}"
        return f"{self.dataset}_{self.network}_images{self.images}_seed{self.seed}_{settings}"

    @property
    def is_reports(self) -> bool:
        """Whether the settings are the report's; the test images are used for these alone."""
        recipe = RECIPES[self.network]
        return (self.learning_rate, self.batch_size) == (recipe.learning_rate, recipe.batch_size)


class Prepared:
    """A data set as the trainings take it: images, and what VGG19 makes of them, computed once and kept in `cache`."""

    def __init__(self, name: str, cache: Path, *, size: int = 224, weights: str = "bundled") -> None:
        self.dataset = data.load(name, size, cache=cache / f"{name}.npz" if name == "scenes" else None)
        self.name, self.weights, self._cache = self.dataset.name, weights, cache
        self._splits = {split: getattr(self.dataset, split) for split in SPLITS}

    @cached_property
    def digest(self) -> str:
        """A hash of the images, their labels and the name of VGG19's weights: a cell is kept for these only.

        "bundled" names one file, since `vgg19.build` checks its hash; of a file of one's own it is the path alone.
        """
        arrays = [array for split in self._splits.values() for array in (split.images, split.labels)]
        return content_digest(*arrays, self.weights)

    @property
    def largest(self) -> int:
        """How many training images the largest class has."""
        return int(np.bincount(self.dataset.train.labels).max())

    def arrays(self, network: str) -> dict[str, np.ndarray]:
        """Return what a training of `network` reads: "<split>.labels", and images or activations by split."""
        given = {f"{name}.labels": split.labels for name, split in self._splits.items()}
        if network == "scratch":
            return given | {f"{name}.images": split.images for name, split in self._splits.items()}
        return given | {
            key: array for key, array in self._vgg19.items() if network == "vgg19_tuned" or "block" not in key
        }

    @cached_property
    def _vgg19(self) -> dict[str, np.ndarray]:
        from helpers.vgg19 import backbone as vgg19  # TensorFlow, for those alone who need it
        from helpers.vgg19 import head as transfer

        backbone, arrays = vgg19.build(self.weights), {}
        for name, split in self._splits.items():
            kept = [self._cache / f"{self.name}_{layer}_{name}.npz" for layer in ("block4", "block5")]
            block4 = vgg19.features(backbone, split.images, "block4_pool", cache=kept[0])
            block5 = vgg19.features(backbone, block4, "block5_pool", start="block4_pool", cache=kept[1])
            arrays |= {f"{name}.block4": block4, f"{name}.pooled": block5.max(axis=(1, 2))}
        names = [layer.name for layer in backbone.layers if layer.name.startswith("block5_conv")]
        return arrays | transfer.layer_weights(backbone, names)


def train(cell: Cell, arrays: dict[str, np.ndarray]) -> dict:
    """Train one cell on what `Prepared.arrays` returned, and return its losses and accuracies by split, as JSON takes.

    With them go the training's curves and seconds, the hash of its code ("code") and the packages' "versions".
    The test images are measured with the report's settings only, so that no search can be led by them. Where other
    settings let the loss run away, that is what was found: {"diverged": why} stands for all the numbers. Raises what
    the training itself raises.
    """
    start, arrays = time.monotonic(), fewer(arrays, cell.images, cell.seed)
    trainings = {"scratch": _scratch, "vgg19_frozen": _frozen, "vgg19_tuned": _tuned}
    made_with = {"code": code_digest(train), "versions": versions()}
    try:
        scores, history = trainings[cell.network](cell, arrays, SPLITS if cell.is_reports else SPLITS[:2])
    except FloatingPointError as error:
        if cell.is_reports:
            raise
        return {"diverged": str(error), "seconds": round(time.monotonic() - start, 1)} | made_with
    kept = {split: {"loss": float(loss), "accuracy": float(accuracy)} for split, (loss, accuracy) in scores.items()}
    curves = {name: values for name, values in asdict(history).items() if name != "seconds"}
    return kept | {"history": curves, "seconds": round(time.monotonic() - start, 1)} | made_with


def fewer(arrays: dict[str, np.ndarray], images: int, seed: int) -> dict[str, np.ndarray]:
    """Return the arrays with `images` training images of each class, drawn by the seed, in their own order."""
    labels, rng = arrays["train.labels"], np.random.default_rng([seed, images])
    of_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    if images >= max(map(len, of_class)):
        return arrays
    drawn = [rng.choice(members, min(images, len(members)), replace=False) for members in of_class]
    chosen = np.sort(np.concatenate(drawn))
    return {key: array[chosen] if key.startswith("train.") else array for key, array in arrays.items()}


def _pair(arrays: dict, split: str, what: str) -> tuple[np.ndarray, np.ndarray]:
    return arrays[f"{split}.{what}"], arrays[f"{split}.labels"]


def _classes(arrays: dict) -> int:
    return int(max(arrays[f"{split}.labels"].max() for split in SPLITS)) + 1


def _scratch(cell: Cell, arrays: dict, splits) -> tuple[dict, object]:
    size = arrays["train.images"].shape[1]
    network = report_cnn(image_size=size, classes=_classes(arrays), rng=np.random.default_rng(cell.seed))
    train_split, val = _pair(arrays, "train", "images"), _pair(arrays, "val", "images")
    history = fit(
        network, train_split, val, optimizer=SGD(cell.learning_rate), epochs=cell.epochs, batch_size=cell.batch_size,
        rng=np.random.default_rng(cell.seed),
    )  # fmt: skip
    return {split: evaluate(network, *_pair(arrays, split, "images")) for split in splits}, history


def _frozen(cell: Cell, arrays: dict, splits) -> tuple[dict, object]:
    from helpers.vgg19 import head as transfer
    from helpers.vgg19.backend import keras

    # A head knows nothing of its backbone but the channels: a layer that does nothing is backbone enough.
    inputs = keras.Input((1, 1, arrays["train.pooled"].shape[1]))
    backbone = keras.Model(inputs, keras.layers.Identity(name="block5_pool")(inputs))
    model = transfer.add_head(backbone, _classes(arrays), seed=cell.seed)
    history = _train_head(model, cell, cell.seed, arrays)
    return _scores(model, {split: _pair(arrays, split, "pooled") for split in splits}), history


def _tuned(cell: Cell, arrays: dict, splits) -> tuple[dict, object]:
    from helpers.vgg19 import backbone as vgg19
    from helpers.vgg19 import head as transfer

    model = transfer.add_head(_block5(arrays), _classes(arrays), seed=cell.seed)
    _train_head(model, RECIPES["vgg19_frozen"], cell.seed, arrays)
    history = transfer.tune_block5(
        model, _pair(arrays, "train", "block4"), _pair(arrays, "val", "block4"), seed=cell.seed, epochs=cell.epochs,
        batch_size=cell.batch_size, learning_rate=cell.learning_rate,
    )  # fmt: skip
    pooled = {}
    for split in splits:
        block4, labels = _pair(arrays, split, "block4")
        block5 = vgg19.features(model, block4, "block5_pool", start="block4_pool")
        pooled[split] = block5.max(axis=(1, 2)), labels
    return _scores(model, pooled), history


def _train_head(model, settings: Cell | Recipe, seed: int, arrays: dict):
    from helpers.vgg19 import head as transfer

    return transfer.train_head(
        model, _pair(arrays, "train", "pooled"), _pair(arrays, "val", "pooled"), seed=seed,
        epochs=settings.epochs, batch_size=settings.batch_size, learning_rate=settings.learning_rate,
    )  # fmt: skip


def _block5(arrays: dict):
    """Return block 5 alone, its weights from the arrays, as a model whose input is named block4_pool."""
    from helpers.vgg19 import head as transfer
    from helpers.vgg19.backend import keras

    weights = {key: array for key, array in arrays.items() if key.startswith("block5_conv")}
    x = inputs = keras.Input(arrays["train.block4"].shape[1:], name="block4_pool")
    for name in dict.fromkeys(key.rpartition(".")[0] for key in weights):
        kh, kw, _, filters = weights[f"{name}.0"].shape
        x = keras.layers.Conv2D(filters, (kh, kw), padding="same", activation="relu", name=name)(x)
    model = keras.Model(inputs, keras.layers.MaxPooling2D(2, 2, name="block5_pool")(x))
    transfer.set_layer_weights(model, weights)
    return model


def _scores(model, pooled: dict[str, tuple]) -> dict[str, tuple[float, float]]:
    from helpers.vgg19 import head as transfer

    head, scores = transfer.tail(model, "pooled", "logits"), {}
    for split, (x, labels) in pooled.items():
        logits = transfer.predict(head, x)
        scores[split] = softmax_cross_entropy(logits, labels)[0], float(np.mean(logits.argmax(axis=1) == labels))
    return scores
