"""The optimizers' rules. Each changes the flat vector of parameters in place, step by step."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .. import _config
from .activations import Array


class Rule(Protocol):
    """An optimizer at work: its settings and whatever it remembers from step to step."""

    def step(self, parameters: Array, gradient: Array) -> None:
        """Move `parameters` (P,) in place, given the loss's `gradient` (P,)."""


class SGD:
    """Steps along the gradient, or along its running sum, the velocity."""

    def __init__(self, settings: _config.SGD, parameters: Array) -> None:
        self.settings = settings
        self.velocity = np.zeros_like(parameters)

    def step(self, parameters: Array, gradient: Array) -> None:
        s = self.settings
        gradient = gradient + s.weight_decay * parameters
        self.velocity = s.momentum * self.velocity + gradient
        if s.nesterov:
            parameters -= s.learning_rate * (gradient + s.momentum * self.velocity)
        else:
            parameters -= s.learning_rate * self.velocity


class Adam:
    """Steps along the running mean of the gradient, by its own measure of scale."""

    def __init__(self, settings: _config.Adam | _config.AdamW, parameters: Array) -> None:
        self.settings = settings
        self.steps = 0
        self.mean = np.zeros_like(parameters)  # of the gradient: its first moment
        self.mean_square = np.zeros_like(parameters)  # its second moment

    def step(self, parameters: Array, gradient: Array) -> None:
        s = self.settings
        beta1, beta2 = s.betas
        if isinstance(s, _config.AdamW):
            parameters *= 1 - s.learning_rate * s.weight_decay
        else:
            gradient = gradient + s.weight_decay * parameters
        self.steps += 1
        self.mean = beta1 * self.mean + (1 - beta1) * gradient
        self.mean_square = beta2 * self.mean_square + (1 - beta2) * gradient**2
        # Both moments started at zero; dividing by 1 - beta^t takes that bias away.
        root_mean_square = np.sqrt(self.mean_square) / (1 - beta2**self.steps) ** 0.5
        step_size = s.learning_rate / (1 - beta1**self.steps)
        parameters -= step_size * self.mean / (root_mean_square + s.eps)


def rule_of(settings: _config.Optimizer, parameters: Array) -> Rule:
    """Make the rule that `settings` name, at its start, for parameters (P,)."""
    if isinstance(settings, _config.SGD):
        return SGD(settings, parameters)
    return Adam(settings, parameters)
