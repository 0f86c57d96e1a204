"""Losses with settings, as frozen values that are validated on construction.

The core carries the losses out, and `briskmlp.reference.losses` is where each can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from . import _checks


@dataclass(frozen=True)
class Huber:
    """Huber's loss (1964): squares of small errors, and of large ones no more than their size.

    For e = |y - z| it is e^2 / 2 up to delta, and delta (e - delta / 2) beyond. PyTorch's
    ``HuberLoss``.

    Parameters
    ----------
    delta
        The error from which on the loss is a straight line; positive. Default 1.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 1], loss=bm.Huber(delta=2), init="zeros")
    >>> net.evaluate([[0], [0]], [1, 10]).loss  # the mean of 1 / 2 and 2 (10 - 1)
    9.25
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        _checks.positive(self, "delta")


@dataclass(frozen=True)
class Quantile:
    """Several quantiles of each target, which never cross (Koenker and Bassett 1978).

    For a level t and e = y - q it is t e above the quantile q, (t - 1) e below: the mean over the
    levels and the targets of scikit-learn's ``mean_pinball_loss``. For D targets a network needs D
    outputs a level. Predictions are first the lowest quantile of every target, and so on upwards;
    the middle one is the raw output z, and each further one lies softplus(z) beyond its neighbour.

    Parameters
    ----------
    levels
        From 1 to 100 numbers between 0 and 1, ascending. Default (0.1, 0.5, 0.9).

    Raises
    ------
    TypeError, ValueError
        If the levels are not such numbers.

    Examples
    --------
    >>> import briskmlp as bm
    >>> net = bm.MLP([2, 8, 3], loss=bm.Quantile([0.05, 0.5, 0.95]), seed=0)
    >>> low, middle, high = net.predict([1, 2])
    >>> bool(low <= middle <= high)
    True
    """

    levels: Sequence[float] = (0.1, 0.5, 0.9)

    def __post_init__(self) -> None:
        levels: object = self.levels
        if not isinstance(levels, (Sequence, np.ndarray)) or isinstance(levels, str):
            raise TypeError(_checks.message(self, "levels", "be a list of numbers", levels))
        numbers = list(levels)
        if not all(map(_checks.is_real, numbers)):
            raise TypeError(_checks.message(self, "levels", "be a list of numbers", levels))
        inside = bool(numbers) and all(0 < level < 1 for level in numbers)
        if not inside or any(low >= high for low, high in pairwise(numbers)):
            raise ValueError(_checks.message(self, "levels", "ascend between 0 and 1", levels))
        object.__setattr__(self, "levels", tuple(float(level) for level in numbers))


@dataclass(frozen=True)
class CrossEntropy:
    """Cross entropy, -sum p log softmax(z), with a share of each target spread over all classes.

    With C classes and a smoothing s the network is trained towards (1 - s) p + s / C (Szegedy et
    al. 2016). PyTorch's ``CrossEntropyLoss``.

    Parameters
    ----------
    label_smoothing
        The share s, in [0, 1). Default 0.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> import briskmlp as bm
    >>> bm.MLP([4, 3], loss=bm.CrossEntropy(label_smoothing=0.1)).loss
    CrossEntropy(label_smoothing=0.1)
    """

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _checks.below_one(self, "label_smoothing")


@dataclass(frozen=True)
class Focal:
    """Cross entropy that neglects rows which are right already (Lin et al. 2017).

    With p the probability that softmax(z) gives the row's class it is -(1 - p)^gamma log p.

    Parameters
    ----------
    gamma
        How much such rows are neglected; not negative, and at 0 the loss is cross entropy.
        Default 2.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 2], loss=bm.Focal(gamma=1), init="zeros")
    >>> round(net.evaluate([[0]], [1]).loss, 4)  # half of log 2
    0.3466
    """

    gamma: float = 2.0

    def __post_init__(self) -> None:
        _checks.not_negative(self, "gamma")


@dataclass(frozen=True)
class Tweedie:
    """Half the Tweedie deviance of targets that are often 0, else positive, from the mean exp(z).

    With m = exp(z), a = 2 - power and b = power - 1 it is m^a / a + y m^-b / b - y^a / (a b): half
    of scikit-learn's ``mean_tweedie_deviance``.

    Parameters
    ----------
    power
        Between 1, where the loss would be "poisson", and 2, where it would be "gamma": the variance
        grows like the mean to this power. Default 1.5.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 1], loss=bm.Tweedie(power=1.5), init="zeros")
    >>> net.evaluate([[0], [0]], [0, 4]).loss  # of means exp(0) = 1: 2, and 2 + 4 * 2 - 4 * 2 = 2
    2.0
    """

    power: float = 1.5

    def __post_init__(self) -> None:
        if not 1 < _checks.real(self, "power") < 2:
            raise ValueError(_checks.message(self, "power", "lie between 1 and 2", self.power))


LossSettings = Huber | Quantile | CrossEntropy | Focal | Tweedie
Loss = str | LossSettings

KINDS: dict[str, type[LossSettings]] = {
    "huber": Huber,
    "quantile": Quantile,
    "cross_entropy": CrossEntropy,
    "focal": Focal,
    "tweedie": Tweedie,
}
NAMES = {kind: name for name, kind in KINDS.items()}
