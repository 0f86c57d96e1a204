"""Stand-in: scikit-learn's steps in NumPy, on the core's gradients."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _briskmlp_core as core
from .._layers import split
from .._validate import Array
from ._criterion import factors


@dataclass(frozen=True)
class SolverSettings:
    """How to step."""

    solver: str
    learning_rate_init: float
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    alpha: float
    dropout: float | list[float] = 0.0
    weight_decay: float = 0.0
    threads: int | None = None


class StochasticSolver:
    """Steps of scikit-learn's adam or sgd on a network, kept between calls."""

    def __init__(self, network: core.Network, settings: SolverSettings) -> None:
        self.network, self.settings = network, settings
        self.learning_rate = settings.learning_rate_init
        size = network.parameters.size
        self.m, self.v, self.t = np.zeros(size), np.zeros(size), 0
        self.decay = np.ones(size)
        for bias in split(self.decay, network.sizes)[1]:
            bias[...] = 0

    def moved_to(self, network: core.Network) -> StochasticSolver:
        """A copy of the solver, where it stands, for another network of the same kind."""
        twin = copy.deepcopy(self)
        twin.network = network
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "network"}

    def run(
        self,
        dataset: tuple[Any, Array, Array | None],
        *,
        batch_size: int,
        epochs: int,
        order: Callable[[], NDArray[np.uint32] | None],
        on_epoch: Callable[[float], bool],
    ) -> None:
        """Train."""
        X, y, w = dataset
        rows = X.shape[0]
        value, gradient_factor = factors(self.network)
        theta = self.network.parameters
        for _ in range(epochs):
            numbers = order()
            if numbers is None:
                numbers = np.arange(rows, dtype=np.uint32)
            total = 0.0
            for start in range(0, len(numbers), batch_size):
                batch = numbers[start : start + batch_size]
                x = X[batch]
                x = x.toarray() if hasattr(x, "toarray") else x
                wb = None if w is None else w[batch]
                weight_sum = len(batch) if wb is None else wb.sum()
                loss, g = self.network.gradients((x, y[batch], wb))
                wt = self.decay * theta
                penalty = 0.5 * self.settings.alpha * (wt @ wt) / weight_sum
                total += (loss * value + penalty) * len(batch)
                g = g * gradient_factor + self.settings.alpha * wt / weight_sum
                self._step(theta, g)
            if on_epoch(total / len(numbers)):
                break

    def _step(self, theta: Array, g: Array) -> None:
        s = self.settings
        if s.solver == "sgd":
            self.m = s.momentum * self.m - self.learning_rate * g
            step = s.momentum * self.m - self.learning_rate * g if s.nesterovs_momentum else self.m
        else:
            self.t += 1
            self.m = s.beta_1 * self.m + (1 - s.beta_1) * g
            self.v = s.beta_2 * self.v + (1 - s.beta_2) * g**2
            rate = math.sqrt(1 - s.beta_2**self.t) / (1 - s.beta_1**self.t)
            self.learning_rate = s.learning_rate_init * rate
            step = -self.learning_rate * self.m / (np.sqrt(self.v) + s.epsilon)
        theta += step - self.learning_rate * s.weight_decay * self.decay * theta
