"""Norms between the layers: what they make of rows, and their way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .activations import Array

EPSILON = 1e-5  # added to variances, as in PyTorch


class Norm(NamedTuple):
    """A function of rows a (M, N), and of a and d, the gradient by what it gives, that by a."""

    function: Callable[[Array], Array]
    pull_back: Callable[[Array, Array], Array]


def inverse_deviations(a: Array) -> Array:
    """One over the standard deviation of each row of (M, N), nearly: (M, 1)."""
    return np.asarray(1 / np.sqrt(a.var(axis=1, keepdims=True) + a.dtype.type(EPSILON)))


def layer_norm(a: Array) -> Array:
    """Each row less its mean, by its standard deviation (Ba, Kiros and Hinton 2016).

    >>> layer_norm(np.array([[1.0, 2, 3, 4]])).round(3)
    array([[-1.342, -0.447,  0.447,  1.342]])
    """
    return np.asarray((a - a.mean(axis=1, keepdims=True)) * inverse_deviations(a))


def layer_norm_backward(a: Array, d: Array) -> Array:
    """With y = layer_norm(a): (d - mean of d - y times the mean of d y), by the deviation."""
    y = layer_norm(a)
    left = d - d.mean(axis=1, keepdims=True) - y * (d * y).mean(axis=1, keepdims=True)
    return np.asarray(left * inverse_deviations(a))


NORMS = {"layer": Norm(layer_norm, layer_norm_backward)}
