"""softmax, log_softmax and logsumexp along any axis, and the losses of arrays."""

from __future__ import annotations

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from function_cases import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st

ROW_FUNCTIONS = ["softmax", "log_softmax", "logsumexp"]
DTYPES = ["float32", "float64"]


def epsilon(dtype):
    return float(np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ROW_FUNCTIONS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_axis_of_any_array(name, dtype, data):
    shape = data.draw(st.lists(st.integers(1, 35), min_size=1, max_size=3).map(tuple))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    step = data.draw(st.sampled_from([1, 2, -1]))
    z = np.random.default_rng(0).normal(0, 3, (shape[0] * abs(step), *shape[1:])).astype(dtype)
    z = z[::step]
    y = getattr(bm, name)(z, axis=axis)
    n = shape[axis]
    expected = getattr(reference, name)(z.astype("float64"), axis)
    bound = (n + 20) * epsilon(dtype)
    np.testing.assert_allclose(y, expected, rtol=bound, atol=bound * 10 * (name != "softmax"))
    # A row alone has the same bits.
    rows = np.moveaxis(z, axis, -1).reshape(-1, n)
    alone = np.array([getattr(bm, name)(row) for row in rows])
    together = y.reshape(-1) if name == "logsumexp" else np.moveaxis(y, axis, -1).reshape(-1, n)
    assert same_bits(together, alone)


@pytest.mark.parametrize("name", ROW_FUNCTIONS)
def test_as_generalized_ufuncs(name):
    f = getattr(bm, name)
    assert isinstance(f, np.ufunc)
    assert f.signature == ("(n)->()" if name == "logsumexp" else "(n)->(n)")
    z = np.random.default_rng(0).normal(size=(4, 5, 6))
    y = f(z)
    out = np.empty_like(y)
    assert f(z, out=out) is out
    assert same_bits(out, y)
    assert f(z.astype("e")).dtype == np.float16
    assert f(z.astype(int)).dtype == np.float64
    assert same_bits(f(z.astype(">f8")), y)
    assert same_bits(f(z, axes=[(1,), (1,)] if name != "logsumexp" else [(1,)]), f(z, axis=1))
    if name == "logsumexp":
        assert f(z, axis=1, keepdims=True).shape == (4, 1, 6)
    else:
        in_place = z.copy()
        f(in_place, axis=1, out=in_place)
        assert same_bits(in_place, f(z, axis=1))


def test_extremes():
    assert bm.logsumexp([1e308, 1e308]) == 1e308
    assert bm.logsumexp([-np.inf, -np.inf]) == -np.inf
    assert bm.logsumexp([np.inf, 0]) == np.inf
    assert bm.logsumexp(np.empty((3, 0))).tolist() == [-np.inf] * 3
    assert bm.softmax(np.empty((3, 0))).shape == (3, 0)
    assert bm.softmax(np.empty((0, 3))).shape == (0, 3)
    assert bm.softmax([-1e4, 0.0]).tolist() == [0, 1]
    assert bm.log_softmax([-1e4, 0.0]).tolist() == [-1e4, 0]
    assert np.isnan(bm.softmax([np.nan, 0.0])).all()
    assert np.isnan(bm.logsumexp([np.nan, 0.0]))


@pytest.mark.parametrize("shape", [(100_000, 10), (700, 3000), (2, 300_000)])
@pytest.mark.parametrize("name", ROW_FUNCTIONS)
def test_threads_do_not_matter(name, shape):
    z = np.random.default_rng(0).normal(size=shape).astype("float32")
    results = []
    for count in (1, 3):
        with bm.threads(count):
            results.append(getattr(bm, name)(z))
    assert same_bits(*results)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 255, 256, 1000])
def test_cross_entropy(rows, dtype):
    rng = np.random.default_rng(0)
    z = rng.normal(0, 3, (rows, 7)).astype(dtype)
    labels = rng.integers(7, size=rows)
    p = rng.dirichlet(np.ones(7), rows).astype(dtype)
    loss = reference.LOSSES["cross_entropy"]
    for target in (labels, labels[:, None], np.eye(7)[labels], p):
        t = loss.targets(labels if target.ndim == 1 or target.shape[1] == 1 else target, z)
        expected = loss.rows(z.astype("d"), t.astype("d")).mean()
        assert abs(bm.cross_entropy(z, target) - expected) <= 50 * epsilon(dtype) * (1 + expected)
        d_z = bm.cross_entropy_backward(z, target)
        assert d_z.dtype == dtype
        expected = loss.d_rows(z.astype("d"), t.astype("d")) / rows
        np.testing.assert_allclose(d_z, expected, atol=50 * epsilon(dtype) / rows)
    assert same_bits(bm.cross_entropy_backward(z, p, 2.0), 2 * bm.cross_entropy_backward(z, p))


@pytest.mark.parametrize("dtype", DTYPES)
def test_mse(dtype):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(2, 300, 3)).astype(dtype)
    assert abs(bm.mse(z, y) - np.mean((z - y) ** 2)) <= 300 * epsilon(dtype)
    np.testing.assert_allclose(bm.mse_backward(z, y), 2 * (z - y) / 900, rtol=8 * epsilon(dtype))
    assert bm.mse_backward(z[:, 0], y[:, 0]).shape == (300,)
    assert same_bits(bm.mse_backward(z[:, 0], y[:, 0]), bm.mse_backward(z[:, :1], y[:, :1])[:, 0])


def test_losses_are_those_of_networks():
    X = np.random.default_rng(0).normal(size=(50, 4))
    for loss, y in (("cross_entropy", np.arange(50) % 3), ("mse", X[:, :3])):
        net = bm.MLP([4, 3], loss=loss, dtype="float64", seed=0)
        value, _ = net.gradients(X, y)
        assert getattr(bm, loss)(net(X), y) == pytest.approx(value, rel=1e-13)


def test_types_of_losses():
    z = [[1.0, 2.0], [3.0, 4.0]]
    for stored, computed in (("e", "f"), ("f", "f"), ("d", "d"), (">f4", "f"), ("i4", "d")):
        assert bm.mse_backward(np.array(z).astype(stored), z).dtype == np.dtype(computed)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bm.cross_entropy([[1.0, 2.0]], [2]), "expected a class number from 0 to 1"),
        (lambda: bm.cross_entropy([[1.0, 2.0]], [[0.5, 0.6]]), "adding up to 1"),
        (lambda: bm.cross_entropy([1.0, 2.0], [0]), "logits has shape"),
        (lambda: bm.cross_entropy([[1.0, 2.0]], [0, 1]), "target has 2 rows"),
        (lambda: bm.mse(np.empty((0, 2)), np.empty((0, 2))), "none of them 0"),
        (lambda: bm.mse([1.0, 2.0], [1.0]), "target has 1 rows, expected 2"),
        (lambda: bm.mse([[1.0, 2.0]], [[1.0]]), "target has 1 columns"),
        (lambda: bm.mse([1.0], [np.nan]), "target has nan in row 0"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
