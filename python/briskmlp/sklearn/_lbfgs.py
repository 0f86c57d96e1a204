"""Solver "lbfgs": SciPy's L-BFGS-B over the core's loss and gradient of all rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import scipy.optimize
from threadpoolctl import ThreadpoolController

from .. import _briskmlp_core as core
from .._layers import split
from .._state import build_like
from .._validate import Array, DType
from ._criterion import factors
from ._stochastic import Rows

DOUBLE = np.dtype(np.float64)
# Losses of float32 are told apart if they differ by this share, a hundred roundings; no longer when
# so many looks in a row were no better, since of a small loss little may be left but rounding.
CLEAR, FAILURES = 1e-5, 3


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

    A network of float32 is computed with as such while losses are far apart, which takes half the
    time; and in double precision from where a line search would compare what rounding makes of
    them, so that it soon found no better point.
    """

    def __init__(
        self, network: core.Network, dataset: Rows, alpha: float, threads: int | None
    ) -> None:
        self.of, self.all_digits, self.threads = network, dataset, threads
        self.factors = factors(network)
        _, targets, weights = dataset
        total = len(targets) if weights is None else float(weights.sum())
        self.decay = np.full(network.parameters.size, alpha / total)
        for bias in split(self.decay, network.sizes)[1]:
            bias[...] = 0
        self.pull = np.empty_like(self.decay)
        self.best, self.failures = math.inf, 0
        self._compute_in(network.dtype)

    def __call__(self, x: Array) -> tuple[float, Array]:
        loss, gradient = self._at(x)
        if self.network.dtype == DOUBLE or self._is_clear(loss):
            return loss, gradient
        self._compute_in(DOUBLE)
        return self._at(x)

    def _compute_in(self, dtype: DType) -> None:
        self.network = build_like(self.of, dtype=dtype)
        self.dataset = converted(self.all_digits, dtype)

    def _at(self, x: Array) -> tuple[float, Array]:
        self.network.parameters[...] = x
        loss, gradient = self.network.gradients(self.dataset, self.threads)
        gradient = gradient.astype(DOUBLE, copy=False)
        pull = np.multiply(self.decay, x, out=self.pull)
        loss = loss * self.factors.value + 0.5 * float(pull @ x)
        gradient *= self.factors.gradient
        gradient += pull
        return loss, gradient

    def _is_clear(self, loss: float) -> bool:
        """Whether a loss is so far from the lowest before it that rounding has no say in it."""
        gain = self.best - loss
        self.failures = 0 if gain > 0 else self.failures + 1
        self.best = min(self.best, loss)
        return abs(gain) > CLEAR * abs(loss) and self.failures < FAILURES and math.isfinite(loss)


def converted(dataset: Rows, dtype: DType) -> Rows:
    """Rows of which the core computes with one type; it converts dense inputs as it reads them."""
    X, targets, weights = dataset
    if isinstance(X, tuple):
        X = (X[0].astype(dtype, copy=False), *X[1:])
    if targets.dtype.kind == "f":
        targets = targets.astype(dtype, copy=False)
    return X, targets, None if weights is None else weights.astype(dtype, copy=False)
