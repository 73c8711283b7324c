"""Which trainings a study is made of: the report's settings, seeds, numbers of images, and a search over settings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple


class Settings(NamedTuple):
    """A network's settings in the report, and the memory that a training with them takes, in GB."""

    learning_rate: float
    batch_size: int
    epochs: int
    memory_gb: float


SETTINGS = {
    "scratch": Settings(0.003, 10, 25, memory_gb=4.0),  # chapter 3, plain SGD; the last epoch's weights
    "vgg19_frozen": Settings(1e-3, 16, 25, memory_gb=1.0),  # chapter 4, Adam; the epoch of the least validation loss
    "vgg19_tuned": Settings(1e-5, 16, 8, memory_gb=2.0),  # block 5 and the head of vgg19_frozen, tuned
}


@dataclass(frozen=True)
class Training:
    """One training; it learns from `images_per_class` of each class, from all where a class has fewer.

    `name` is it in one word; the test images are used for those alone whose settings are the report's: `is_reports`.
    """

    dataset: str
    network: str
    seed: int
    images_per_class: int
    learning_rate: float
    batch_size: int
    epochs: int

    @property
    def name(self) -> str:
        settings = f"lr{self.learning_rate:g}_batch{self.batch_size}_epochs{self.epochs}"
        return f"{self.dataset}_{self.network}_images{self.images_per_class}_seed{self.seed}_{settings}"

    @property
    def is_reports(self) -> bool:
        return (self.learning_rate, self.batch_size) == SETTINGS[self.network][:2]


def grid(
    datasets: Iterable, networks: Sequence[str], seeds: int, sizes: Sequence[int] = (),
    learning_rates: Sequence[float] = (), batch_sizes: Sequence[int] = (), searched: int = 1, epochs: int | None = None,
) -> list[Training]:  # fmt: skip
    """Return the trainings of a study: every seed on all images and on `sizes` a class, and a search over settings.

    datasets: what has a `name` and the `largest` number of training images a class. Given learning rates and batch
    sizes are each tried with every other, on all images and the first `searched` seeds.
    ValueError for an unknown network or numbers that cannot be.
    """
    if unknown := [name for name in networks if name not in SETTINGS]:
        raise ValueError(f"There is no network {unknown[0]!r}: the study knows {', '.join(SETTINGS)}.")
    numbers = (seeds, searched, *sizes, *batch_sizes, *learning_rates, 1 if epochs is None else epochs)
    if not all(number > 0 for number in numbers):
        raise ValueError("Seeds, sizes, batch sizes, epochs and learning rates must be greater than 0.")
    made: dict[Training, None] = {}  # ordered, each once
    for data, network, seed in product(datasets, networks, range(seeds)):
        rate, batch, usual_epochs, _ = SETTINGS[network]
        choices = [(min(size, data.largest), rate, batch) for size in (data.largest, *sizes)]
        if seed < searched:
            choices += product([data.largest], learning_rates or [rate], batch_sizes or [batch])
        made |= {Training(data.name, network, seed, *choice, epochs or usual_epochs): None for choice in choices}
    return list(made)
