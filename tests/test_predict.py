"""Prediction: one row or many, the same bits; where the result goes; what NaN becomes."""

from __future__ import annotations

import sys
import threading

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import _briskmlp_core as core

OUTPUTS = {"gaussian_nll": 4, "quantile": 6}  # for the other losses 3


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> np.dtype:
    return np.dtype(request.param)


def normal(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Numbers that float32 holds exactly."""
    return np.random.default_rng(0).normal(size=shape).astype("f4").astype(dtype)


@pytest.mark.parametrize("loss", core.loss_names())
@pytest.mark.parametrize("sizes", [[5], [7, 33], [64, 100, 37], [2500, 6]])
def test_a_row_has_the_same_bits_alone_and_in_any_batch(loss: str, sizes, dtype) -> None:
    net = bm.MLP([*sizes, OUTPUTS.get(loss, 3)], "tanh", loss=loss, dtype=dtype, seed=0)
    X = normal((301, sizes[0]), dtype)
    for call in (net.predict, net):
        expected = call(X)
        for row in (0, 1, 150, 300):
            np.testing.assert_array_equal(call(X[row]), expected[row])
            np.testing.assert_array_equal(call(X[row : row + 1])[0], expected[row])
            for other in ("f4", "f8", "g"):
                np.testing.assert_array_equal(call(X[row].astype(other)), expected[row])
        for first, end in ((0, 2), (3, 10), (17, 100), (299, 301)):
            np.testing.assert_array_equal(call(X[first:end]), expected[first:end])
        np.testing.assert_array_equal(call(X[::-1]), expected[::-1])


@pytest.mark.parametrize("sizes", [[8, 4], [64, 64, 10], [300, 257, 130, 2]])
def test_threads_do_not_change_a_bit(sizes, dtype) -> None:
    net = bm.MLP(sizes, "gelu", dtype=dtype, seed=0)
    X = normal((1000, sizes[0]), dtype)
    results = []
    for n in (1, 2, 5):
        with bm.threads(n):
            results.append(net.predict(X))
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])


def test_links(dtype) -> None:
    X = normal((20, 5), dtype)
    eps = np.finfo(dtype).eps

    def raw_and_predicted(loss: bm.Loss) -> tuple[np.ndarray, np.ndarray]:
        net = bm.MLP([5, 4], loss=loss, dtype=dtype, seed=0)
        return net(X).astype("f8"), net.predict(X)

    z, p = raw_and_predicted("mse")
    np.testing.assert_array_equal(p, z)
    # Each elementary function is good to a few units in the last place.
    z, p = raw_and_predicted("cross_entropy")
    exps = np.exp(z)
    np.testing.assert_allclose(p, exps / exps.sum(axis=1, keepdims=True), rtol=20 * eps)
    z, p = raw_and_predicted("binary_cross_entropy")
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-z)), rtol=20 * eps)
    z, p = raw_and_predicted("gaussian_nll")
    np.testing.assert_array_equal(p[:, :2], z[:, :2])
    np.testing.assert_allclose(p[:, 2:], np.exp(z[:, 2:]), rtol=20 * eps)
    z, p = raw_and_predicted("poisson")
    np.testing.assert_allclose(p, np.exp(z), rtol=20 * eps)
    # The second of four levels is a raw output, the others are softplus beyond their neighbours.
    z, p = raw_and_predicted(bm.Quantile([0.1, 0.4, 0.8, 0.9]))
    steps = np.log1p(np.exp(z))
    above = z[:, 1] + steps[:, 2]
    expected = [z[:, 1] - steps[:, 0], z[:, 1], above, above + steps[:, 3]]
    np.testing.assert_allclose(p, np.transpose(expected), rtol=0, atol=20 * eps * abs(p).max())


def test_shapes(dtype) -> None:
    net = bm.MLP([5, 4, 3], dtype=dtype, seed=0)
    for shape in ((5,), (1, 5), (7, 5), (0, 5)):
        for call in (net.predict, net):
            y = call(np.ones(shape, dtype))
            assert y.shape == (*shape[:-1], 3)
            assert y.dtype == dtype
            assert y.flags.c_contiguous
            assert y.flags.owndata


def test_one_input_one_output() -> None:
    net = bm.MLP([1, 1], init="zeros")
    net.parameters = [2, 1]
    assert net.predict([3]).tolist() == [7]
    assert net.predict([[3], [4]]).tolist() == [[7], [9]]


@pytest.mark.parametrize("shape", [(5,), (1, 5), (7, 5)])
def test_out(shape, dtype) -> None:
    net = bm.MLP([5, 4, 3], loss="cross_entropy", dtype=dtype, seed=0)
    x = normal(shape, dtype)
    for given in (x, x.astype("f4"), x.astype("f8"), x.astype("g"), x.tolist()):
        for call in (net.predict, net):
            out = np.full((*shape[:-1], 3), np.nan, dtype)
            assert call(given, out=out) is out
            np.testing.assert_array_equal(out, call(x))
            out[...] = np.nan
            assert call(given, out) is out
            np.testing.assert_array_equal(out, call(x))


@pytest.mark.parametrize("shape", [(5,), (1, 5), (7, 5)])
def test_out_with_strides_or_misaligned(shape, dtype) -> None:
    net = bm.MLP([5, 4, 3], dtype=dtype, seed=0)
    x = normal(shape, dtype)
    expected = net.predict(x)
    wide = np.zeros((*shape[:-1], 6), dtype)
    net.predict(x, out=wide[..., ::2])
    np.testing.assert_array_equal(wide[..., ::2], expected)
    np.testing.assert_array_equal(wide[..., 1::2], 0)
    out = np.zeros(expected.nbytes + 1, "u1")[1:].view(dtype).reshape(expected.shape)
    net.predict(x, out=out)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("shape", [(5,), (1, 5), (7, 5)])
def test_out_may_overlap_the_input(shape, dtype) -> None:
    net = bm.MLP([5, 6, 5], dtype=dtype, seed=0)
    x = normal(shape, dtype)
    expected = net.predict(x)
    assert net.predict(x, out=x) is x
    np.testing.assert_array_equal(x, expected)

    buffer = normal((shape[0] * 5 + 3,), dtype)
    x, out = buffer[:-3].reshape(-1, 5)[0], buffer[3:8]
    expected = net.predict(x)
    net.predict(x, out=out)
    np.testing.assert_array_equal(out, expected)


def test_subclasses_of_ndarray_are_inputs_too(dtype) -> None:
    class Tagged(np.ndarray):
        pass

    net = bm.MLP([5, 3], dtype=dtype, seed=0)
    x = normal((5,), dtype)
    np.testing.assert_array_equal(net.predict(x.view(Tagged)), net.predict(x))


def test_nan_and_infinity_pass_through(dtype) -> None:
    net = bm.MLP([5, 4, 3], "tanh", dtype=dtype, seed=0)
    X = np.ones((3, 5), dtype)
    X[1, 2] = np.nan
    y = net.predict(X)
    assert np.isnan(y[1]).all()
    assert np.isfinite(y[[0, 2]]).all()
    assert np.isnan(net.predict(X[1])).all()
    X[1, 2] = np.inf
    assert np.isfinite(net.predict(X)).all()  # tanh of infinity is 1


def test_prediction_from_several_python_threads(dtype) -> None:
    net = bm.MLP([64, 256, 10], dtype=dtype, seed=0)
    X = normal((2000, 64), dtype)
    expected = net.predict(X)
    results: list[np.ndarray] = []

    def work() -> None:
        for _ in range(5):
            results.append(net.predict(X))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 20
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_no_reference_is_lost_or_leaked(dtype) -> None:
    net = bm.MLP([5, 3], dtype=dtype, seed=0)
    x, out = normal((5,), dtype), np.empty(3, dtype)
    before = sys.getrefcount(x), sys.getrefcount(out), sys.getrefcount(None)
    for _ in range(1000):
        net.predict(x)
        net.predict(x, out=out)
        net.predict(x.tolist(), out=out)
    after = sys.getrefcount(x), sys.getrefcount(out), sys.getrefcount(None)
    assert before[:2] == after[:2]
    assert abs(before[2] - after[2]) < 500
