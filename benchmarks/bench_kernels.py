"""The parts of training and prediction one by one, through networks of a single layer."""

from __future__ import annotations

from typing import Any

import briskmlp as bm
import numpy as np
import pytest

ROWS = 256
WIDTHS = (16, 64, 256, 1024)


def layer(kind: Any, width: int, activation: str, dtype: str) -> tuple[Any, Any]:
    """Make one square layer and rows for it."""
    net = kind([width, width], [activation], dtype=dtype, seed=0)
    rows = np.random.default_rng(0).standard_normal((ROWS, width)).astype(dtype)
    return net, rows


@pytest.mark.parametrize("width", WIDTHS)
def test_forward(benchmark: Any, network: Any, width: int, dtype: str) -> None:
    net, X = layer(network, width, "identity", dtype)
    scale = np.abs(X) @ np.abs(net.weights[0])
    assert np.all(np.abs(net(X) - X @ net.weights[0]) <= 2 * width * np.finfo(dtype).eps * scale)
    benchmark.group = f"forward, {ROWS} rows, {width}-{width}, {dtype}"
    benchmark(net, X)


@pytest.mark.parametrize("width", WIDTHS)
def test_backward(benchmark: Any, network: Any, width: int, dtype: str) -> None:
    net, X = layer(network, width, "identity", dtype)
    dY = np.ones_like(X)
    dX, _ = net.backward(X, dY)
    assert np.allclose(dX, dY @ net.weights[0].T, atol=1e-3)
    benchmark.group = f"forward and backward, {ROWS} rows, {width}-{width}, {dtype}"
    benchmark(net.backward, X, dY)


@pytest.mark.parametrize("sizes", [(1, 64, 64, 1), (64, 64, 10), (784, 256, 128, 10)], ids=str)
def test_one_row(benchmark: Any, network: Any, sizes: tuple[int, ...], dtype: str) -> None:
    net = network(sizes, dtype=dtype, seed=0)
    row = np.random.default_rng(0).standard_normal(sizes[0]).astype(dtype)
    assert np.allclose(net.predict(row), bm.MLP(sizes, dtype=dtype, seed=0).predict(row), atol=1e-4)
    benchmark.group = f"one row, {'-'.join(map(str, sizes))}, {dtype}"
    benchmark(net.predict, row)
