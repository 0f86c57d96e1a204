"""Batch norm taken up by the layers: they do without, once training is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .activations import Array
from .norms import inverse_deviations
from .random import drawn

if TYPE_CHECKING:
    from .network import MLP

FEWEST_ROWS, MOST_ROWS = 512, 4096
MOST_PRODUCTS = 2_000_000_000  # fewer rows where they would take more


def rows_to_measure(X: Array, parameters: int) -> Array:
    """Draw the rows whose means and variances stand for all, (M, in)."""
    affordable = MOST_PRODUCTS // parameters
    count = min(len(X), max(FEWEST_ROWS, min(affordable, MOST_ROWS)))
    return np.asarray(X[drawn(len(X), count)])


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
