"""The report's three trainings, each as a function of a `Training`: what chapters 3 and 4 do, once more.

A training gives the same numbers wherever and however often the same code and versions run it. With seed 0 and the
report's settings it is the chapters' own: the numbers agree up to what later changes of the code round differently.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict
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
    """A data set as the trainings take it: images, and what VGG19 makes of them, computed once and kept in `cache`.

    `digest` is the hash by which finished trainings on it are known, `largest` the largest class's training images.
    """

    def __init__(self, name: str, cache: Path) -> None:
        self.dataset = data.load(name, cache=cache / f"{name}.npz" if name == "scenes" else None)
        self.name, self.digest, self._cache = self.dataset.name, digest_of(self.dataset), cache
        self.largest = int(np.bincount(self.dataset.train.labels).max())

    def arrays(self, network: str) -> dict[str, np.ndarray]:
        """Return what a training of `network` reads: "<split>.labels", and images or activations by split."""
        given = {f"{split}.labels": getattr(self.dataset, split).labels for split in SPLITS}
        if network == "scratch":
            return given | {f"{split}.images": getattr(self.dataset, split).images for split in SPLITS}
        read = ("pooled", "block4") if network == "vgg19_tuned" else ("pooled",)
        return given | {key: array for key, array in self._activations.items() if key.endswith(read)}

    @cached_property
    def _activations(self) -> dict[str, np.ndarray]:
        from helpers.vgg19 import backbone as vgg19  # TensorFlow, for those alone who need it

        backbone, arrays = vgg19.build("bundled"), {}
        for name in SPLITS:
            kept = [self._cache / f"{self.name}_{layer}_{name}.npz" for layer in ("block4", "block5")]
            block4 = vgg19.features(backbone, getattr(self.dataset, name).images, "block4_pool", cache=kept[0])
            block5 = vgg19.features(backbone, block4, "block5_pool", start="block4_pool", cache=kept[1])
            arrays |= {f"{name}.block4": block4, f"{name}.pooled": block5.max(axis=(1, 2))}
        return arrays


def train(training: Training, arrays: dict[str, np.ndarray]) -> dict:
    """Train on what `Prepared.arrays` returned, and return "<split>_loss", "<split>_accuracy" and the "history".

    With them go "seconds", the hash of the code and the packages' versions. The test images are measured with the
    report's settings only, so that no search can be led by them. Where other settings let the loss run away, that is
    what was found: "diverged" says why, in place of the numbers. Raises what the training itself raises.
    """
    start, arrays = time.monotonic(), fewer(arrays, training.images_per_class, training.seed)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    result = {"code": code_digest(train), "versions": made_with}
    splits = SPLITS if training.is_reports else SPLITS[:2]
    try:
        scores, history = TRAIN[training.network](training, arrays, splits)
    except FloatingPointError as error:
        if training.is_reports:
            raise
        result["diverged"] = str(error)
    else:
        for split, (loss, accuracy) in zip(splits, scores, strict=True):
            result |= {f"{split}_loss": float(loss), f"{split}_accuracy": float(accuracy)}
        result["history"] = {name: asdict(history)[name] for name in EPOCH}
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


def _pairs(arrays: dict, what: str, splits: Sequence[str] = SPLITS) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(arrays[f"{split}.{what}"], arrays[f"{split}.labels"]) for split in splits]


def _classes(arrays: dict) -> int:
    return int(max(arrays[f"{split}.labels"].max() for split in SPLITS)) + 1


def _scratch(training: Training, arrays: dict, splits: Sequence[str]) -> tuple[list, History]:
    first, order = (np.random.default_rng(training.seed) for _ in range(2))
    train, val, _ = _pairs(arrays, "images")
    network = report_cnn(image_size=train[0].shape[1], classes=_classes(arrays), rng=first)
    options = {"epochs": training.epochs, "batch_size": training.batch_size, "rng": order}
    history = fit(network, train, val, optimizer=SGD(training.learning_rate), **options)
    return [evaluate(network, *pair) for pair in _pairs(arrays, "images", splits)], history


def _vgg19(training: Training, arrays: dict, splits: Sequence[str]) -> tuple[list, History]:
    from helpers.vgg19 import backbone as vgg19
    from helpers.vgg19 import head as transfer

    model = transfer.add_head(vgg19.build("bundled"), _classes(arrays), seed=training.seed)
    tuned = training.network == "vgg19_tuned"
    steps = [(transfer.train_head, "pooled", SETTINGS["vgg19_frozen"] if tuned else training)]
    for learn, what, usual in steps + [(transfer.tune_block5, "block4", training)] * tuned:
        settings = {name: getattr(usual, name) for name in ("epochs", "batch_size", "learning_rate")}
        history = learn(model, *_pairs(arrays, what, SPLITS[:2]), seed=training.seed, **settings)
    top, scores = transfer.tail(model, "pooled", "logits"), []
    for given, labels in _pairs(arrays, "block4" if tuned else "pooled", splits):
        if tuned:
            given = vgg19.features(model, given, "block5_pool", start="block4_pool").max(axis=(1, 2))
        logits = transfer.predict(top, given)
        scores.append((softmax_cross_entropy(logits, labels)[0], np.mean(logits.argmax(axis=1) == labels)))
    return scores, history


TRAIN = {"scratch": _scratch, "vgg19_frozen": _vgg19, "vgg19_tuned": _vgg19}
