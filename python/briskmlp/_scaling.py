"""Means and standard deviations of a data set, and networks that have them folded in.

With x = mean + scale * x', a layer f(x' @ W + b) is f(x @ (W / scale) + (b - mean @ (W / scale))),
and what is linear in the outputs can be folded into the last layer in the same way.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _briskmlp_core as core
from ._datasets import CLASS_LOSSES, Dataset
from ._layers import split
from ._loss_settings import Huber
from ._losses import POSITIVE_LOSSES, middle_columns
from ._validate import Array, DType

CHUNK = 2**16  # numbers that are converted to float64 at once: they stay in the cache
COARSE = 1e-3  # of a standard deviation: steps between numbers that are worth a warning
ROUNDING = 1e-13  # of a mean: what is left of the deviation where all numbers are the same
CLASS_LIKE = (*CLASS_LOSSES, "binary_cross_entropy")  # whose targets have no units
SMALLEST = 1e-30  # of the scales, so that weights divided by them stay in float32's range

Floats = NDArray[np.float64]


def _chunks(rows: int, columns: int) -> Iterator[slice]:
    step = max(1, CHUNK // max(1, columns))
    return (slice(first, first + step) for first in range(0, rows, step))


def _sums(values: Array) -> Floats:
    """The sums of columns, whose bits do not hang on the threads of a BLAS."""
    return np.asarray(values.sum(axis=0))


def moments(values: Array, weights: Array | None) -> tuple[Floats, Floats]:
    """Means and standard deviations (N,) of the columns of (M, N), the rows weighted.

    >>> mean, deviation = moments(np.array([[1, 0.1], [3, 0.1]]), None)
    >>> mean.tolist(), deviation.tolist()
    ([2.0, 0.1], [1.0, 0.0])
    """
    rows, columns = values.shape
    w = np.ones((rows, 1)) if weights is None else weights.astype("f8")[:, np.newaxis]
    w /= w.sum()
    mean, variance = np.zeros(columns), np.zeros(columns)
    for part in _chunks(rows, columns):
        mean += _sums(w[part] * values[part])
    with np.errstate(over="ignore"):
        for part in _chunks(rows, columns):
            variance += _sums(w[part] * (values[part] - mean) ** 2)
    deviation = np.sqrt(variance)
    if not np.isfinite(deviation).all():
        raise ValueError("the data are too large to be standardized: their squares are infinite")
    deviation[deviation < ROUNDING * np.abs(mean)] = 0
    return mean, deviation


def scales(mean: Floats, deviation: Floats, dtype: DType) -> Floats:
    """What to divide by: the deviations, or 1 for what is constant or looks so in that dtype."""
    constant = deviation <= np.maximum(np.finfo(dtype).eps * np.abs(mean), SMALLEST)
    return np.where(constant, 1.0, deviation)


def scaled(values: Array, mean: Floats, scale: Floats, dtype: DType) -> Array:
    """Less the mean, by the scale: (M, N) of that dtype, whose rounding comes last."""
    result = np.empty(values.shape, dtype)
    for rows in _chunks(*values.shape):
        result[rows] = (values[rows] - mean) / scale
    return result


@dataclass(frozen=True)
class Scaling:
    """What turns a data set into a standardized one, and a network for this into one for that.

    Attributes
    ----------
    mean, scale
        Of the inputs, (in,).
    target_mean, target_scale
        Of the targets, (D,), or None if they stay as they are.
    factor, shift
        The outputs are those for standardized targets times `factor` plus `shift`, (out,).
    loss_factor, loss_shift
        So is the loss.
    loss
        The loss for standardized targets; None if it is the network's own.
    """

    mean: Floats
    scale: Floats
    target_mean: Floats | None = None
    target_scale: Floats | None = None
    factor: Floats | float = 1.0
    shift: Floats | float = 0.0
    loss_factor: float = 1.0
    loss_shift: float = 0.0
    loss: Huber | None = None

    def apply(self, data: Dataset, dtype: DType) -> Dataset:
        """The data set, standardized: a copy."""
        x, y, w = data
        if self.target_mean is not None and self.target_scale is not None:
            y = scaled(y, self.target_mean, self.target_scale, dtype)
        return scaled(x, self.mean, self.scale, dtype), y, w

    def fold(self, flat: Array, sizes: list[int]) -> Array:
        """Parameters (P,) for the data as they are, from those for standardized data."""
        result = flat.astype("f8")
        weights, biases = split(result, sizes)
        weights[0][...] /= self.scale[:, np.newaxis]
        biases[0][...] -= _sums(self.mean[:, np.newaxis] * weights[0])
        weights[-1][...] *= self.factor
        biases[-1][...] = biases[-1] * self.factor + self.shift
        return result.astype(flat.dtype)

    def unfold(self, flat: Array, sizes: list[int]) -> Array:
        """The inverse of `fold`."""
        result = flat.astype("f8")
        weights, biases = split(result, sizes)
        weights[-1][...] /= self.factor
        biases[-1][...] = (biases[-1] - self.shift) / self.factor
        biases[0][...] += _sums(self.mean[:, np.newaxis] * weights[0])
        weights[0][...] *= self.scale[:, np.newaxis]
        return result.astype(flat.dtype)


def scaling_of(network: core.Network, data: Dataset, *, targets: bool = True) -> Scaling:
    """The scaling of a data set for a network; warns where its dtype is too coarse for it.

    Targets are scaled, unless they must not be, where the loss for them follows from that for
    scaled ones, and the output layer can take it up.
    """
    x, y, w = data
    mean, deviation = moments(x, w)
    _warn_if_coarse("X", mean, deviation, network.dtype)
    inputs = Scaling(mean, scales(mean, deviation, network.dtype))
    if not targets or network.activations[-1] != "identity" or network.loss in CLASS_LIKE:
        return inputs
    mean, deviation = moments(y, w)
    if network.loss in POSITIVE_LOSSES:
        return replace(inputs, **_of_means(network, mean))
    _warn_if_coarse("y", mean, deviation, network.dtype)
    return replace(inputs, **_of_numbers(network, mean, deviation))


def _of_means(network: core.Network, mean: Floats) -> dict[str, Any]:
    """The scaling of targets whose means are exp(z): by their own, log of which goes into z.

    Half a deviance of power p grows like the targets to 2 - p. Unless that is 0, it adds up
    what is in the units of the targets: one scale for all of them.
    """
    power = {"poisson": 1.0, "gamma": 2.0}.get(network.loss) or network.loss_settings[0]
    scale = np.where(mean > SMALLEST, mean, 1.0)
    if power != 2:
        scale = np.full_like(scale, scale.mean())
    return {
        "target_mean": np.zeros_like(scale),
        "target_scale": scale,
        "shift": np.log(scale),
        "loss_factor": float(scale[0] ** (2 - power)),
    }


def _of_numbers(network: core.Network, mean: Floats, deviation: Floats) -> dict[str, Any]:
    """The scaling of targets that may lie anywhere."""
    loss, dtype = network.loss, network.dtype
    if loss == "gaussian_nll":
        scale = scales(mean, deviation, dtype)
        return {
            "target_mean": mean,
            "target_scale": scale,
            "factor": np.concatenate([scale, np.ones_like(scale)]),  # means, then log-variances
            "shift": np.concatenate([mean, 2 * np.log(scale)]),
            "loss_shift": float(np.mean(np.log(scale))),
        }
    # The others add up what is in the units of the targets: one scale for all of them.
    common = float(scales(np.abs(mean).max(), np.sqrt(np.mean(deviation**2)), dtype))
    shift = np.zeros(network.outputs)
    shift[middle_columns(network)] = mean
    if has_own_scale(network):
        return {"target_mean": mean, "target_scale": np.ones_like(mean), "shift": shift}
    scaled_loss = None
    if loss == "huber":
        scaled_loss = Huber(network.loss_settings[0] / common)
    return {
        "target_mean": mean,
        "target_scale": np.full_like(mean, common),
        "factor": common,
        "shift": shift,
        "loss_factor": common**2 if loss in ("mse", "huber") else common,
        "loss": scaled_loss,
    }


def has_own_scale(network: core.Network) -> bool:
    """Whether targets are in units that the loss sets, so that they can be shifted only.

    log cosh is a parabola below 1 and a straight line above, and softplus, between quantiles, an
    exponential below 1 and a straight line above.
    """
    several = network.outputs > network.target_cols
    return network.loss == "log_cosh" or (network.loss == "quantile" and several)


def _warn_if_coarse(name: str, mean: Floats, deviation: Floats, dtype: DType) -> None:
    steps = np.spacing(np.abs(mean).astype(dtype)).astype("f8")
    coarse = (steps > COARSE * deviation) & (deviation > 0)
    if coarse.any():
        column = int(coarse.argmax())
        warnings.warn(
            f"column {column} of {name} lies around {mean[column]:.4g} and spreads by "
            f"{deviation[column]:.4g}; there {dtype} numbers are {steps[column]:.2g} apart, and "
            "predictions will be as coarse: subtract an offset from it first, or take a network of "
            "dtype 'float64'",
            stacklevel=5,
        )
