"""linear and linear_backward against their formulas, with NumPy's conventions."""

from __future__ import annotations

import itertools
import warnings

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference

FLOATS = ["float32", "float64"]
SHAPES = [(1, 1, 1), (5, 3, 2), (7, 40, 19), (3, 20, 1), (70, 65, 33), (1, 50, 100), (2, 0, 3)]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def draw(rng, dtype, *shapes):
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def sum_bound(x, w, b):
    """Bound of the error of x @ w + b: K + 1 roundings of |x| |w| + |b|."""
    absolute = np.abs(x) @ np.abs(w) + np.abs(b)
    return 2 * (x.shape[-1] + 1) * np.finfo(x.dtype).eps * absolute.astype(np.float64)


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_formula(activation, dtype, rng):
    f = reference.ACTIVATIONS[activation].function
    for m, k, n in SHAPES:
        x, w, b = draw(rng, dtype, (m, k), (k, n), (n,))
        z = x.astype(np.float64) @ w.astype(np.float64) + b.astype(np.float64)
        # No slope is above 1.2; f itself has a few roundings.
        bound = 1.2 * sum_bound(x, w, b) + 8 * np.finfo(dtype).eps * (1 + np.abs(f(z)))
        got = bm.linear(x, w, b, activation)
        assert got.dtype == dtype
        assert (np.abs(got - f(z)) <= bound).all()
        np.testing.assert_array_equal(bm.linear(x[0], w, b, activation), got[0])
        out = np.empty((m, n), dtype)
        assert bm.linear(x, w, b, activation, out=out) is out
        np.testing.assert_array_equal(out, got)
        np.testing.assert_array_equal(
            bm.linear(x, w, None, activation), bm.linear(x, w, np.zeros(n, dtype), activation)
        )


@pytest.mark.parametrize("dtype", FLOATS)
def test_batches_and_strides(dtype, rng):
    for n in (1, 3, 30):
        x, w, b = draw(rng, dtype, (4, 5, 20), (20, n), (n,))
        expected = np.stack([bm.linear(part, w, b, "tanh") for part in x])
        np.testing.assert_array_equal(bm.linear(x, w, b, "tanh"), expected)
        wide = np.repeat(b, 3)[::3]
        for a, c in itertools.product(
            [np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=2)[..., ::2]],
            [np.asfortranarray(w), np.repeat(w, 2, axis=1)[:, ::2]],
        ):
            np.testing.assert_array_equal(bm.linear(a, c, wide, "tanh"), expected)
        out = np.empty((n, 5, 4), dtype).T
        bm.linear(x, w, b, "tanh", out=out)
        np.testing.assert_array_equal(out, expected)
        each_w, each_b = draw(rng, dtype, (4, 20, n), (4, n))
        got = bm.linear(x, each_w, each_b, "silu")
        for i in range(4):
            np.testing.assert_array_equal(got[i], bm.linear(x[i], each_w[i], each_b[i], "silu"))


def test_result_over_an_operand(rng):
    (x, w, b) = draw(rng, "f", (60, 60), (60, 60), (60,))
    expected = bm.linear(x, w, b, "gelu")
    bm.linear(x, w, b, "gelu", out=x)
    np.testing.assert_array_equal(x, expected)


def test_types():
    ones = np.ones((2, 2), int)
    assert bm.linear(ones, ones).dtype == np.float64
    assert bm.linear(ones.astype("int8"), ones.astype("f")).dtype == np.float32
    assert bm.linear([[1.0]], [[2.0]], [3.0]).dtype == np.float64
    assert bm.linear(np.ones(3, "f"), np.ones((3, 0), "f")).shape == (0,)


def test_errors():
    x, w = np.ones((2, 3)), np.ones((3, 4))
    with pytest.raises(ValueError, match="unknown activation 'rellu'; did you mean 'relu'"):
        bm.linear(x, w, activation="rellu")
    with pytest.raises(ValueError, match="mismatch in its core dimension"):
        bm.linear(x, w.T)
    with pytest.raises(ValueError, match="mismatch in its core dimension"):
        bm.linear(x, w, np.ones(3))
    with pytest.raises(TypeError):
        bm.linear(x * 1j, w)
    with pytest.raises(ValueError, match=r"expected \(..., N\), \(..., K\) and \(K, N\)"):
        bm.linear_backward(x, x, w)
    with pytest.raises(ValueError, match="x has 3 columns, w expects 2"):
        bm.linear_backward(np.ones((2, 4)), x, w[:2])


@pytest.mark.parametrize("dtype", FLOATS)
def test_copies_that_no_memory_holds(dtype):
    """One number, repeated by strides of 0, that must be copied to be read."""
    K = 1 << 45
    x = np.broadcast_to(np.ones((), dtype), (1, K))
    out = np.full((1, 1), 7, dtype)
    for bias in (None, np.ones(1, dtype)):
        with pytest.raises(MemoryError):
            bm.linear(x, x.T, bias, "tanh", out=out)
        with pytest.raises(MemoryError):
            bm.linear(x, x.T, bias)
    with pytest.raises(MemoryError):
        bm.matmul(x, x.T)
    assert out == 7
    assert bm.linear(x[:, :5], x[:, :5].T) == 5


def test_overflow_is_reported():
    large = np.full((2, 2), 1e200)
    with pytest.warns(RuntimeWarning, match="overflow encountered in linear"):
        bm.linear(large, large)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bm.linear(np.ones((3, 5)), np.ones((5, 3)), np.full(3, -np.inf), "relu")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("lead", [(), (6,), (3, 4), (0,)])
def test_backward(dtype, lead, rng):
    K, N = 21, 13
    x, w, dy = draw(rng, dtype, (*lead, K), (K, N), (*lead, N))
    dx, dw, db = bm.linear_backward(dy, x, w)
    assert (dx.shape, dw.shape, db.shape) == (x.shape, w.shape, (N,))
    assert dx.dtype == dw.dtype == db.dtype == dtype
    wide = [values.astype(float) for values in (dy.reshape(-1, N), x.reshape(-1, K), w)]
    d, rows, weights = wide
    ones = np.ones((1, len(rows)))
    for got, a, b in [
        (dx.reshape(-1, K), d, weights.T),
        (dw, rows.T, d),
        (db[np.newaxis], ones, d),
    ]:
        bound = 2 * (a.shape[1] + 1) * np.finfo(dtype).eps * (abs(a) @ abs(b))
        assert (np.abs(got - a @ b) <= bound).all()


def test_backward_is_the_gradient(rng):
    """Central differences of sum(dy * linear(x, w, b)), which is linear: no truncation error."""
    x, w, b, dy = draw(rng, "float64", (4, 3), (3, 2), (2,), (4, 2))
    for values, gradient in zip((x, w, b), bm.linear_backward(dy, x, w), strict=True):
        for index in np.ndindex(values.shape):
            differences = []
            for step in (1.0, -2.0):
                values[index] += step
                differences.append(np.sum(dy * bm.linear(x, w, b)))
            values[index] += 1.0
            assert abs((differences[0] - differences[1]) / 2 - gradient[index]) < 1e-12
