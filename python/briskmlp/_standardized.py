"""Training on standardized data: a twin of the network learns, the network has it folded in."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from . import _briskmlp_core as core
from ._algorithm import Algorithm, EpochReport, FitOutcome, OnEpoch, Outcome, Report
from ._datasets import Dataset
from ._scaling import Scaling, scaling_of
from ._state import build

if TYPE_CHECKING:
    from ._network import Network


class Twin:
    """A copy of a network, for standardized data, and how the two are kept alike.

    Weights that are as they were drawn are taken for drawn with standardized data in mind. Any
    others make up a function of the data as they are, which the twin then is too.
    """

    def __init__(self, net: Network, scaling: Scaling) -> None:
        self.net, self.scaling = net, scaling
        self.network = net.copy()._network
        self.sizes = self.network.sizes
        drawn = build(self.sizes, list(net.activations), net.loss, net.dtype)
        drawn.initialize(net.seed, net.init)
        if not np.array_equal(drawn.parameters, net.parameters):
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


def standardized(algorithm: Algorithm, net: Network, data: Dataset) -> Algorithm:
    """The same algorithm, for this network and data set, on standardized data.

    Whoever follows it sees the network and the figures that belong to the data as they were given.
    """
    scaling = scaling_of(net._network, data)

    def run(
        network: core.Network, data: Dataset, eval_data: Dataset | None, on_epoch: OnEpoch | None
    ) -> Outcome:
        twin = Twin(net, scaling)
        reports: list[Report] = []

        def in_given_units(report: Report) -> EpochReport:
            loss = report.loss * scaling.loss_factor + scaling.loss_shift
            return EpochReport(
                report.epoch, loss, report.eval_loss, report.eval_metric, report.seconds
            )

        def epoch_done(report: Report) -> bool:
            start = time.perf_counter()
            twin.give()
            told = in_given_units(report)
            if eval_data is not None:
                loss, metric = network.evaluate(eval_data)
                told = replace(told, eval_loss=loss, eval_metric=metric)
            told = replace(told, seconds=told.seconds + time.perf_counter() - start)
            reports.append(told)
            stop = on_epoch is not None and on_epoch(told)
            twin.take_changes()
            return stop

        followed = on_epoch is not None or eval_data is not None
        try:
            ended = algorithm(
                twin.network,
                scaling.apply(data, net.dtype),
                None,
                epoch_done if followed else None,
            )
        finally:  # also on what is raised between two steps
            twin.give()
        reports += [in_given_units(report) for report in ended.epochs[len(reports) :]]
        return FitOutcome(reports, ended.epoch, ended.step, ended.diverged, ended.error)

    return run
