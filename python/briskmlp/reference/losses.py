"""Losses. Each carries its link, the map from the raw outputs z to the target's own space.

The gradient is taken by z through the link, where it is short and cannot overflow: for
cross entropy, softmax(z) - p.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from .._loss_settings import NAMES, LossSettings
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

    def link(self, z: Array) -> Array:
        return z

    def metric(self, z: Array, t: Array, w: Array) -> float:
        mean = self.link(z)[:, : t.shape[1]]
        return math.sqrt(w @ np.mean((mean - t) ** 2, axis=1))


# --- Distances -----------------------------------------------------------------------------------


class MeanSquaredError(RealTargets):
    """(y - z)^2, averaged over the outputs."""

    def rows(self, z: Array, t: Array) -> Array:
        return np.mean((z - t) ** 2, axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return 2 * (z - t) / t.shape[1]


class MeanAbsoluteError(RealTargets):
    """|y - z|, averaged over the outputs."""

    def rows(self, z: Array, t: Array) -> Array:
        return np.mean(np.abs(z - t), axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return np.sign(z - t) / t.shape[1]


class Huber(RealTargets):
    """e^2 / 2 for e = |y - z| up to delta, delta (e - delta / 2) above (Huber 1964)."""

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def rows(self, z: Array, t: Array) -> Array:
        e = np.abs(z - t)
        line = self.delta * (e - self.delta / 2)
        return np.mean(np.where(e <= self.delta, e**2 / 2, line), axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return np.clip(z - t, -self.delta, self.delta) / t.shape[1]


class LogCosh(RealTargets):
    """log cosh(y - z), averaged over the outputs: nearly a square, then nearly a straight line."""

    def rows(self, z: Array, t: Array) -> Array:
        e = np.abs(z - t)
        return np.mean(e + softplus(-2 * e) - math.log(2), axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return np.tanh(z - t) / t.shape[1]


class Quantile(RealTargets):
    """t e for e = y - q above the quantile q of level t, (t - 1) e below (Koenker, Bassett 1978).

    For D targets and L levels the network has L D outputs, those of the lowest level first. The
    middle quantile is a raw output; each further one is a softplus beyond its neighbour.
    """

    metric_name = "coverage"

    def __init__(self, levels: Sequence[float] = (0.1, 0.5, 0.9)) -> None:
        self.levels = np.array(levels)
        self.middle = (len(levels) - 1) // 2

    def by_level(self, x: Array) -> Array:
        return x.reshape(len(x), len(self.levels), -1)  # (M, L, D)

    def link(self, z: Array) -> Array:
        q = self.by_level(z).copy()
        for k in range(self.middle + 1, len(self.levels)):
            q[:, k] = q[:, k - 1] + softplus(q[:, k])
        for k in reversed(range(self.middle)):
            q[:, k] = q[:, k + 1] - softplus(q[:, k])
        return q.reshape(z.shape)

    def rows(self, z: Array, t: Array) -> Array:
        levels = self.levels.astype(z.dtype)[:, np.newaxis]
        e = t[:, np.newaxis] - self.by_level(self.link(z))
        return np.mean(np.where(e < 0, (levels - 1) * e, levels * e), axis=(1, 2))

    def d_rows(self, z: Array, t: Array) -> Array:
        levels = self.levels.astype(z.dtype)[:, np.newaxis]
        d_q = np.where(t[:, np.newaxis] < self.by_level(self.link(z)), 1 - levels, -levels)
        d = sigmoid(self.by_level(z))
        middle = self.middle
        d[:, middle] = d_q.sum(axis=1)
        # A raw output moves all quantiles from its own on outwards.
        d[:, middle + 1 :] *= d_q[:, :middle:-1].cumsum(axis=1)[:, ::-1]
        d[:, :middle] *= -d_q[:, :middle].cumsum(axis=1)
        return d.reshape(z.shape) / d[0].size

    def metric(self, z: Array, t: Array, w: Array) -> float:
        q = self.by_level(self.link(z))
        inside = t <= q[:, -1]
        if len(self.levels) > 1:
            inside &= t >= q[:, 0]
        return float(w @ inside.mean(axis=1))


# --- Likelihoods ---------------------------------------------------------------------------------


class PositiveMean(RealTargets):
    """A mean that cannot be negative: the exponential of a raw output."""

    def link(self, z: Array) -> Array:
        return np.exp(z)


class Poisson(PositiveMean):
    """Half the Poisson deviance, m - y + y log(y / m) for the mean m = exp(z), of counts y."""

    def rows(self, z: Array, t: Array) -> Array:
        log_t = np.log(np.where(t > 0, t, 1))  # times t, which may be 0
        return np.mean(np.exp(z) - t + t * (log_t - z), axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return (np.exp(z) - t) / t.shape[1]


class Gamma(PositiveMean):
    """Half the gamma deviance, y / m - 1 - log(y / m) for the mean m = exp(z), of y above 0."""

    def rows(self, z: Array, t: Array) -> Array:
        return np.mean(t * np.exp(-z) - 1 + z - np.log(t), axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return (1 - t * np.exp(-z)) / t.shape[1]


class Tweedie(PositiveMean):
    """Half the Tweedie deviance of a power p between 1 and 2, of y from 0 on.

    With a = 2 - p, b = p - 1 and the mean m = exp(z) it is m^a / a + y m^-b / b - y^a / (a b).
    """

    def __init__(self, power: float = 1.5) -> None:
        self.a, self.b = 2 - power, power - 1

    def rows(self, z: Array, t: Array) -> Array:
        a, b = self.a, self.b
        terms = np.exp(a * z) / a + t * np.exp(-b * z) / b - t**a / (a * b)
        return np.mean(terms, axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return (np.exp(self.a * z) - t * np.exp(-self.b * z)) / t.shape[1]


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


# --- Classes -------------------------------------------------------------------------------------


class OneOfSeveral:
    """One class out of several, as a number or as a row of probabilities."""

    metric_name = "accuracy"

    def targets(self, y: ArrayLike, z: Array) -> Array:
        y = np.asarray(y)
        return np.eye(z.shape[1], dtype=z.dtype)[y] if y.ndim == 1 else y.astype(z.dtype)

    def link(self, z: Array) -> Array:
        return softmax(z)

    def metric(self, z: Array, t: Array, w: Array) -> float:
        return float(w @ (z.argmax(axis=1) == t.argmax(axis=1)))


class CrossEntropy(OneOfSeveral):
    """-sum p log softmax(z), where a share of p may be spread over all classes."""

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.smoothing = label_smoothing

    def smoothed(self, t: Array) -> Array:
        return (1 - self.smoothing) * t + self.smoothing / t.shape[1]

    def rows(self, z: Array, t: Array) -> Array:
        return -np.sum(self.smoothed(t) * log_softmax(z), axis=1)

    def d_rows(self, z: Array, t: Array) -> Array:
        return softmax(z) - self.smoothed(t)


class Focal(OneOfSeveral):
    """-(1 - p)^gamma log p, p the probability of the class (Lin et al. 2017)."""

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = gamma

    def rows(self, z: Array, t: Array) -> Array:
        log_p = np.sum(t * log_softmax(z), axis=1)
        return -((-np.expm1(log_p)) ** self.gamma) * log_p

    def d_rows(self, z: Array, t: Array) -> Array:
        log_p = np.sum(t * log_softmax(z), axis=1, keepdims=True)
        miss = -np.expm1(log_p)
        # -log(p) / (1 - p) is 1 in the limit of sure answers.
        ratio = np.divide(-log_p, miss, out=np.ones_like(miss), where=miss > 0)
        return miss**self.gamma * (1 + self.gamma * (1 - miss) * ratio) * (softmax(z) - t)


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
    "mae": MeanAbsoluteError(),
    "huber": Huber(),
    "log_cosh": LogCosh(),
    "quantile": Quantile(),
    "cross_entropy": CrossEntropy(),
    "focal": Focal(),
    "binary_cross_entropy": BinaryCrossEntropy(),
    "gaussian_nll": GaussianNegativeLogLikelihood(),
    "poisson": Poisson(),
    "gamma": Gamma(),
    "tweedie": Tweedie(),
}


def loss_from(loss: str | LossSettings) -> Loss:
    """The loss of a name, or of settings such as `briskmlp.Huber`: both classes have one name."""
    if isinstance(loss, str):
        return LOSSES[loss]
    kind = type(LOSSES[NAMES[type(loss)]])
    return kind(**vars(loss))
