"""Training on standardized data: a twin of the network learns, the network has it folded in."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from . import _briskmlp_core as core
from ._algorithm import (
    Algorithm,
    EpochReport,
    FitOutcome,
    OnEpoch,
    Outcome,
    Report,
    TrainingState,
)
from ._datasets import Dataset
from ._scaling import Scaling, scaling_of
from ._state import build_like

if TYPE_CHECKING:
    from ._network import Network


class Twin:
    """A copy of a network, for standardized data, and how the two are kept alike.

    Weights that are as they were drawn are taken for drawn with standardized data in mind. Any
    others make up a function of the data as they are, which the twin then is too.
    """

    def __init__(self, net: Network, scaling: Scaling) -> None:
        self.net, self.scaling = net, scaling
        self.network = build_like(net._network, scaling.loss)
        self.sizes = self.network.sizes
        self.network.initialize(net.seed, net.init)
        if not np.array_equal(self.network.parameters, net.parameters):
            self.take()
        self._note()

    def _note(self) -> None:
        """Remember what the two have: they are alike."""
        self._given, self._learnt = self.net.parameters.copy(), self.network.parameters.copy()

    def take(self) -> None:
        """Let the twin have what the network has."""
        self.network.parameters[...] = self.scaling.unfold(self.net.parameters, self.sizes)

    def give(self) -> None:
        """Let the network have what the twin has learnt since the last time, if anything."""
        if not np.array_equal(self.network.parameters, self._learnt):
            self.net.parameters[...] = self.scaling.fold(self.network.parameters, self.sizes)
            self._note()

    def take_changes(self) -> None:
        """Let the twin have what has been done to the network since the last time, if anything."""
        if not np.array_equal(self.net.parameters, self._given):
            self.take()
            self._note()


class Standardized:
    """An algorithm, for a network and a data set, on standardized data.

    Whoever follows it sees the network and the figures that belong to the data as they were given.
    """

    def __init__(
        self, algorithm: Algorithm, net: Network, data: Dataset, *, targets: bool = True
    ) -> None:
        self._algorithm, self._net = algorithm, net
        self._scaling = scaling_of(net._network, data, targets=targets)
        self._twin: Twin | None = None

    def run(
        self,
        network: core.Network,
        data: Dataset,
        eval_data: Dataset | None,
        on_epoch: OnEpoch | None,
    ) -> Outcome:
        twin = self._twin = Twin(self._net, self._scaling)
        reports: list[Report] = []

        def epoch_done(report: Report) -> bool:
            start = time.perf_counter()
            twin.give()
            told = self._in_given_units(report)
            if eval_data is not None:
                loss, metric = self._algorithm.evaluate(network, eval_data)
                told = replace(told, eval_loss=loss, eval_metric=metric)
            told = replace(told, seconds=told.seconds + time.perf_counter() - start)
            reports.append(told)
            stop = on_epoch is not None and on_epoch(told)
            twin.take_changes()
            return stop

        followed = on_epoch is not None or eval_data is not None
        try:
            ended = self._algorithm.run(
                twin.network,
                self._scaling.apply(data, self._net.dtype),
                None,
                epoch_done if followed else None,
            )
        finally:  # also on what is raised between two steps
            twin.give()
        reports += [self._in_given_units(report) for report in ended.epochs[len(reports) :]]
        return FitOutcome(reports, ended.epoch, ended.step, ended.diverged, ended.error)

    def _in_given_units(self, report: Report) -> EpochReport:
        loss = report.loss * self._scaling.loss_factor + self._scaling.loss_shift
        return EpochReport(report.epoch, loss, report.eval_loss, report.eval_metric, report.seconds)

    def evaluate(self, network: core.Network, data: Dataset) -> tuple[float, float]:
        return self._algorithm.evaluate(network, data)

    @property
    def has_schedule(self) -> bool:
        return self._algorithm.has_schedule

    def learning_rate(self, epoch: int, step: int) -> float:
        return self._algorithm.learning_rate(epoch, step)

    def state(self) -> TrainingState | None:
        if self._twin is not None:
            self._twin.take_changes()
        state = self._algorithm.state()
        return None if state is None else state._replace(standardized=True)
