"""A flat array of parameters, or of their gradients, as arrays of the layers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

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

    def __init__(self, arrays: Iterable[Array]) -> None:
        self._arrays = list(arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, index: Any) -> Any:
        return self._arrays[index]

    def __setitem__(self, index: int, value: ArrayLike) -> None:
        if isinstance(index, slice):
            raise TypeError("assign to one layer at a time, or to all through the network")
        array = self._arrays[index]
        array[...] = array_of(value, f"layer {index}", array.shape, array.dtype)

    def __repr__(self) -> str:
        return repr(self._arrays)


def split(flat: Array, sizes: Sequence[int]) -> tuple[LayerArrays, LayerArrays]:
    """Weights and biases as views of a flat array (P,), layer after layer: W, then b below it."""
    blocks, end = [], 0
    for K, N in pairwise(sizes):
        start, end = end, end + (K + 1) * N
        blocks.append(flat[start:end].reshape(K + 1, N))
    return LayerArrays(b[:-1] for b in blocks), LayerArrays(b[-1] for b in blocks)


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
    if len(values) != len(arrays):
        raise ValueError(f"{name} has {len(values)} entries, the network has {len(arrays)} layers")
    checked = [
        array_of(value, f"{name}[{i}]", array.shape, array.dtype).copy()
        for i, (value, array) in enumerate(zip(values, arrays, strict=True))
    ]
    for array, value in zip(arrays, checked, strict=True):
        array[...] = value
