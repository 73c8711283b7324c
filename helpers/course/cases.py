"""What an exercise is, and the small inputs that its functions are tried on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np


@dataclass(frozen=True)
class Case:
    """One try: what is given, said in words where that helps, and call(), which returns named results."""

    given: dict
    call: Callable[[], dict]


@dataclass(frozen=True)
class Exercise:
    """A function or a few of one file to write; cases(module, rng) yields what they are tried on."""

    number: str
    functions: str  # as "helpers.layers: ReLU.forward ReLU.backward"
    equation: str  # its label in the notebooks
    task: str
    hint: str
    cases: Callable[[ModuleType, np.random.Generator], Iterator[Case]]
    tolerance: float = 1e-9
    points: int = 2

    @property
    def module(self) -> str:
        """The module that holds the functions."""
        return self.functions.partition(":")[0]

    @property
    def names(self) -> list[str]:
        """The functions' names, a method's with its class."""
        return self.functions.partition(":")[2].split()

    @property
    def sentence(self) -> str:
        """What stands in place of the functions' bodies."""
        return f"Exercise {self.number}: {self.task}"


def given(function: Callable, outputs: str, **arguments) -> Case:
    """Return the case function(**arguments), whose result is named, or its parts are where there are several."""
    names = outputs.split()

    def call() -> dict:
        result = function(**arguments)
        return dict(zip(names, result if len(names) > 1 else [result], strict=True))

    return Case(arguments, call)


def rules(z, delta) -> dict:
    """Return what the three rules at a ReLU are given."""
    return {"z": z, "delta": delta, "positive": lambda a: (a > 0).astype(float)}
