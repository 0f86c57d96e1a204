"""Checks of single settings, for the frozen dataclasses that hold them.

Each raises TypeError or ValueError naming the class, the field and what it got.
"""

from __future__ import annotations

import math
from numbers import Real


def message(owner: object, name: str, must: str, value: object) -> str:
    """Say what the field `name` of `owner` must do, and that its `value` does not."""
    return f"{type(owner).__name__}: {name} must {must}, got {value!r}"


def is_real(value: object) -> bool:
    """Whether a value is a real number, which True and False are not."""
    return isinstance(value, Real) and not isinstance(value, bool)


def real(owner: object, name: str) -> float:
    """Replace the field `name` of a frozen dataclass by its value as a float, and return it."""
    value = getattr(owner, name)
    if not is_real(value):
        raise TypeError(message(owner, name, "be a real number", value))
    if not math.isfinite(value):
        raise ValueError(message(owner, name, "be finite", value))
    object.__setattr__(owner, name, float(value))
    return float(value)


def positive(owner: object, *names: str) -> None:
    """Check that fields are above 0."""
    for name in names:
        if (value := real(owner, name)) <= 0:
            raise ValueError(message(owner, name, "be positive", value))


def not_negative(owner: object, *names: str) -> None:
    """Check that fields are 0 or more."""
    for name in names:
        if (value := real(owner, name)) < 0:
            raise ValueError(message(owner, name, "not be negative", value))


def share(owner: object, *names: str) -> None:
    """Check that fields lie in [0, 1]."""
    for name in names:
        if not 0 <= (value := real(owner, name)) <= 1:
            raise ValueError(message(owner, name, "lie in [0, 1]", value))


def below_one(owner: object, *names: str) -> None:
    """Check that fields lie in [0, 1)."""
    for name in names:
        not_negative(owner, name)
        if getattr(owner, name) >= 1:
            raise ValueError(message(owner, name, "be below 1", getattr(owner, name)))


def boolean(owner: object, *names: str) -> None:
    """Check that fields are True or False."""
    for name in names:
        value = getattr(owner, name)
        if not isinstance(value, bool):
            raise TypeError(message(owner, name, "be True or False", value))


def betas(owner: object) -> None:
    """Check that the field `betas` is a pair of numbers in [0, 1), and make it a tuple."""
    pair: object = owner.betas  # type: ignore[attr-defined]
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(map(is_real, pair)):
        raise TypeError(message(owner, "betas", "be a pair of numbers", pair))
    if not all(0 <= beta < 1 for beta in pair):
        raise ValueError(message(owner, "betas", "both lie in [0, 1)", pair))
    object.__setattr__(owner, "betas", tuple(float(beta) for beta in pair))
