"""How good answers are, and those of the simplest model that there is."""

from __future__ import annotations

import numpy as np

from .. import _metrics
from .._validate import Array
from ._target import Target


def figures(target: Target, t: Array, predictions: Array) -> dict[str, float]:
    """Figures of merit by name, of predictions (M, outputs) for encoded targets (M,)."""
    p = predictions.astype("f8")
    if target.classes is None:
        t = t[:, np.newaxis].astype("f8")
        return {name: _metrics.OF_NUMBERS[name](t, p) for name in ("rmse", "mae", "r2")}
    names = ("accuracy", "balanced_accuracy", "f1")
    right = np.maximum(p[np.arange(len(t)), t], np.finfo("f4").tiny)
    return {name: _metrics.OF_CLASSES[name](t, p) for name in names} | {
        "log_loss": float(-np.log(right).mean())
    }


def constant(target: Target, learnt: Array, rows: int) -> Array:
    """The same prediction for each of the rows: mean or frequencies of the learnt targets."""
    if target.classes is None:
        return np.full((rows, 1), learnt.mean())
    counts = np.bincount(learnt, minlength=target.outputs) + 1  # none impossible (Laplace)
    return np.tile(counts / counts.sum(), (rows, 1))
