"""What the core takes beside dense rows in the order of an epoch: sparse ones, and orders."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import _briskmlp_core as core
from briskmlp._sparse import CsrParts, csr_parts
from cases import core_options

M, K, N = 70, 9, 3


class Csr:
    """A matrix as SciPy has it, with the types that it gives large ones."""

    def __init__(self, dense: np.ndarray, index: Any = np.int64) -> None:
        places = dense != 0
        self.data = dense[places]
        self.indices = np.nonzero(places)[1].astype(index)
        self.indptr = np.concatenate([[0], np.cumsum(places.sum(axis=1))]).astype(index)


def problem(dtype: str = "float64") -> tuple[core.Network, np.ndarray, np.ndarray]:
    """A network, inputs with zeros, and targets."""
    network = core.Network([K, 40, N], ["tanh", "identity"], "mse", [], dtype)
    network.initialize(4, "auto")
    rng = np.random.default_rng(1)
    X = np.where(rng.random((M, K)) < 0.4, 0, rng.normal(size=(M, K)))
    X[5] = 0
    return network, X, rng.normal(size=(M, N)).astype(dtype)


def fit(network: core.Network, data: Any, **settings: Any) -> core.FitOutcome:
    """Three epochs."""
    settings = {"on_epoch": None, "rates": None} | settings
    batch_size = settings.pop("batch_size", 16)
    options = core_options(epochs=3, batch_size=batch_size)
    return core.fit(network, data, None, options, **settings)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("entries", ["float32", "float64", "int8", "bool"])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse_rows_give_the_bits_of_dense_ones(dtype: str, entries: str, index: Any) -> None:
    network, X, y = problem(dtype)
    X = (3 * X).astype(entries)
    sparse = csr_parts(Csr(X, index))
    before = network.parameters.copy()

    def results(x: Any) -> list[np.ndarray]:
        network.parameters[...] = before
        fit(network, (x, y, None))
        out = np.empty((M, N), dtype)
        network.predict_rows(x, out, False)
        loss, gradient = network.gradients((x, y, None))
        figures = np.array([*network.evaluate((x, y, None)), loss])
        return [network.parameters.copy(), out, gradient, figures]

    for dense, got in zip(results(X), results(sparse), strict=True):
        np.testing.assert_array_equal(dense, got)


SPARSE = {  # inputs, hidden layers, rows, batch, share of entries: every plan, and few units
    "two phases": (3000, (100,), 300, 100, 0.02),
    "chunks": (33, (33, 17), 3000, 2000, 0.3),
    "shards": (50, (40,), 300, 64, 0.1),
    "no entries": (700, (130,), 200, 128, 0.0),
    "few units": (257, (2,), 200, 128, 0.2),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", SPARSE)
def test_training_on_sparse_rows_has_the_bits_of_dense_ones(case: str, dtype: str) -> None:
    inputs, hidden, rows, batch, share = SPARSE[case]
    rng = np.random.default_rng(0)
    X = np.where(rng.random((rows, inputs)) < share, rng.normal(size=(rows, inputs)), 0)
    X = X.astype(dtype)
    y = rng.integers(0, 3, rows).astype(np.int32)
    results = []
    for x, threads in ((X, 1), (csr_parts(Csr(X)), 1), (csr_parts(Csr(X)), 2)):
        with bm.threads(threads):
            net = bm.MLP([inputs, *hidden, 3], loss="cross_entropy", dtype=dtype, seed=0)
            fit(net._network, (x, y, None), batch_size=batch)
            loss, gradient = net._network.gradients((x, y, None))
            results.append((net.parameters, gradient, np.array(loss)))
    for other in results[1:]:
        assert all(map(np.array_equal, results[0], other))


def test_columns_in_any_order_and_twice() -> None:
    network, X, y = problem()
    before = network.parameters.copy()
    data, columns, starts = csr_parts(Csr(X))
    shuffled = (data.copy(), columns.copy(), starts)
    for begin, end in pairwise(starts):
        shuffled[0][begin:end] = data[begin:end][::-1]
        shuffled[1][begin:end] = columns[begin:end][::-1]
    halves = (np.repeat(data / 2, 2), np.repeat(columns, 2), 2 * starts)
    expected = None
    for x in (X, shuffled, halves):
        network.parameters[...] = before
        fit(network, (x, y, None))
        expected = network.parameters.copy() if expected is None else expected
        np.testing.assert_array_equal(network.parameters, expected)


@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array"])
def test_matrices_of_scipy_are_put_in_order_and_left_alone(kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    given = np.array([4.0, 1.0, 2.0, 3.0]), np.array([2, 0, 2, 1]), np.array([0, 3, 3, 4])
    matrix = getattr(sparse, kind)(tuple(map(np.copy, given)), shape=(3, 3))
    data, columns, starts = csr_parts(matrix)
    assert (data.tolist(), columns.tolist()) == ([1.0, 6.0, 3.0], [0, 2, 1])
    assert starts.tolist() == [0, 2, 2, 3]
    for had, has in zip(given, (matrix.data, matrix.indices, matrix.indptr), strict=True):
        np.testing.assert_array_equal(had, has)


def test_parts_are_views_where_they_can_be() -> None:
    matrix = Csr(np.eye(3), np.int32)
    data, columns, starts = csr_parts(matrix)
    assert data is matrix.data
    assert columns is matrix.indices
    assert starts.dtype == np.int64


def parts(**changes: Any) -> CsrParts:
    """Two rows of two columns, with one array changed."""
    arrays = {
        "data": np.ones(3),
        "columns": np.array([0, 1, 1], np.int32),
        "starts": np.array([0, 2, 3], np.int64),
    } | changes
    return arrays["data"], arrays["columns"], arrays["starts"]


@pytest.mark.parametrize(
    "changes",
    [
        {"columns": np.array([0, 2, 1], np.int32)},
        {"columns": np.array([0, -1, 1], np.int32)},
        {"columns": np.array([0, 1], np.int32)},
        {"columns": np.array([0, 1, 1])},
        {"starts": np.array([0, 2, 4])},
        {"starts": np.array([0, 3, 2])},
        {"starts": np.array([-1, 2, 3])},
        {"starts": np.array([], np.int64)},
        {"starts": np.array([0, 2, 3], np.int32)},
        {"data": np.ones((3, 1))},
        {"data": np.ones(6)[::2]},
    ],
)
def test_broken_sparse_matrices_are_refused(changes: dict[str, Any]) -> None:
    network = core.Network([2, 1], ["identity"], "mse", [], "float64")
    out = np.empty((2, 1))
    network.predict_rows(parts(), out, False)
    with pytest.raises(ValueError, match=r"sparse|starts|columns"):
        network.predict_rows(parts(**changes), out, False)


def test_a_fit_goes_by_where_the_entries_were_when_it_began() -> None:
    network, X, y = problem()
    before = network.parameters.copy()
    fit(network, (csr_parts(Csr(X)), y, None))
    expected = network.parameters.copy()
    network.parameters[...] = before
    x = csr_parts(Csr(X))

    def spoil(_report: object) -> bool:
        x[1][...] = x[2][...] = 2**31 - 1  # far beyond the matrix
        return False

    fit(network, (x, y, None), on_epoch=spoil)
    np.testing.assert_array_equal(network.parameters, expected)


def test_no_rows_are_no_predictions() -> None:
    network = core.Network([2, 1], ["identity"], "mse", [], "float64")
    nothing = parts(data=np.ones(0), columns=np.zeros(0, np.int32), starts=np.zeros(1, np.int64))
    network.predict_rows(nothing, np.empty((0, 1)), False)
    with pytest.raises(ValueError, match="rows"):
        network.evaluate((nothing, np.empty((0, 1)), None))


def test_an_order_is_that_of_the_rows() -> None:
    network, X, y = problem()
    before = network.parameters.copy()
    numbers = np.random.default_rng(2).integers(M, size=M).astype(np.uint32)
    asked: list[tuple[int, int]] = []

    def order(epoch: int, rows: int) -> np.ndarray:
        asked.append((epoch, rows))
        return numbers

    fit(network, (X, y, None), order=order)
    assert asked == [(0, M), (1, M), (2, M)]
    given = network.parameters.copy()
    network.parameters[...] = before
    # Rows that lie so already, taken as they lie.
    fit(
        network,
        (X[numbers], y[numbers], None),
        order=lambda _epoch, rows: np.arange(rows, dtype=np.uint32),
    )
    np.testing.assert_array_equal(network.parameters, given)


def test_none_is_the_order_of_the_options() -> None:
    network, X, y = problem()
    before = network.parameters.copy()
    fit(network, (X, y, None))
    shuffled = network.parameters.copy()
    network.parameters[...] = before
    fit(network, (X, y, None), order=lambda _epoch, _rows: None)
    np.testing.assert_array_equal(network.parameters, shuffled)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (np.arange(1, M + 1, dtype=np.uint32), f"has row {M}, there are {M} rows"),
        (np.arange(M - 1, dtype=np.uint32), rf"shape \({M},\)"),
        (np.arange(M), "type uint32"),
        (np.zeros(2 * M, np.uint32)[::2], "C-contiguous"),
        ([0] * M, "C-contiguous"),
    ],
)
def test_orders_that_are_none_end_the_fit(numbers: Any, message: str) -> None:
    network, X, y = problem()
    after_epochs: list[np.ndarray] = []

    def on_epoch(_report: core.EpochReport) -> bool:
        after_epochs.append(network.parameters.copy())
        return False

    with pytest.raises(ValueError, match=message):
        fit(
            network,
            (X, y, None),
            on_epoch=on_epoch,
            order=lambda epoch, _rows: numbers if epoch == 2 else None,
        )
    assert len(after_epochs) == 2
    np.testing.assert_array_equal(network.parameters, after_epochs[-1])


def test_an_error_in_an_order_passes_on() -> None:
    network, X, y = problem()

    def order(_epoch: int, _rows: int) -> np.ndarray:
        raise ZeroDivisionError("no such luck")

    with pytest.raises(ZeroDivisionError, match="no such luck"):
        fit(network, (X, y, None), order=order)
    fit(network, (X, y, None))  # and the next one can run


def test_a_decay_by_rows_is_of_steps_of_one_batch() -> None:
    with pytest.raises(ValueError, match="one batch"):
        core.FitOptions(
            epochs=1,
            batch_size=1,
            shuffle=True,
            seed=0,
            first_epoch=0,
            batches_per_step=2,
            steps_before=0,
            optimizer=core.OptimizerSpec("sgd", learning_rate=1.0, row_decay=1.0),
            dropout=[],
            noise=[],
        )
