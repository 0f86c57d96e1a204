"""What carries out a fit: the core's loop, or what looks like it from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from . import _briskmlp_core as core
from ._datasets import Dataset
from ._validate import Array


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


class OnEpoch(Protocol):
    """Is told of an epoch; true stops the fit."""

    def __call__(self, report: Report, /) -> bool: ...


class TrainingState(NamedTuple):
    """Where a training stands after an epoch, beyond the parameters that its network shows."""

    optimizer: str  # its kind
    steps: int  # that it has made
    standardized: bool  # whether the arrays belong to standardized data
    own_loss: bool  # whether what it minimises is a function
    arrays: dict[str, Array]  # (P,) each, see `core.training_state`
    earlier: dict[int, Array]  # parameters (P,) after earlier epochs, see `Training.keep`
    batch_norm: bool = False  # whether they belong to hidden units with a batch norm

    @property
    def shown(self) -> bool:
        """Whether the network shows one of the arrays as they are."""
        return not (self.standardized or self.batch_norm)


class Algorithm(Protocol):
    """Trains a network in place."""

    def run(
        self,
        network: core.Network,
        data: Dataset,
        eval_data: Dataset | None,
        on_epoch: OnEpoch | None,
    ) -> Outcome:
        """Train on a data set, evaluate on another after each epoch, and tell."""

    def evaluate(self, network: core.Network, data: Dataset) -> tuple[float, float]:
        """Loss and metric on a data set, as it is told of after an epoch."""

    @property
    def has_schedule(self) -> bool:
        """Whether learning rates follow from what it tells of the epochs."""

    def learning_rate(self, epoch: int, step: int) -> float:
        """The rate of a step, both counted from 1 in this run."""

    def state(self) -> TrainingState | None:
        """Where it stands, after an epoch; None if it cannot be gone on with."""


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
