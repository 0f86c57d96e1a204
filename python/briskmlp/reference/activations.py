"""Activation functions and their derivatives, elementwise, each written as its definition.

Where two ways of writing are equal on paper, the one that neither overflows nor cancels is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]  # of the network's dtype, float32 or float64

LEAKY_SLOPE = 0.01
SELU_SCALE = 1.0507009873554804934193349852946  # Klambauer et al. 2017, appendix
SELU_ALPHA = 1.6732632423543772848170429916717
GELU_CUBIC = 0.044715  # Hendrycks and Gimpel 2016, section 2
ROOT_2_OVER_PI = math.sqrt(2 / math.pi)

_erfc = np.vectorize(math.erfc, otypes=[float])


def identity(z: Array) -> Array:
    return z


def d_identity(z: Array) -> Array:
    return np.ones_like(z)


def relu(z: Array) -> Array:
    return np.maximum(z, 0)


def d_relu(z: Array) -> Array:
    return (z > 0).astype(z.dtype)


def leaky_relu(z: Array) -> Array:
    return np.where(z > 0, z, LEAKY_SLOPE * z)


def d_leaky_relu(z: Array) -> Array:
    return np.where(z > 0, 1, LEAKY_SLOPE).astype(z.dtype)


def elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def d_elu(z: Array) -> Array:
    return np.exp(np.minimum(z, 0))


def selu(z: Array) -> Array:
    return SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * np.expm1(np.minimum(z, 0)))


def d_selu(z: Array) -> Array:
    return SELU_SCALE * np.where(z > 0, 1, SELU_ALPHA * np.exp(np.minimum(z, 0)))


def normal_cdf(z: Array) -> Array:
    return (0.5 * _erfc(-z / math.sqrt(2))).astype(z.dtype)


def gelu(z: Array) -> Array:
    return z * normal_cdf(z)


def d_gelu(z: Array) -> Array:
    normal_pdf = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return normal_cdf(z) + z * normal_pdf


def gelu_tanh(z: Array) -> Array:
    # 1/2 (1 + tanh u) is sigmoid(2u), which does not cancel where tanh u nears -1.
    return z * sigmoid(2 * ROOT_2_OVER_PI * (z + GELU_CUBIC * z**3))


def d_gelu_tanh(z: Array) -> Array:
    s = sigmoid(2 * ROOT_2_OVER_PI * (z + GELU_CUBIC * z**3))
    d_2u = 2 * ROOT_2_OVER_PI * (1 + 3 * GELU_CUBIC * z**2)
    return s + z * s * (1 - s) * d_2u


def silu(z: Array) -> Array:
    return z * sigmoid(z)


def d_silu(z: Array) -> Array:
    s = sigmoid(z)
    return s + z * s * (1 - s)


def mish(z: Array) -> Array:
    return z * np.tanh(softplus(z))


def d_mish(z: Array) -> Array:
    t = np.tanh(softplus(z))
    return t + z * (1 - t * t) * sigmoid(z)


def softplus(z: Array) -> Array:
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def d_softplus(z: Array) -> Array:
    return sigmoid(z)


def sigmoid(z: Array) -> Array:
    e = np.exp(-np.abs(z))  # in (0, 1], so that nothing overflows
    return np.where(z > 0, 1, e) / (1 + e)


def d_sigmoid(z: Array) -> Array:
    s = sigmoid(z)
    return s * (1 - s)


def tanh(z: Array) -> Array:
    return np.tanh(z)


def d_tanh(z: Array) -> Array:
    return 1 - np.tanh(z) ** 2


class Activation(NamedTuple):
    """A function of z = x @ W + b and its derivative by z, both elementwise."""

    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


ACTIVATIONS = {
    "identity": Activation(identity, d_identity),
    "relu": Activation(relu, d_relu),
    "leaky_relu": Activation(leaky_relu, d_leaky_relu),
    "elu": Activation(elu, d_elu),
    "selu": Activation(selu, d_selu),
    "gelu": Activation(gelu, d_gelu),
    "gelu_tanh": Activation(gelu_tanh, d_gelu_tanh),
    "silu": Activation(silu, d_silu),
    "mish": Activation(mish, d_mish),
    "softplus": Activation(softplus, d_softplus),
    "sigmoid": Activation(sigmoid, d_sigmoid),
    "tanh": Activation(tanh, d_tanh),
}
