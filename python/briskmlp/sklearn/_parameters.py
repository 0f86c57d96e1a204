"""The parameters that both estimators have: what each may be, and how they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, Options, StrOptions

from .. import _briskmlp_core as core
from .._progress import DISPLAYS

ACTIVATIONS = {"logistic": "sigmoid"}  # scikit-learn's names where they are not the core's
STOCHASTIC_SOLVERS = ("sgd", "adam")

_positive_whole = Interval(Integral, 1, None, closed="left")
_share = Interval(Real, 0, 1, closed="left")
_positive = Interval(Real, 0, None, closed="neither")
_not_negative = Interval(Real, 0, None, closed="left")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", _positive_whole],
    "activation": [StrOptions({*core.activation_names(), *ACTIVATIONS}), list, tuple],
    "solver": [StrOptions({"lbfgs", *STOCHASTIC_SOLVERS})],
    "alpha": [_not_negative],
    "batch_size": [StrOptions({"auto"}), _positive_whole],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [_positive],
    "power_t": [_not_negative],
    "max_iter": [_positive_whole],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [_not_negative],
    "verbose": ["verbose", StrOptions({"bar", *DISPLAYS})],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_share],
    "beta_1": [_share],
    "beta_2": [_share],
    "epsilon": [_positive],
    "n_iter_no_change": [_positive_whole, Options(Real, {np.inf})],
    "max_fun": [_positive_whole],
    # What scikit-learn's do not have.
    "dropout": [_share, list, tuple],
    "weight_decay": [_not_negative],
    "norm": [StrOptions({*core.norm_names()}), None],
    "residual": ["boolean"],
    "scoring": [str, callable, None],
    "n_threads": [_positive_whole, None],
}


def keep(estimator: object, arguments: Mapping[str, object]) -> None:
    """Keep a constructor's arguments, its `locals()`, as attributes, untouched."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def hidden_sizes(value: Any) -> list[int]:
    """The widths of the hidden layers, of which there may be none."""
    sizes = list(value) if hasattr(value, "__iter__") else [value]
    for size in sizes:
        if not isinstance(size, Integral) or isinstance(size, bool):
            raise TypeError(f"hidden_layer_sizes must be whole numbers, got {sizes}")
        if size <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(size) for size in sizes]


def activations(value: str | list[str], hidden_layers: int) -> list[str]:
    """The core's name of every layer's activation, the output layer's, the identity, last."""
    if isinstance(value, str):
        names = [value] * hidden_layers
    else:
        names = [*value]
        if len(names) != hidden_layers:
            raise ValueError(
                f"activation has {len(names)} names, expected {hidden_layers}, one for each hidden "
                f"layer"
            )
        known = {*core.activation_names(), *ACTIVATIONS}
        for name in names:
            if name not in known:
                raise ValueError(f"activation has {name!r}, expected one of {sorted(known)}")
    return [ACTIVATIONS.get(name, name) for name in names] + ["identity"]


def require_stochastic(estimator: Any) -> None:
    """Raise ValueError for what "lbfgs" has not, as scikit-learn has none of it to be ignored."""
    for name in ("dropout", "weight_decay"):
        if np.any(getattr(estimator, name)) and estimator.solver not in STOCHASTIC_SOLVERS:
            raise ValueError(f"{name} needs solver 'adam' or 'sgd', not {estimator.solver!r}")
