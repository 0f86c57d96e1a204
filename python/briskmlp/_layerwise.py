"""A network one layer after another, each as a network of its own with copied parameters.

A layer alone rounds as it does inside the network, so that the last one gives the very bits of the
network's raw outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from . import _briskmlp_core as core
from ._validate import Array


def layers(network: core.Network) -> Iterator[core.Network]:
    """The layers from the first to the last."""
    end = 0
    for (K, N), activation in zip(pairwise(network.sizes), network.activations, strict=True):
        start, end = end, end + (K + 1) * N
        layer = core.Network([K, N], [activation], "mse", [], network.dtype.name)
        layer.parameters[:] = network.parameters[start:end]
        yield layer


def layer_outputs(network: core.Network, x: Array) -> list[Array]:
    """What each layer gives for rows x (M, in): arrays (M, N)."""
    outputs: list[Array] = []
    for layer in layers(network):
        y = np.empty((len(x), layer.outputs), network.dtype)
        layer.predict_rows(outputs[-1] if outputs else x, y, True)
        outputs.append(y)
    return outputs
