"""Optimizers as frozen settings, validated on construction.

They hold no state: `MLP.fit` carries out the rule they name, and `briskmlp.reference.optimizers`
is where each rule can be read. Defaults and order of the update are PyTorch's.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from numbers import Real


def _message(owner: object, name: str, must: str, value: object) -> str:
    """Say what the field `name` of `owner` must do, and that its `value` does not."""
    return f"{type(owner).__name__}: {name} must {must}, got {value!r}"


def _real(owner: object, name: str) -> float:
    """Replace the field `name` of a frozen dataclass by its value as a float, and return it."""
    value = getattr(owner, name)
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(_message(owner, name, "be a real number", value))
    if not math.isfinite(value):
        raise ValueError(_message(owner, name, "be finite", value))
    object.__setattr__(owner, name, float(value))
    return float(value)


def _check_positive(owner: object, name: str) -> None:
    if (value := _real(owner, name)) <= 0:
        raise ValueError(_message(owner, name, "be positive", value))


def _check_not_negative(owner: object, name: str) -> None:
    if (value := _real(owner, name)) < 0:
        raise ValueError(_message(owner, name, "not be negative", value))


def _check_betas(owner: Adam | AdamW) -> None:
    betas: object = owner.betas
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise TypeError(_message(owner, "betas", "be a pair of numbers", betas))
    if not all(isinstance(beta, Real) and not isinstance(beta, bool) for beta in betas):
        raise TypeError(_message(owner, "betas", "be a pair of numbers", betas))
    if not all(0 <= beta < 1 for beta in betas):
        raise ValueError(_message(owner, "betas", "both lie in [0, 1)", betas))
    object.__setattr__(owner, "betas", tuple(float(beta) for beta in betas))


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent, with momentum if asked for.

    Parameters
    ----------
    learning_rate
        Length of a step as a multiple of the gradient; positive.
    momentum
        Share of the previous step that the next one keeps, in [0, 1). Default 0.
    nesterov
        Take the gradient's step beyond the momentum's (Sutskever et al. 2013); needs momentum.
    weight_decay
        L2 penalty: this multiple of the parameters is added to the gradient. Default 0.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)
    >>> SGD(-1)
    Traceback (most recent call last):
    ValueError: SGD: learning_rate must be positive, got -1.0
    """

    learning_rate: float
    _: KW_ONLY
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_positive(self, "learning_rate")
        _check_not_negative(self, "momentum")
        _check_not_negative(self, "weight_decay")
        if self.momentum >= 1:
            raise ValueError(_message(self, "momentum", "be below 1", self.momentum))
        if not isinstance(self.nesterov, bool):
            raise TypeError(_message(self, "nesterov", "be True or False", self.nesterov))
        if self.nesterov and self.momentum == 0:
            must = "be above 0 for nesterov"
            raise ValueError(_message(self, "momentum", must, self.momentum))


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015): steps scaled by running moments of the gradient.

    Parameters
    ----------
    learning_rate
        About the largest change of a parameter in one step; positive. Default 0.001.
    betas
        How much of the running mean of the gradient, and of its square, a step keeps; each in
        [0, 1). Default (0.9, 0.999).
    eps
        Added to the root of the mean square, so that nothing is divided by zero; positive.
    weight_decay
        L2 penalty: this multiple of the parameters is added to the gradient. Default 0.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> Adam(3e-4).betas
    (0.9, 0.999)
    """

    learning_rate: float = 1e-3
    _: KW_ONLY
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check_positive(self, "learning_rate")
        _check_betas(self)
        _check_positive(self, "eps")
        _check_not_negative(self, "weight_decay")


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Parameters
    ----------
    learning_rate, betas, eps
        As for `Adam`.
    weight_decay
        Every step first shrinks the parameters by the factor 1 - learning_rate * weight_decay,
        whatever the gradient. Default 0.01.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> AdamW(weight_decay=0.1)
    AdamW(learning_rate=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.1)
    """

    learning_rate: float = 1e-3
    _: KW_ONLY
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        _check_positive(self, "learning_rate")
        _check_betas(self)
        _check_positive(self, "eps")
        _check_not_negative(self, "weight_decay")


Optimizer = SGD | Adam | AdamW
