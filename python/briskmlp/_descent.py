"""A fit by gradient descent: the core's loop, and where it stands."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from . import _briskmlp_core as core
from ._algorithm import EpochReport, FitOutcome, OnEpoch, Outcome, Report, TrainingState
from ._datasets import Dataset
from ._optimizer import Optimizer
from ._own_loss import OwnLoss
from ._rates import RatesOfEpoch, rates_of
from ._training import Start
from ._validate import Array


def descent(
    optimizer: Optimizer,
    start: Start,
    own_loss: OwnLoss | None,
    *,
    layers: int,
    average: float,
    epochs: int,
    batches: int,
    **options: Any,
) -> Descent:
    """The epochs of so many batches that are missing from `epochs`, from where a fit begins.

    `options` are those of the core's that need no work here.
    """
    spec = optimizer.spec(layers, average)
    if start.training is not None and set(start.training.arrays) != set(spec.state_names()):
        had, has = ", ".join(sorted(start.training.arrays)), ", ".join(sorted(spec.state_names()))
        raise ValueError(
            f"momentum or average are not those of the training to resume: it keeps the arrays "
            f"{had}, this fit would keep {has}"
        )
    return Descent(
        core.FitOptions(
            epochs=max(1, epochs - len(start.history)),
            seed=start.seed,
            first_epoch=start.epochs_trained,
            steps_before=0 if start.training is None else start.training.steps,
            optimizer=spec,
            **options,
        ),
        rates_of(optimizer, epochs, batches, start.history),
        optimizer=optimizer.kind,
        batches=batches,
        resumed=start.training,
        own_loss=own_loss,
    )


class Descent:
    """Minibatch after minibatch, as the core does it."""

    def __init__(
        self,
        options: core.FitOptions,
        rates: RatesOfEpoch | None,
        *,
        optimizer: str,
        batches: int,
        resumed: TrainingState | None,
        own_loss: OwnLoss | None,
    ) -> None:
        self._options, self._rates, self._batches = options, rates, batches
        self._optimizer, self._resumed, self._own_loss = optimizer, resumed, own_loss
        self._network: core.Network | None = None
        self._folded: Array | None = None  # what the network had when an epoch was done
        self._epochs = 0

    def run(
        self,
        network: core.Network,
        data: Dataset,
        eval_data: Dataset | None,
        on_epoch: OnEpoch | None,
    ) -> Outcome:
        self._network = network
        arrays = None if self._resumed is None else self._resumed.arrays
        own = self._own_loss
        reports: list[Report] = []

        def epoch_done(report: Report) -> bool:
            self._epochs = report.epoch
            if self._options.batch_norm:
                self._folded = network.parameters.copy()
            if own is not None and eval_data is not None:
                start = time.perf_counter()
                figures = own.evaluate(network, eval_data)
                seconds = report.seconds + time.perf_counter() - start
                report = EpochReport(report.epoch, report.loss, *figures, seconds)
                reports.append(report)
            return on_epoch is not None and on_epoch(report)

        judged = own is not None and eval_data is not None
        outcome = core.fit(
            network,
            data,
            None if judged else eval_data,
            self._options,
            epoch_done if judged or on_epoch is not None else None,
            self._rates,
            resumed=arrays,
            loss=None if own is None else own.of_rows,
        )
        if not judged:
            return outcome
        reports += outcome.epochs[len(reports) :]  # one that could not be judged
        return FitOutcome(reports, outcome.epoch, outcome.step, outcome.diverged, outcome.error)

    def evaluate(self, network: core.Network, data: Dataset) -> tuple[float, float]:
        own = self._own_loss
        return network.evaluate(data) if own is None else own.evaluate(network, data)

    @property
    def has_schedule(self) -> bool:
        return self._rates is not None

    def learning_rate(self, epoch: int, step: int) -> float:
        if self._rates is None:
            return self._options.learning_rate
        return float(self._rates(epoch - 1, self._batches)[step - 1])

    def state(self) -> TrainingState | None:
        arrays = None if self._network is None else core.training_state(self._network)
        if self._network is None or arrays is None:
            return None
        if self._options.batch_norm:
            if self._folded is None or not np.array_equal(self._folded, self._network.parameters):
                raise RuntimeError(
                    "parameters that a callback changed after an epoch with batch_norm cannot be "
                    "gone on with before the next one is done"
                )
            return self._state_of(arrays)
        shown = arrays.get("average", arrays["weights"])
        if not np.array_equal(shown, self._network.parameters):  # a callback has been at them
            arrays["weights"] = self._network.parameters.copy()
            if "average" in arrays:
                arrays["average"] = arrays["weights"]
        return self._state_of(arrays)

    def _state_of(self, arrays: dict[str, Array]) -> TrainingState:
        steps = self._options.steps_before + self._epochs * self._options.steps(self._batches)
        own = self._own_loss is not None
        return TrainingState(
            self._optimizer, steps, False, own, arrays, {}, self._options.batch_norm
        )
