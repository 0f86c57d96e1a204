"""What a library must be able to do to be compared, and the task that each is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, ClassVar

from numpy.typing import NDArray

from .workloads import Workload

Array = NDArray[Any]
AfterEpoch = Callable[[], bool]  # called after an epoch; training stops if it says true

# Adam as in its paper, with the same numbers for everyone.
LEARNING_RATE = 1e-3
BETAS = (0.9, 0.999)
EPSILON = 1e-8


class UnsupportedError(Exception):
    """The library cannot do this task; the message says why."""


@dataclass(frozen=True)
class Task:
    """One training: data, first parameters, and what there is to compute with."""

    workload: Workload
    dtype: str
    threads: int
    seed: int
    X: Array  # (M, in)
    y: Array  # class numbers (M,) for "cross_entropy", else (M, out)
    weights: list[Array]  # (K, N) each: where training starts
    biases: list[Array]  # (N,) each

    @classmethod
    def of(
        cls, workload: Workload, dtype: str, threads: int, data: tuple[Array, Array], seed: int = 0
    ) -> Task:
        """Make the task that starts from the parameters that our network starts from."""
        net = workload.network(dtype=dtype, seed=seed)
        weights, biases = list(net.weights), list(net.biases)
        return cls(workload, dtype, threads, seed, *data, weights, biases)

    @property
    def classifies(self) -> bool:
        """Whether the targets are class numbers."""
        return self.workload.loss == "cross_entropy"


class Contestant(ABC):
    """A library with the network of a task, trained by Adam in shuffled minibatches.

    A subclass imports its library in `__init__`, starts from the parameters of the task, and
    computes in its dtype with its number of threads.
    """

    title: ClassVar[str]
    modules: ClassVar[tuple[str, ...]]  # that it imports
    distributions: ClassVar[tuple[str, ...]]  # whose versions matter
    measures: ClassVar[tuple[str, ...]] = ("train", "predict", "row")
    environment: ClassVar[Mapping[str, str]] = MappingProxyType({})  # beside that of all
    # Whether its Adam adds epsilon before v's bias is corrected, as the paper's faster form does.
    epsilon_hat: ClassVar[bool] = False
    by_default: ClassVar[bool] = True  # or only when it is named

    @abstractmethod
    def __init__(self, task: Task) -> None: ...

    @classmethod
    def installed(cls) -> bool:
        """Whether its library is here; it is not imported."""
        return all(find_spec(module.split(".")[0]) for module in cls.modules)

    @abstractmethod
    def fit(
        self, epochs: int, *, shuffle: bool = True, after_epoch: AfterEpoch | None = None
    ) -> list[float]:
        """Train as a user of the library would; returns each epoch's mean loss.

        The loss of a batch is taken before its step; an epoch's is the mean over its rows.
        """

    @abstractmethod
    def predict(self, X: Array) -> Array:
        """From rows (M, in) or one row (in,) in NumPy to probabilities or numbers in NumPy.

        One row may give (out,) or (1, out).
        """
