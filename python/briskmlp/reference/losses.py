"""Losses. Each carries its link, the map from the raw outputs z to the target's own space.

The gradient is taken by z through the link, where it is short and cannot overflow: for
cross entropy, softmax(z) - p.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from .activations import Array, sigmoid, softplus


def softmax(z: Array, axis: int = -1) -> Array:
    """Probabilities of logits z, which add up to 1 along the axis."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(z: Array, axis: int = -1) -> Array:
    """Logarithms of softmax(z), finite where softmax itself underflows to zero."""
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def logsumexp(z: Array, axis: int = -1) -> Array:
    """log(sum(exp(z))) along the axis."""
    top = z.max(axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.exp(z - top).sum(axis=axis))


class Loss(Protocol):
    """A loss of raw outputs z (M, out) and targets t (M, D), both of the network's dtype."""

    metric_name: str

    def targets(self, y: ArrayLike, z: Array) -> Array:
        """Bring targets as users give them, (M,) or (M, D), to the form t (M, D)."""

    def link(self, z: Array) -> Array:
        """Turn raw outputs into predictions (M, out) in the target's own space."""

    def rows(self, z: Array, t: Array) -> Array:
        """Compute the loss of each row, (M,)."""

    def d_rows(self, z: Array, t: Array) -> Array:
        """Compute the gradient of each row's loss by its raw outputs, (M, out)."""

    def metric(self, z: Array, t: Array, w: Array) -> float:
        """Compute an accuracy or a typical error, of rows whose weights w (M,) add up to 1."""


class RealTargets:
    """Targets that are numbers, and how far off they are."""

    metric_name = "rmse"

    def targets(self, y: ArrayLike, z: Array) -> Array:
        return np.asarray(y, z.dtype).reshape(len(z), -1)

    def metric(self, z: Array, t: Array, w: Array) -> float:
        mean = z[:, : t.shape[1]]
        return math.sqrt(w @ np.mean((mean - t) ** 2, axis=1))


class MeanSquaredError(RealTargets):
    """(y - z)^2, averaged over the outputs."""

    def link(self, z: Array) -> Array:
        return z

    def rows(self, z: Array, t: Array) -> Array:
        return np.mean((z - t) ** 2, axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return 2 * (z - t) / t.shape[1]


class GaussianNegativeLogLikelihood(RealTargets):
    """How surprising y is under a normal distribution whose mean and variance the network gives.

    For D targets the network has 2 D outputs, first the means, then the logarithms of the
    variances; predictions are means and variances (Nix and Weigend 1994).
    """

    def link(self, z: Array) -> Array:
        mean, log_variance = np.split(z, 2, axis=1)
        return np.concatenate([mean, np.exp(log_variance)], axis=1)

    def rows(self, z: Array, t: Array) -> Array:
        mean, log_variance = np.split(z, 2, axis=1)
        squares = (t - mean) ** 2 * np.exp(-log_variance)
        return np.mean(0.5 * (log_variance + squares), axis=1) + 0.5 * math.log(2 * math.pi)

    def d_rows(self, z: Array, t: Array) -> Array:
        mean, log_variance = np.split(z, 2, axis=1)
        precision = np.exp(-log_variance)
        d_mean = (mean - t) * precision
        d_log_variance = 0.5 * (1 - (t - mean) ** 2 * precision)
        return np.concatenate([d_mean, d_log_variance], axis=1) / t.shape[1]


class CrossEntropy:
    """-sum p log softmax(z): one class out of several, or probabilities p of them."""

    metric_name = "accuracy"

    def targets(self, y: ArrayLike, z: Array) -> Array:
        y = np.asarray(y)
        return np.eye(z.shape[1], dtype=z.dtype)[y] if y.ndim == 1 else y.astype(z.dtype)

    def link(self, z: Array) -> Array:
        return softmax(z)

    def rows(self, z: Array, t: Array) -> Array:
        return -np.sum(t * log_softmax(z), axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return softmax(z) - t

    def metric(self, z: Array, t: Array, w: Array) -> float:
        return float(w @ (z.argmax(axis=1) == t.argmax(axis=1)))


class BinaryCrossEntropy:
    """-y log s - (1 - y) log(1 - s), s = sigmoid(z), averaged over the outputs: yes or no, each."""

    metric_name = "accuracy"

    def targets(self, y: ArrayLike, z: Array) -> Array:
        return np.asarray(y, z.dtype).reshape(len(z), -1)

    def link(self, z: Array) -> Array:
        return sigmoid(z)

    def rows(self, z: Array, t: Array) -> Array:
        return np.mean(t * softplus(-z) + (1 - t) * softplus(z), axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return (sigmoid(z) - t) / t.shape[1]

    def metric(self, z: Array, t: Array, w: Array) -> float:
        return float(w @ np.mean((z > 0) == (t > 0.5), axis=1))


LOSSES: dict[str, Loss] = {
    "mse": MeanSquaredError(),
    "cross_entropy": CrossEntropy(),
    "binary_cross_entropy": BinaryCrossEntropy(),
    "gaussian_nll": GaussianNegativeLogLikelihood(),
}
