"""The solvers adam and sgd with the steps that scikit-learn takes, whole epochs in the core.

They differ from the optimizers of this package in four ways. The L2 penalty belongs to the sum of
a batch's losses, so that its slope is divided by the sum of the rows' weights, and it is part of
the loss that is told. The losses of several outputs are added up, not averaged, but for the squared
error, whose gradient alone is. Adam adds epsilon before the bias of v is taken away. The velocity
of SGD holds each gradient with the learning rate of its own step. A check is
`tests/test_sklearn_steps.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .. import _briskmlp_core as core
from .._sparse import CsrParts
from .._validate import Array
from ._criterion import factors

# X dense or as CSR's parts, targets as the core takes them, and the rows' weights.
Rows = tuple[Array | CsrParts, Array, Array | None]
Order = Callable[[], NDArray[np.uint32] | None]


@dataclass(frozen=True, kw_only=True)
class SolverSettings:
    """How to step. Names and defaults are those of scikit-learn's estimators.

    Parameters
    ----------
    solver
        "adam" or "sgd".
    learning_rate_init
        The learning rate to begin with.
    momentum, nesterovs_momentum
        Of sgd.
    beta_1, beta_2, epsilon
        Of adam.
    alpha
        L2 penalty on the weights, not the biases: alpha / 2 times the sum of their squares is added
        to the sum of a batch's losses.
    dropout
        The share of units that a row of a batch goes without, for each hidden layer; or nothing.
    weight_decay
        Decoupled: each step takes this multiple of the learning rate off the weights.
    threads
        At most so many; None for as many as `briskmlp.get_num_threads` says.
    seed
        Of the dropout.
    """

    solver: str = "adam"
    learning_rate_init: float = 1e-3
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    alpha: float = 1e-4
    dropout: Sequence[float] = ()
    weight_decay: float = 0.0
    threads: int | None = None
    seed: int = 0

    def spec(self) -> core.OptimizerSpec:
        """The same for the core, whose rate is 1 for that of each epoch to multiply."""
        own = (
            {
                "momentum": self.momentum,
                "nesterov": self.nesterovs_momentum,
                "rate_in_velocity": True,
                "decoupled": True,
            }
            if self.solver == "sgd"
            else {
                "betas": (self.beta_1, self.beta_2),
                "eps": self.epsilon,
                "plain_epsilon": True,
            }
        )
        return core.OptimizerSpec(
            "sgd" if self.solver == "sgd" else "adamw",
            learning_rate=1.0,
            weight_decay=self.weight_decay,
            row_decay=self.alpha,
            decay_biases=False,
            **own,
        )


class SolverState(NamedTuple):
    """Where a solver stands: all that its next step depends on, beside the parameters."""

    epochs: int
    steps: int
    learning_rate: float
    arrays: Mapping[str, Array]  # (P,) each; none before the first step


class StochasticSolver:
    """Steps of scikit-learn's adam or sgd on a network, one training over any number of runs.

    Parameters
    ----------
    network
        Trained in place.
    settings
        See `SolverSettings`.
    state
        The `state` of a solver with these settings whose training goes on.
    """

    def __init__(
        self, network: core.Network, settings: SolverSettings, state: SolverState | None = None
    ) -> None:
        self._network, self._settings = network, settings
        self._state = state or SolverState(0, 0, settings.learning_rate_init, {})
        self.learning_rate = self._state.learning_rate  # of the next epoch

    @property
    def state(self) -> SolverState:
        """Where it stands after the latest run; for another solver to go on from."""
        return self._state._replace(learning_rate=self.learning_rate)

    def moved_to(self, network: core.Network) -> Self:
        """A solver of its own that goes on from here on another network of the same kind."""
        return type(self)(network, self._settings, self.state)

    def set_alpha(self, alpha: float) -> None:
        """Change the penalty; of the settings scikit-learn looks at this one in every call."""
        self._settings = replace(self._settings, alpha=alpha)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_network"}

    def run(
        self,
        dataset: Rows,
        *,
        batch_size: int,
        epochs: int,
        order: Order,
        on_epoch: Callable[[float], bool],
    ) -> None:
        """Train for a number of epochs.

        Parameters
        ----------
        dataset
            Inputs (M, in), dense or the parts of a CSR matrix, targets, and weights (M,) or None.
            All of it finite, targets and weights of the network's type.
        batch_size
            Rows of a batch, in [1, M]; the last of an epoch may be smaller.
        epochs
            At least 1.
        order
            Called before each epoch: the numbers of the rows in their order (M,), or None for as
            they lie.
        on_epoch
            Told of each epoch's loss, the mean over the rows of their batch's loss and penalty
            before its step. The network's parameters are up to date, and may be changed, as may
            `learning_rate`. True stops.

        Raises
        ------
        FloatingPointError
            If the loss or a parameter is no longer finite. The network has the parameters with
            which the epoch of the lowest loss began, and the training cannot go on.
        """
        scale = factors(self._network)
        batches = -(-len(dataset[1]) // batch_size)
        done = 0

        def epoch_done(report: core.EpochReport) -> bool:
            nonlocal done
            done = report.epoch
            return on_epoch(scale.value * report.loss + report.penalty)

        outcome: core.FitOutcome | None = None
        try:
            outcome = core.fit(
                self._network,
                dataset,
                None,
                self._options(batch_size, epochs, scale.gradient),
                epoch_done,
                lambda _, count: np.full(count, self.learning_rate),
                resumed=self._resumed(),
                order=lambda _epoch, _rows: order(),
            )
        finally:
            steps = done * batches
            if outcome is not None:
                steps = max(steps, (outcome.epoch - 1) * batches + outcome.batches_done)
            self._keep_state(done, steps)
        if outcome.error is not None:
            raise outcome.error
        if outcome.diverged:
            raise FloatingPointError(
                f"the loss became non-finite in epoch {outcome.epoch}, step {outcome.step}"
            )

    def _options(self, batch_size: int, epochs: int, gradient_factor: float) -> core.FitOptions:
        settings = self._settings
        return core.FitOptions(
            epochs=epochs,
            batch_size=batch_size,
            shuffle=False,
            seed=settings.seed,
            first_epoch=self._state.epochs,
            batches_per_step=1,
            steps_before=self._state.steps,
            optimizer=settings.spec(),
            dropout=settings.dropout,
            noise=[],
            gradient_factor=gradient_factor,
            penalty=settings.alpha != 0,
            threads=settings.threads,
        )

    def _resumed(self) -> dict[str, Array] | None:
        """The arrays to go on from; the weights are those that the network has by now."""
        if not self._state.arrays:
            return None
        return dict(self._state.arrays) | {"weights": self._network.parameters.copy()}

    def _keep_state(self, epochs: int, steps: int) -> None:
        before = self._state
        arrays = core.training_state(self._network) if steps else before.arrays
        done = before.steps + steps if arrays else 0  # none are left of a training that diverged
        self._state = SolverState(before.epochs + epochs, done, self.learning_rate, arrays or {})
