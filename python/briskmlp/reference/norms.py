"""Norms between the layers: what they make of a batch's rows, and their way back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from .activations import Array

EPSILON = 1e-5  # added to variances, as in PyTorch


class Norm(NamedTuple):
    """A function of rows a (M, N), and of a and d, the gradient by what it gives, that by a."""

    function: Callable[[Array], Array]
    pull_back: Callable[[Array, Array], Array]


def inverse_deviations(a: Array, axis: int = 1) -> Array:
    """One over the standard deviation of each row of (M, N), nearly: (M, 1); or column: (1, N)."""
    return np.asarray(1 / np.sqrt(a.var(axis=axis, keepdims=True) + a.dtype.type(EPSILON)))


def standardized(a: Array, axis: int) -> Array:
    return np.asarray((a - a.mean(axis=axis, keepdims=True)) * inverse_deviations(a, axis))


def standardized_backward(a: Array, d: Array, axis: int) -> Array:
    """With y = standardized(a): (d - mean of d - y times the mean of d y), by the deviation."""
    y = standardized(a, axis)
    slope = (d * y).mean(axis=axis, keepdims=True)
    left = d - d.mean(axis=axis, keepdims=True) - y * slope
    return np.asarray(left * inverse_deviations(a, axis))


def layer_norm(a: Array) -> Array:
    """Each row less its mean, by its standard deviation (Ba, Kiros and Hinton 2016).

    >>> layer_norm(np.array([[1.0, 2, 3, 4]])).round(3)
    array([[-1.342, -0.447,  0.447,  1.342]])
    """
    return standardized(a, 1)


def batch_norm(a: Array) -> Array:
    """Each column less its mean, by its standard deviation (Ioffe and Szegedy 2015).

    >>> batch_norm(np.array([[1.0], [2], [3], [4]])).round(3).ravel()
    array([-1.342, -0.447,  0.447,  1.342])
    """
    return standardized(a, 0)


NORMS = {"layer": Norm(layer_norm, partial(standardized_backward, axis=1))}
BATCH_NORM = Norm(batch_norm, partial(standardized_backward, axis=0))  # in training only
