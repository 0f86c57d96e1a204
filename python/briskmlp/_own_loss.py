"""Training on a loss that is a Python function: called once a batch, with all its rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _briskmlp_core as core
from ._datasets import Dataset, dataset, eval_arrays, eval_dataset
from ._validate import Array, require_finite, rows

LossFunction = Callable[[Array, Array], tuple[float, Array]]


class OwnLoss:
    """A function of raw outputs (m, out) and of targets as they were given, checked when called."""

    def __init__(self, function: object, y: ArrayLike, **weights: object) -> None:
        if not callable(function) or isinstance(function, type):
            raise TypeError(
                f"loss must be a function of raw outputs and targets, got {function!r}; those with "
                f"a name are MLP's: MLP(sizes, loss=...)"
            )
        for name, value in weights.items():
            if value is not None:
                raise ValueError(
                    f"{name} is not for a loss of your own, which can weigh for itself"
                )
        self._function: LossFunction = function
        self.y = np.asarray(y)

    def dataset(self, network: core.Network, X: ArrayLike) -> Dataset:
        """The rows to learn from; their targets, which stay here, have no columns."""
        x, y, _ = _dataset(network, X, self.y, ("X", "y"))
        return x, np.empty((len(y), 0), network.dtype), None

    def eval_dataset(self, network: core.Network, eval_set: object) -> Dataset:
        """The rows to be judged on, with their targets."""
        X, y, sample_weight = eval_arrays(eval_set)
        if sample_weight is not None:
            raise ValueError("eval_set has weights, which are not for a loss of your own")
        return _dataset(network, X, np.asarray(y), ("eval_set[0]", "eval_set[1]"))

    def of_rows(self, numbers: Array, raw: Array) -> tuple[float, Array]:
        """Loss and gradient of some of the rows, for the core."""
        return self._call(raw, self.y[numbers])

    def evaluate(self, network: core.Network, data: Dataset) -> tuple[float, float]:
        """The loss of all rows at once, and no metric."""
        return self._call(_raw(network, data[0]), data[1].copy())[0], math.nan

    def gradients(self, network: core.Network, data: Dataset) -> tuple[float, Array]:
        """The loss of all training rows at once, and its gradient by the parameters."""
        loss, d_raw = self._call(_raw(network, data[0]), self.y.copy())
        return loss, network.backward(data[0], d_raw)[1]

    def _call(self, raw: Array, y: Array) -> tuple[float, Array]:
        answer: Any = self._function(raw, y)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise TypeError(
                f"the loss must return a tuple (loss, gradient), it returned {_outline(answer)}"
            )
        loss, gradient = np.asarray(answer[0]), np.asarray(answer[1])
        if loss.size != 1 or loss.dtype.kind not in "fiu":
            raise TypeError(
                f"the loss must be a number, the function returned {_outline(answer[0])}"
            )
        if gradient.shape != raw.shape or gradient.dtype.kind not in "fiu":
            raise ValueError(
                f"the loss's gradient must be real numbers of the raw outputs' shape {raw.shape}; "
                f"the function, for targets of shape {y.shape}, returned {gradient.dtype} of shape "
                f"{gradient.shape}"
            )
        if np.isfinite(loss).all() and not np.isfinite(gradient).all():
            raise ValueError(f"the loss is {loss.item():.6g}, but its gradient is not finite")
        return float(loss.reshape(())), np.require(gradient, raw.dtype, ["C", "A"])


def _outline(value: object) -> str:
    """What a value is, in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    return f"{value!r:.80}" if np.isscalar(value) else f"a {type(value).__name__}"


def _dataset(network: core.Network, X: ArrayLike, y: Array, names: tuple[str, str]) -> Dataset:
    x = rows(X, names[0], network)
    if y.shape[:1] != (len(x),):
        raise ValueError(
            f"{names[1]} has shape {y.shape}, expected {len(x)} rows as {names[0]} has"
        )
    require_finite(x, names[0], network.dtype)
    return x, y, None


def _raw(network: core.Network, x: Array) -> Array:
    raw = np.empty((len(x), network.outputs), network.dtype)
    network.predict_rows(x, raw, raw=True)
    return raw


def datasets(
    network: core.Network,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    class_weight: object,
    eval_set: object,
    loss: object,
) -> tuple[Dataset, Dataset | None, OwnLoss | None]:
    """What a fit learns from, what it is judged on, and its own loss."""
    if loss is None:
        data = dataset(network, X, y, sample_weight, class_weight=class_weight)
        return data, None if eval_set is None else eval_dataset(network, eval_set), None
    own = OwnLoss(loss, y, sample_weight=sample_weight, class_weight=class_weight)
    data = own.dataset(network, X)
    return data, None if eval_set is None else own.eval_dataset(network, eval_set), own
