"""Initial weights: random, with a variance that keeps the scale of what passes through a layer.

Biases start at zero.
"""

from __future__ import annotations

import math

import numpy as np

from .activations import ACTIVATIONS, Array
from .random import INIT, CounterRng

INITIALIZERS = (
    "auto",
    "he_uniform",
    "he_normal",
    "glorot_uniform",
    "glorot_normal",
    "lecun_uniform",
    "lecun_normal",
    "zeros",
)

# He et al. 2015 for the ReLU family, LeCun et al. 1998 for selu, which asks for it, and Glorot and
# Bengio 2010 for the others.
AUTO = dict.fromkeys(ACTIVATIONS, "glorot_uniform")
AUTO |= dict.fromkeys(
    ["relu", "leaky_relu", "elu", "gelu", "gelu_tanh", "silu", "mish"], "he_uniform"
)
AUTO |= {"selu": "lecun_uniform"}


def initial_weights(init: str, activation: str, K: int, N: int, *, seed: int, layer: int) -> Array:
    """Draw the (K, N) weights of `layer`, which `activation` follows, by the rule `init`."""
    if init == "auto":
        init = AUTO[activation]
    if init == "zeros":
        return np.zeros((K, N))
    rule, distribution = init.split("_")
    fan = {"he": K / 2, "glorot": (K + N) / 2, "lecun": K}[rule]  # 1 / variance
    rng = CounterRng(seed, INIT, layer)
    counter = np.arange(K * N)
    if distribution == "uniform":
        weights = (2 * rng.uniform(counter) - 1) * math.sqrt(3 / fan)
    else:  # Box and Muller's transform of two uniform numbers
        radius = np.sqrt(-2 * np.log1p(-rng.uniform(2 * counter)))
        weights = math.sqrt(1 / fan) * radius * np.cos(2 * math.pi * rng.uniform(2 * counter + 1))
    return weights.reshape(K, N)
