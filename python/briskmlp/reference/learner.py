"""An optimizer applied to a network: what all rules have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._optimizer import Optimizer
from .activations import Array
from .folding import fold, unfold
from .optimizers import clipped, rule_of

if TYPE_CHECKING:
    from .network import MLP


class Learner:
    """Steps of an optimizer, with the parameters in groups, penalties, clipping and averaging.

    Rows that are `measured` are for batch norm; None: there is none.
    """

    def __init__(
        self, net: MLP, settings: Optimizer, average: float, measured: Array | None = None
    ) -> None:
        if measured is not None and not np.array_equal(net.parameters, net.drawn):
            unfold(net, measured)
        self.measured = measured
        self.net, self.settings, self.keep = net, settings, average
        self.rule = rule_of(settings, net.parameters, net.blocks(net.parameters))
        self.rate = 1.0 if callable(settings.rate) else settings.rate
        # What one entry of `groups` says of a layer or of its biases, for each parameter.
        self.rate_factors = np.ones_like(net.parameters)
        self.decays = np.ones_like(net.parameters)
        layer_rates = settings.groups.layer_rates or [1.0] * len(net.activations)
        for factors, decays, rate in zip(
            net.blocks(self.rate_factors), net.blocks(self.decays), layer_rates, strict=True
        ):
            factors[:] = rate
            decays[-1] = settings.groups.decay_biases  # the last row of a block are the biases
        self.steps = 0
        self.average = net.parameters.copy()
        self.raw = net.parameters.copy()

    def step(self, gradient: Array) -> None:
        """Change the network's parameters by the loss's gradient (P,)."""
        s, parameters = self.settings, self.net.parameters
        self.steps += 1
        gradient = clipped(s.clip, gradient + s.l1 * self.decays * np.sign(parameters))
        self.rule.step(
            parameters, gradient, self.rate * self.rate_factors, s.weight_decay * self.decays
        )
        keep = min(self.keep, (1 + self.steps) / (10 + self.steps))
        self.average = keep * self.average + (1 - keep) * parameters

    def pause(self) -> None:
        """Show what the parameters amount to: averaged, and without batch norm."""
        self.raw[:] = self.net.parameters
        if self.keep > 0:
            self.net.parameters[:] = self.average
        self.net.batch_norm = False
        if self.measured is not None:
            fold(self.net, self.measured)

    def resume(self) -> None:
        """Take the parameters up again where they were before the pause."""
        self.net.parameters[:] = self.raw
        self.net.batch_norm = self.measured is not None
