"""What carries out a fit: the core's loop, or what looks like it from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import _briskmlp_core as core
from ._datasets import Dataset
from ._rates import RatesOfEpoch


class Report(Protocol):
    """The figures of one epoch; without an evaluation set two of them are NaN."""

    @property
    def epoch(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def eval_loss(self) -> float: ...
    @property
    def eval_metric(self) -> float: ...
    @property
    def seconds(self) -> float: ...


class Outcome(Protocol):
    """How a fit ended: after which epochs, in which epoch and step, and by which exception."""

    @property
    def epochs(self) -> Sequence[Report]: ...
    @property
    def epoch(self) -> int: ...
    @property
    def step(self) -> int: ...
    @property
    def diverged(self) -> bool: ...
    @property
    def error(self) -> BaseException | None: ...


OnEpoch = Callable[[Report], bool]  # true stops the fit
# Trains a network on a data set in place, evaluates on another after each epoch, and tells.
Algorithm = Callable[[core.Network, Dataset, Dataset | None, OnEpoch | None], Outcome]


@dataclass(frozen=True)
class EpochReport:
    """A `Report` made in Python."""

    epoch: int
    loss: float
    eval_loss: float
    eval_metric: float
    seconds: float


@dataclass(frozen=True)
class FitOutcome:
    """An `Outcome` made in Python."""

    epochs: Sequence[Report]
    epoch: int
    step: int
    diverged: bool
    error: BaseException | None


def descent(options: core.FitOptions, rates: RatesOfEpoch | None) -> Algorithm:
    """Minibatch after minibatch, as the core does it."""

    def run(
        network: core.Network, data: Dataset, eval_data: Dataset | None, on_epoch: OnEpoch | None
    ) -> Outcome:
        return core.fit(network, data, eval_data, options, on_epoch, rates)

    return run
