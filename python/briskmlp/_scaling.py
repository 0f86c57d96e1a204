"""Means and standard deviations of a data set, and networks that have them folded in.

With x = mean + scale * x', a layer f(x' @ W + b) is f(x @ (W / scale) + (b - mean @ (W / scale))),
and what is linear in the outputs can be folded into the last layer in the same way.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _briskmlp_core as core
from ._datasets import Dataset
from ._layers import split
from ._validate import Array, DType

CHUNK = 2**16  # numbers that are converted to float64 at once: they stay in the cache
COARSE = 1e-3  # of a standard deviation: steps between numbers that are worth a warning
ROUNDING = 1e-13  # of a mean: what is left of the deviation where all numbers are the same
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
    """

    mean: Floats
    scale: Floats
    target_mean: Floats | None = None
    target_scale: Floats | None = None
    factor: Floats | float = 1.0
    shift: Floats | float = 0.0
    loss_factor: float = 1.0
    loss_shift: float = 0.0

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


def scaling_of(network: core.Network, data: Dataset) -> Scaling:
    """The scaling of a data set for a network; warns where its dtype is too coarse for it.

    Targets are scaled where the loss for them follows from that for scaled ones, and the output
    layer can take it up.
    """
    x, y, w = data
    mean, deviation = moments(x, w)
    _warn_if_coarse("X", mean, deviation, network.dtype)
    scale = scales(mean, deviation, network.dtype)
    if network.activations[-1] != "identity" or network.loss not in ("mse", "gaussian_nll"):
        return Scaling(mean, scale)
    y_mean, deviation = moments(y, w)
    _warn_if_coarse("y", y_mean, deviation, network.dtype)
    y_scale = scales(y_mean, deviation, network.dtype)
    if network.loss == "mse":  # adds up the targets' squares: one scale for all of them
        rms = np.sqrt(np.mean(deviation**2))
        common = float(scales(np.abs(y_mean).max(), rms, network.dtype))
        y_scale = np.full_like(y_scale, common)
        return Scaling(mean, scale, y_mean, y_scale, y_scale, y_mean, common**2)
    factor = np.concatenate([y_scale, np.ones_like(y_scale)])  # means, then log-variances
    shift = np.concatenate([y_mean, 2 * np.log(y_scale)])
    loss_shift = float(np.mean(np.log(y_scale)))
    return Scaling(mean, scale, y_mean, y_scale, factor, shift, 1.0, loss_shift)


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
