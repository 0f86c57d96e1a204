"""A network one layer after another, each as a network of its own with copied parameters.

A layer alone rounds as it does inside the network, so that the last one gives the very bits of the
network's raw outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from . import _briskmlp_core as core
from ._validate import Array


class Pass(NamedTuple):
    """Rows on their way through a layer."""

    inputs: Array  # (M, K)
    outputs: Array  # (M, N), after the activation
    sums: Array  # (M, N): with what a residual connection adds
    passed_on: Array  # (M, N): the next layer's inputs


def layers(network: core.Network) -> Iterator[core.Network]:
    """The layers from the first to the last, without what comes between them."""
    end = 0
    for (K, N), activation in zip(pairwise(network.sizes), network.activations, strict=True):
        start, end = end, end + (K + 1) * N
        layer = core.Network([K, N], [activation], "mse", [], network.dtype.name)
        layer.parameters[:] = network.parameters[start:end]
        yield layer


def passes(network: core.Network, x: Array) -> Iterator[Pass]:
    """Send rows x (M, in) through the layers."""
    sums = x
    for number, layer in enumerate(layers(network)):
        outputs = np.empty((len(x), layer.outputs), network.dtype)
        layer.predict_rows(x, outputs, True)
        sums = outputs + sums if network.residual_layers[number] else outputs
        passed_on = sums
        if network.normalized_layers[number]:
            passed_on = np.empty_like(sums)
            core.layer_norm(sums, passed_on)
        yield Pass(x, outputs, sums, passed_on)
        x = passed_on


def gradient_sizes(network: core.Network, x: Array) -> list[float]:
    """Root mean square, by each layer's sums, of a random gradient by the network's outputs.

    It is sent back from the last layer (where it is 1, about) to the first.
    """
    steps = list(zip(layers(network), passes(network, x), strict=True))
    shape = (len(x), network.outputs)
    gradient = np.random.default_rng(0).standard_normal(shape).astype(network.dtype)
    sizes = []
    skipping: Array | None = None  # the gradient that a residual connection takes past a layer
    for number, (layer, step) in reversed([*enumerate(steps)]):
        if network.normalized_layers[number]:
            core.layer_norm(step.sums, np.empty_like(step.sums), gradient)
        if skipping is not None:
            gradient = gradient + skipping
        sizes.append(float(np.sqrt(np.mean(np.square(gradient, dtype="f8")))))
        skipping = gradient if network.residual_layers[number] else None
        if number > 0:
            gradient = layer.backward(step.inputs, gradient)[0]
    return sizes[::-1]
