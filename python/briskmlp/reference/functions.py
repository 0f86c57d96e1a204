"""The functions of arrays in plain NumPy, each with its derivative by x."""

from __future__ import annotations

import math

import numpy as np

from .activations import ACTIVATIONS, Activation, Array, sigmoid, softplus

_erf = np.vectorize(math.erf, otypes=[float])


def erf(x: Array) -> Array:
    return _erf(x).astype(x.dtype)


def d_erf(x: Array) -> Array:
    return 2 / math.sqrt(math.pi) * np.exp(-x * x)


def logsigmoid(x: Array) -> Array:
    return -softplus(-x)


def d_logsigmoid(x: Array) -> Array:
    return sigmoid(-x)


FUNCTIONS: dict[str, Activation] = {
    **{name: kind for name, kind in ACTIVATIONS.items() if name != "identity"},
    "exp": Activation(np.exp, np.exp),
    "expm1": Activation(np.expm1, np.exp),
    "log": Activation(np.log, lambda x: 1 / x),
    "log1p": Activation(np.log1p, lambda x: 1 / (1 + x)),
    "erf": Activation(erf, d_erf),
    "logsigmoid": Activation(logsigmoid, d_logsigmoid),
}
