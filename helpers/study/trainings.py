"""The report's three trainings, each as a function of a `Training`: what chapters 3 and 4 do, once more.

A training gives the same numbers wherever and however often the same code and versions run it. With seed 0 and the
report's settings it is the chapters' own: the numbers agree up to what later changes of the code round differently.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np

from helpers.data import datasets as data
from helpers.data.datasets import SPLITS
from helpers.network import SGD, History, evaluate, fit, report_cnn, softmax_cross_entropy
from helpers.store.cache import versions
from helpers.store.code import code_digest
from helpers.study.settings import SETTINGS, Settings, Training
from helpers.study.table import EPOCH, digest_of


class Prepared:
    """A data set as the trainings take it: images, and what VGG19 makes of them, computed once and kept in `cache`."""

    def __init__(self, name: str, cache: Path) -> None:
        self.dataset = data.load(name, cache=cache / f"{name}.npz" if name == "scenes" else None)
        self.name, self._cache = self.dataset.name, cache
        self._splits = {split: getattr(self.dataset, split) for split in SPLITS}

    @cached_property
    def digest(self) -> str:
        """The hash by which finished trainings on this data are known."""
        return digest_of(self.dataset)

    @property
    def largest(self) -> int:
        """How many training images the largest class has."""
        return int(np.bincount(self.dataset.train.labels).max())

    def arrays(self, network: str) -> dict[str, np.ndarray]:
        """Return what a training of `network` reads: "<split>.labels", and images or activations by split."""
        given = {f"{name}.labels": split.labels for name, split in self._splits.items()}
        if network == "scratch":
            return given | {f"{name}.images": split.images for name, split in self._splits.items()}
        read = ("pooled", "block4") if network == "vgg19_tuned" else ("pooled",)
        return given | {key: array for key, array in self._activations.items() if key.endswith(read)}

    @cached_property
    def _activations(self) -> dict[str, np.ndarray]:
        from helpers.vgg19 import backbone as vgg19  # TensorFlow, for those alone who need it

        backbone, arrays = vgg19.build("bundled"), {}
        for name, split in self._splits.items():
            kept = [self._cache / f"{self.name}_{layer}_{name}.npz" for layer in ("block4", "block5")]
            block4 = vgg19.features(backbone, split.images, "block4_pool", cache=kept[0])
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
        for split, (loss, accuracy) in scores.items():
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


def _pair(arrays: dict, split: str, what: str) -> tuple[np.ndarray, np.ndarray]:
    return arrays[f"{split}.{what}"], arrays[f"{split}.labels"]


def _classes(arrays: dict) -> int:
    return int(max(arrays[f"{split}.labels"].max() for split in SPLITS)) + 1


def _scratch(training: Training, arrays: dict, splits: Sequence[str]) -> tuple[dict, History]:
    size = arrays["train.images"].shape[1]
    network = report_cnn(image_size=size, classes=_classes(arrays), rng=np.random.default_rng(training.seed))
    history = fit(
        network, _pair(arrays, "train", "images"), _pair(arrays, "val", "images"),
        optimizer=SGD(training.learning_rate), epochs=training.epochs, batch_size=training.batch_size,
        rng=np.random.default_rng(training.seed),
    )  # fmt: skip
    return {split: evaluate(network, *_pair(arrays, split, "images")) for split in splits}, history


def _vgg19(training: Training, arrays: dict, splits: Sequence[str]) -> tuple[dict, History]:
    from helpers.vgg19 import backbone as vgg19
    from helpers.vgg19 import head as transfer

    model = transfer.add_head(vgg19.build("bundled"), _classes(arrays), seed=training.seed)
    tuned = training.network == "vgg19_tuned"
    history = _learn(
        transfer.train_head, model, "pooled", arrays, training, SETTINGS["vgg19_frozen"] if tuned else training
    )
    if tuned:
        history = _learn(transfer.tune_block5, model, "block4", arrays, training, training)
    top, scores = transfer.tail(model, "pooled", "logits"), {}
    for split in splits:
        pooled, labels = _pair(arrays, split, "pooled")
        if tuned:
            block5 = vgg19.features(model, arrays[f"{split}.block4"], "block5_pool", start="block4_pool")
            pooled = block5.max(axis=(1, 2))
        logits = transfer.predict(top, pooled)
        scores[split] = softmax_cross_entropy(logits, labels)[0], np.mean(logits.argmax(axis=1) == labels)
    return scores, history


def _learn(
    learn: Callable, model, what: str, arrays: dict, training: Training, settings: Settings | Training
) -> History:
    return learn(
        model, _pair(arrays, "train", what), _pair(arrays, "val", what), seed=training.seed,
        epochs=settings.epochs, batch_size=settings.batch_size, learning_rate=settings.learning_rate,
    )  # fmt: skip


TRAIN = {"scratch": _scratch, "vgg19_frozen": _vgg19, "vgg19_tuned": _vgg19}
