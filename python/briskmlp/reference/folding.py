"""Batch norm taken up by the layers: they do without, once training is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .activations import Array
from .norms import inverse_deviations

if TYPE_CHECKING:
    from .network import MLP

MOST_ROWS = 4096


def rows_to_measure(X: Array) -> Array:
    """Choose the rows whose means and variances stand for all: evenly spaced, (M, in)."""
    count = min(len(X), MOST_ROWS)
    return np.asarray(X[np.arange(count) * len(X) // count])


def fold(net: MLP, X: Array) -> None:
    """From layers that go with the norm to those that do without, for rows X (M, in)."""
    for layer in range(1, len(net.weights)):
        # The layers below do without by now.
        a = net.hidden_sums(X)[layer - 1]
        W, b = net.weights[layer], net.biases[layer]
        W *= inverse_deviations(a, 0).T
        b -= a.mean(axis=0) @ W


def unfold(net: MLP, X: Array) -> None:
    """From layers that do without the norm to those that go with it, for rows X (M, in)."""
    sums = net.hidden_sums(X)
    for layer in range(1, len(net.weights)):
        a, W, b = sums[layer - 1], net.weights[layer], net.biases[layer]
        b += a.mean(axis=0) @ W
        W /= inverse_deviations(a, 0).T
