"""Losses by name and numbers, which is how the core knows them, and in plain terms for files.

A loss without settings, or with all at their defaults, is known by its name alone; the others are
made when they are asked for, and so is what they need imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _briskmlp_core as core
from ._names import unknown_name

if TYPE_CHECKING:
    from ._loss_settings import Loss

POSITIVE_LOSSES = ("poisson", "gamma", "tweedie")  # of means exp(z)
# The numbers of losses that have settings, at their defaults.
DEFAULTS = {
    "huber": [1.0],
    "quantile": [0.1, 0.5, 0.9],
    "cross_entropy": [0.0],
    "focal": [2.0],
    "tweedie": [1.5],
}


def named_numbers(loss: object) -> tuple[str, list[float]]:
    """The name and the settings by which the core knows a loss, given by its name or settings.

    >>> from briskmlp import Quantile
    >>> named_numbers("huber"), named_numbers(Quantile([0.2, 0.8])), named_numbers("mse")
    (('huber', [1.0]), ('quantile', [0.2, 0.8]), ('mse', []))
    """
    if isinstance(loss, str):
        if loss not in core.loss_names():
            raise ValueError(unknown_name("loss", loss, core.loss_names()))
        return loss, [*DEFAULTS.get(loss, [])]
    from ._loss_settings import NAMES, LossSettings

    if not isinstance(loss, LossSettings):
        hint = "; a function goes to fit(loss=...)" if callable(loss) else ""
        raise TypeError(f"loss must be a name, or settings such as Huber(), got {loss!r}{hint}")
    (value,) = vars(loss).values()  # each has one
    return NAMES[type(loss)], [*value] if isinstance(value, tuple) else [value]


def loss_of(name: str, numbers: Sequence[float]) -> Loss:
    """The inverse of `named_numbers`; the name alone where the settings are the defaults.

    >>> loss_of("huber", [1.0]), loss_of("huber", [2.0])
    ('huber', Huber(delta=2.0))
    """
    if name not in DEFAULTS or [*numbers] == DEFAULTS[name]:
        return name
    from ._loss_settings import KINDS

    kind: Any = KINDS[name]
    loss: Loss = kind(numbers if name == "quantile" else numbers[0])
    return loss


def middle_columns(network: core.Network) -> slice:
    """Where predictions (M, out) have one number a target: the means, or the middle quantiles."""
    cols = network.target_cols
    middle = (network.outputs // cols - 1) // 2 if network.loss == "quantile" else 0
    return slice(middle * cols, (middle + 1) * cols)


def plain(loss: Loss) -> str | dict[str, object]:
    """The loss in terms that JSON has: its name, or that among its settings.

    >>> from briskmlp import Huber, Quantile
    >>> plain("mse"), plain(Huber(2)), plain(Quantile([0.2, 0.8]))
    ('mse', {'name': 'huber', 'delta': 2.0}, {'name': 'quantile', 'levels': [0.2, 0.8]})
    """
    if isinstance(loss, str):
        return loss
    from ._loss_settings import NAMES

    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(loss).items()}
    return {"name": NAMES[type(loss)], **settings}


def from_plain(value: object) -> Loss:
    """The inverse of `plain`, which believes nothing.

    >>> from_plain({"name": "huber", "delta": 2})
    Huber(delta=2.0)
    >>> from_plain({"name": "huber", "gamma": 2})
    Traceback (most recent call last):
    ValueError: not a loss: {'name': 'huber', 'gamma': 2}
    """
    if not isinstance(value, dict):
        return loss_of(*named_numbers(value))
    from ._loss_settings import KINDS

    name, settings = str(value.get("name")), {k: v for k, v in value.items() if k != "name"}
    if name not in KINDS or settings.keys() != vars(KINDS[name]()).keys():
        raise ValueError(f"not a loss: {value!r:.200}")
    return loss_of(*named_numbers(KINDS[name](**settings)))
