"""L-BFGS of the estimators on float32 rows: in single precision as long as that can judge."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
sparse = pytest.importorskip("scipy.sparse")

import briskmlp as bm
from briskmlp.sklearn._lbfgs import FAILURES, Objective
from briskmlp.sklearn._stochastic import Rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5)).astype("f4")
y = np.sin(X[:, :1]) + X[:, 1:2]
WEIGHTS = RNG.uniform(0.5, 2, 300)
NET = bm.MLP([5, 8, 1], "tanh", loss="mse", seed=0)


def objective(X: Any = X, dtype: str = "float32", weights: Any = None) -> Objective:
    net = bm.MLP([5, 8, 1], "tanh", loss="mse", dtype=dtype, seed=0)
    rows: Rows = (X, y.astype("f8"), weights)
    return Objective(net._network, rows, 0.01, 1)


def start() -> np.ndarray:
    return NET.parameters.astype("f8")


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_losses_that_are_close_are_computed_in_double_precision(weights: Any) -> None:
    x, single = start(), objective(weights=weights)
    double = objective(dtype="float64", weights=weights)
    expected, gradient = double(x)
    loss, first = single(x)
    assert single.network.dtype == np.float32
    assert loss != expected
    assert loss == pytest.approx(expected, rel=1e-5)
    assert first.dtype == np.float64
    loss, second = single(x)  # no better and no worse: rounding would decide
    assert single.network.dtype == np.float64
    assert loss == expected
    np.testing.assert_array_equal(second, gradient)
    assert not np.array_equal(first, gradient)


def test_losses_that_are_far_apart_are_not() -> None:
    x, single = start(), objective()
    single(3 * x)
    single(2 * x)
    single(x)
    assert single.network.dtype == np.float32


def test_losses_without_progress_are() -> None:
    x, single = start(), objective()
    single(x)
    for look in range(FAILURES):
        assert single.network.dtype == np.float32
        single((2 + look) * x)
    assert single.network.dtype == np.float64


def test_losses_that_are_infinite_are() -> None:
    x, single = start(), objective()
    x[-9:] *= 1e30  # the output layer: the square of 1e30 is no float32
    loss, _ = single(x)
    assert np.isfinite(loss)


def test_sparse_rows_have_the_bits_of_dense_ones() -> None:
    x = start()
    matrix = sparse.csr_matrix(np.where(X > 0, X, 0))
    parts = matrix.data, matrix.indices.astype("i4"), matrix.indptr.astype("i8")
    dense, got = objective(matrix.toarray()), objective(parts)
    for _ in range(2):  # the second in double precision
        (loss, gradient), (other, same) = dense(x), got(x)
        assert loss == other
        np.testing.assert_array_equal(gradient, same)
