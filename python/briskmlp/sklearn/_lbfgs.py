"""Solver "lbfgs": SciPy's L-BFGS-B over the core's loss and gradient of all rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import scipy.optimize
from threadpoolctl import ThreadpoolController

from .. import _briskmlp_core as core
from .._layers import split
from .._state import build_like
from .._validate import Array
from ._criterion import factors
from ._stochastic import Rows


@cache
def controller() -> ThreadpoolController:
    """Of the libraries that are loaded by now: to look for them takes milliseconds."""
    return ThreadpoolController()


def minimise(
    network: core.Network,
    dataset: Rows,
    *,
    alpha: float,
    threads: int | None,
    on_step: Callable[[float], bool] | None,
    **options: float,
) -> Any:
    """Lower the loss of all rows, and return what SciPy has to say about it.

    The network has the parameters of the finished steps when `on_step` is told of their losses, and
    those of the best in the end. `on_step` ends it by true.
    """
    objective = Objective(network, dataset, alpha, threads)

    def step_done(intermediate_result: Any) -> None:
        network.parameters[...] = intermediate_result.x
        if on_step is not None and on_step(float(intermediate_result.fun)):
            raise StopIteration

    # SciPy's own part are sums over vectors, for which a team of BLAS's threads only waits.
    with controller().limit(limits=1, user_api="blas"):
        result = scipy.optimize.minimize(
            objective,
            network.parameters.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=None if on_step is None else step_done,
            options=options,
        )
    network.parameters[...] = result.x
    return result


class Objective:
    """The penalised loss and its gradient (P,), as scikit-learn defines them, in float64.

    In single precision a line search would soon find no better point.
    """

    def __init__(
        self, network: core.Network, dataset: Rows, alpha: float, threads: int | None
    ) -> None:
        self.network = build_like(network, dtype=np.dtype(np.float64))
        self.dataset, self.threads = dataset, threads
        self.factors = factors(network)
        _, targets, weights = dataset
        total = len(targets) if weights is None else float(weights.sum())
        self.decay = np.full(network.parameters.size, alpha / total)
        for bias in split(self.decay, network.sizes)[1]:
            bias[...] = 0

    def __call__(self, x: Array) -> tuple[float, Array]:
        self.network.parameters[...] = x
        loss, gradient = self.network.gradients(self.dataset, self.threads)
        pull = self.decay * x
        loss = loss * self.factors.value + 0.5 * float(pull @ x)
        gradient *= self.factors.gradient
        gradient += pull
        return loss, gradient
