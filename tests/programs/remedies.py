"""Remedies for first steps that overshoot: `python tests/programs/remedies.py caltech101` trains with each in turn.

The network of chapter 3, its rate, batch and 25 epochs, seed 0: with the first dense layer's weights at a tenth of
their usual scale, or the last one's, or with a tenth of the rate in the first epoch. A line for each says what became
of the validation images; the test images are not looked at. A quarter of an hour on two cores.
"""

import sys

import numpy as np

from helpers import data
from helpers.network import SGD, fit, report_cnn

REMEDIES = {
    "none": ((1, 1), 1),
    "first dense layer at a tenth": ((0.1, 1), 1),
    "last layer at a tenth": ((1, 0.1), 1),
    "first epoch at a tenth of the rate": ((1, 1), 0.1),
}
EPOCHS, RATE = 25, 0.003


def train(dataset, scales: tuple[float, float], slower: float) -> tuple[float, float, float]:
    """Return the first epoch's training loss, and the last one's loss and accuracy of the validation images."""
    first, order = (np.random.default_rng(0) for _ in range(2))
    network = report_cnn(classes=len(dataset.class_names), rng=first)
    for layer, scale in zip((network.layers[7], network.layers[9]), scales, strict=True):
        layer.params["w"] *= np.float32(scale)
    histories = [
        fit(network, dataset.train, dataset.val, optimizer=SGD(rate), epochs=epochs, batch_size=10, rng=order)
        for rate, epochs in ((RATE * slower, 1), (RATE, EPOCHS - 1))
    ]
    return histories[0].loss[0], histories[1].val_loss[-1], histories[1].val_accuracy[-1]


def main() -> None:
    """Train with each remedy on the data set named."""
    dataset = data.load(*sys.argv[1:2] or ["scenes"])
    print(f"{'remedy':<36}{'first epoch':>12}{'validation loss':>17}{'accuracy':>10}")
    for name, settings in REMEDIES.items():
        first, loss, accuracy = train(dataset, *settings)
        print(f"{name:<36}{first:>12.2f}{loss:>17.4f}{accuracy:>10.3f}", flush=True)


if __name__ == "__main__":
    main()
