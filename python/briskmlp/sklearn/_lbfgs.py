"""Solver "lbfgs": SciPy's L-BFGS-B over the core's loss and gradient of all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from .. import _briskmlp_core as core
from .._layers import split
from .._state import build_like
from .._validate import Array
from ._criterion import factors
from ._inputs import dense_chunks, is_sparse


def minimise(
    network: core.Network,
    dataset: tuple[Any, Array, Array | None],
    *,
    alpha: float,
    on_step: Callable[[float], bool] | None,
    **options: float,
) -> Any:
    """Lower the loss of all rows, and return what SciPy has to say about it.

    The network has the parameters of the finished steps when `on_step` is told of their losses, and
    those of the best in the end. `on_step` ends it by true.
    """
    objective = Objective(network, dataset, alpha)

    def step_done(intermediate_result: Any) -> None:
        network.parameters[...] = intermediate_result.x
        if on_step is not None and on_step(float(intermediate_result.fun)):
            raise StopIteration

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
        self, network: core.Network, dataset: tuple[Any, Array, Array | None], alpha: float
    ) -> None:
        self.network = build_like(network, np.dtype(np.float64))
        self.dataset = dataset
        self.factors = factors(network)
        X, _, weights = dataset
        total = X.shape[0] if weights is None else float(weights.sum())
        self.decay = np.full(network.parameters.size, alpha / total)
        for bias in split(self.decay, network.sizes)[1]:
            bias[...] = 0

    def __call__(self, x: Array) -> tuple[float, Array]:
        self.network.parameters[...] = x
        loss, gradient = gradients(self.network, self.dataset)
        pull = self.decay * x
        loss = loss * self.factors.value + 0.5 * float(pull @ x)
        gradient *= self.factors.gradient
        gradient += pull
        return loss, gradient


def gradients(
    network: core.Network, dataset: tuple[Any, Array, Array | None]
) -> tuple[float, Array]:
    """The mean loss of all rows and its gradient (P,)."""
    X, y, weights = dataset
    if not is_sparse(X):
        return network.gradients(dataset)
    loss, gradient, total, start = 0.0, np.zeros(network.parameters.size), 0.0, 0
    for rows in dense_chunks(X):
        part = slice(start, start := start + len(rows))
        w = None if weights is None else weights[part]
        share = float(len(rows) if w is None else w.sum())
        if share:
            part_loss, part_gradient = network.gradients((rows, y[part], w))
            loss, gradient, total = (
                loss + share * part_loss,
                gradient + share * part_gradient,
                total + share,
            )
    return loss / total, gradient / total
