"""The report's three trainings, each as a function of a `Training`: what chapters 3 and 4 do, once more.

A training gives the same numbers wherever and however often the same code and versions run it. With seed 0 and the
report's settings it is the chapters' own: the numbers agree up to what later changes of the code round differently.
"""

import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from helpers.data import datasets as data
from helpers.data.datasets import SPLITS
from helpers.network import SGD, History, evaluate, fit, report_cnn, softmax_cross_entropy
from helpers.store.cache import versions
from helpers.store.code import code_digest
from helpers.study.settings import SETTINGS, Training
from helpers.study.table import EPOCH, digest_of


class Prepared:
    """A data set for the trainings, with the hash by which finished ones are known and the largest class's images."""

    def __init__(self, name: str, cache: Path) -> None:
        self.dataset = data.load(name, cache=cache / f"{name}.npz" if name == "scenes" else None)
        self.name, self.digest, self._cache = self.dataset.name, digest_of(self.dataset), cache
        self.largest = int(np.bincount(self.dataset.train.labels).max())

    def arrays(self, network: str) -> dict[str, np.ndarray]:
        """Return what a training of `network` reads: "<split>.labels", and images or activations by split."""
        given = {f"{split}.labels": getattr(self.dataset, split).labels for split in SPLITS}
        if network == "scratch":
            return given | {f"{split}.images": getattr(self.dataset, split).images for split in SPLITS}
        return given | self._activations

    @cached_property
    def _activations(self) -> dict[str, np.ndarray]:
        from helpers.vgg19 import backbone  # TensorFlow, for those alone who need it

        model, arrays = backbone.build("bundled"), {}
        for split in SPLITS:
            kept, images = self._cache / f"{self.name}_block4_{split}.npz", getattr(self.dataset, split).images
            arrays[f"{split}.block4"] = backbone.features(model, images, "block4_pool", cache=kept)
            arrays[f"{split}.pooled"] = _pooled(model, arrays[f"{split}.block4"])
        return arrays


def train(training: Training, arrays: dict[str, np.ndarray]) -> dict:
    """Train on what `Prepared.arrays` returned, and return the result as `table.keep` takes it.

    The test images are measured with the report's settings only, so that no search can be led by them. Where other
    settings let the loss run away, "diverged" says why, in place of numbers. Raises what the training itself raises.
    """
    start, arrays = time.monotonic(), fewer(arrays, training.images_per_class, training.seed)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    result = {"code": code_digest(train), "versions": made_with}
    splits = SPLITS if training.is_reports else SPLITS[:2]
    try:
        scores, history = (_scratch if training.network == "scratch" else _vgg19)(training, arrays, splits)
    except FloatingPointError as error:
        if training.is_reports:
            raise
        result["diverged"] = str(error)
    else:
        for split, (loss, accuracy) in zip(splits, scores, strict=True):
            result |= {f"{split}_loss": float(loss), f"{split}_accuracy": float(accuracy)}
        result["history"] = {name: getattr(history, name) for name in EPOCH}
    return result | {"seconds": round(time.monotonic() - start, 1)}


def fewer(arrays: dict[str, np.ndarray], images: int, seed: int) -> dict[str, np.ndarray]:
    """Return the arrays with `images` training images of each class, drawn by the seed, in their own order."""
    labels, rng = arrays["train.labels"], np.random.default_rng([seed, images])
    of_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    if images >= max(map(len, of_class)):
        return arrays
    drawn = [rng.choice(members, min(images, len(members)), replace=False) for members in of_class]
    chosen = np.sort(np.concatenate(drawn))
    return {key: array[chosen] if key.startswith("train.") else array for key, array in arrays.items()}


def _pairs(arrays: dict, what: str, splits: Sequence[str] = SPLITS[:2]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(arrays[f"{split}.{what}"], arrays[f"{split}.labels"]) for split in splits]


def _settings(usual) -> dict:
    return {name: getattr(usual, name) for name in ("epochs", "batch_size", "learning_rate")}


def _scratch(training: Training, arrays: dict, splits: Sequence[str]) -> tuple[list, History]:
    first, order = (np.random.default_rng(training.seed) for _ in range(2))
    network = report_cnn(arrays["train.images"].shape[1], _classes(arrays), rng=first)
    options = {"epochs": training.epochs, "batch_size": training.batch_size, "rng": order}
    history = fit(network, *_pairs(arrays, "images"), optimizer=SGD(training.learning_rate), **options)
    return [evaluate(network, *pair) for pair in _pairs(arrays, "images", splits)], history


def _classes(arrays: dict) -> int:
    return int(max(arrays[f"{split}.labels"].max() for split in SPLITS)) + 1


def _vgg19(training: Training, arrays: dict, splits: Sequence[str]) -> tuple[list, History]:
    from helpers.vgg19 import backbone, head

    model = head.add_head(backbone.build("bundled"), _classes(arrays), seed=training.seed)
    tuned = training.network == "vgg19_tuned"
    usual = SETTINGS["vgg19_frozen"] if tuned else training
    history = head.train_head(model, *_pairs(arrays, "pooled"), seed=training.seed, **_settings(usual))
    if tuned:
        history = head.tune_block5(model, *_pairs(arrays, "block4"), seed=training.seed, **_settings(training))
    top, scores = head.tail(model, "pooled", "logits"), []
    for given, labels in _pairs(arrays, "block4" if tuned else "pooled", splits):
        logits = head.predict(top, _pooled(model, given) if tuned else given)
        scores.append((softmax_cross_entropy(logits, labels)[0], np.mean(logits.argmax(axis=1) == labels)))
    return scores, history


def _pooled(model, block4: np.ndarray) -> np.ndarray:
    from helpers.vgg19 import backbone

    return backbone.features(model, block4, "block5_pool", start="block4_pool").max(axis=(1, 2))
