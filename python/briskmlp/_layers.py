"""A flat array of parameters, or of their gradients, as arrays of the layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _briskmlp_core as core
from ._validate import Array, array_of


class LayerArrays(Sequence[Array]):
    """One array a layer, each a view. Assigning to an entry copies into that array.

    >>> import briskmlp as bm
    >>> net = bm.MLP([2, 3, 1], seed=0)
    >>> net.biases[0] = [1, 2, 3]
    >>> net.biases
    [array([1., 2., 3.], dtype=float32), array([0.], dtype=float32)]
    """

    def __init__(self, arrays: Iterable[Array], name: str) -> None:
        self._arrays, self._name = list(arrays), name

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, index: Any) -> Any:
        try:
            return self._arrays[index]
        except IndexError:
            raise IndexError(
                f"there is no {self._name}[{index}], the network has {len(self)} layers"
            ) from None

    def __setitem__(self, index: int, value: ArrayLike) -> None:
        if isinstance(index, slice):
            raise TypeError("assign to one layer at a time, or to all through the network")
        array = self[index]
        if np.ndim(value) == 0:
            raise ValueError(
                f"{self._name}[{index}] is an array of shape {array.shape}, got {value!r}; to fill "
                f"it with a number: {self._name}[{index}][...] = {value!r}"
            )
        array[...] = array_of(value, f"{self._name}[{index}]", array.shape, array.dtype)

    def __repr__(self) -> str:
        return repr(self._arrays)


def split(flat: Array, sizes: Sequence[int]) -> tuple[LayerArrays, LayerArrays]:
    """Weights and biases as views of a flat array (P,), layer after layer: W, then b below it."""
    blocks, end = [], 0
    for K, N in pairwise(sizes):
        start, end = end, end + (K + 1) * N
        blocks.append(flat[start:end].reshape(K + 1, N))
    weights, biases = (b[:-1] for b in blocks), (b[-1] for b in blocks)
    return LayerArrays(weights, "weights"), LayerArrays(biases, "biases")


def runs(items: Sequence[Any], least: int = 3) -> list[tuple[int, int]]:
    """Where items begin and how many alike follow: one by one, unless there are `least` in a row.

    >>> runs(["a", "b", "b", "b", "c", "c"])
    [(0, 1), (1, 3), (4, 1), (5, 1)]
    """
    found, start = [], 0
    for _, group in groupby(items):
        count = len(list(group))
        found += [(start, count)] if count >= least else [(start + i, 1) for i in range(count)]
        start += count
    return found


def describe(network: core.Network) -> list[str]:
    """Each layer's activation and what comes between it and the next layer.

    >>> import briskmlp as bm
    >>> describe(bm.MLP([2, 8, 8, 1], norm="layer", residual=True)._network)
    ['relu, norm', 'relu + skip, norm', 'identity']
    """
    skips, norms = network.residual_layers, network.normalized_layers
    return [
        f"{name}{' + skip' * skip}{', norm' * norm}"
        for name, skip, norm in zip(network.activations, skips, norms, strict=True)
    ]


def assign(arrays: LayerArrays, values: Sequence[ArrayLike], name: str) -> None:
    """Copy `values`, one a layer, into `arrays`: all of them or, after an error, none."""
    if not isinstance(values, Sized):
        raise TypeError(
            f"{name} must be {len(arrays)} arrays, one a layer, got {values!r}; to write to one of "
            f"them, or a part: net.{name}[0][...] = value"
        )
    if len(values) != len(arrays):
        raise ValueError(f"{name} has {len(values)} entries, the network has {len(arrays)} layers")
    checked = [
        array_of(value, f"{name}[{i}]", array.shape, array.dtype).copy()
        for i, (value, array) in enumerate(zip(values, arrays, strict=True))
    ]
    for array, value in zip(arrays, checked, strict=True):
        array[...] = value
