"""What the elementwise functions compute: within their stated accuracy, monotone, exact where that
is possible. test_elementary.cpp compares with long double, on every instruction set; here float32
is compared with float64, which is done for all 2^32 numbers by `-m exhaustive`.
"""

from __future__ import annotations

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from briskmlp._function_docs import FUNCTIONS
from function_cases import FLOATS, NAMES, in_domain, same_bits, ufunc

INCREASING = ["exp", "expm1", "log", "log1p", "erf", "tanh", "sigmoid", "logsigmoid", "softplus"]
INCREASING += ["relu", "leaky_relu", "elu", "selu"]
NUMPYS = ["exp", "expm1", "log", "log1p", "tanh"]


def ulp_errors(y, exact):
    """|y - exact| in units of the last place that y's type has at `exact`."""
    limits = np.finfo(y.dtype)
    beyond = np.abs(exact) >= float(limits.max) * (1 + float(limits.eps) / 4)
    magnitude = np.maximum(np.abs(exact), float(limits.tiny))
    unit = np.exp2(np.floor(np.log2(magnitude)) - limits.nmant)
    with np.errstate(invalid="ignore"):
        error = np.abs(y.astype(exact.dtype) - exact) / unit
    error[beyond & (np.isinf(y) | (np.abs(y) == limits.max)) & (np.sign(y) == np.sign(exact))] = 0
    error[(y == exact) | (np.isnan(y) & np.isnan(exact))] = 0
    return error


def stratified(dtype, count):
    """Numbers of every exponent and both signs, in ascending order, without NaN."""
    integers = np.dtype(f"u{np.dtype(dtype).itemsize}")
    rng = np.random.default_rng(0)
    bits = rng.integers(0, np.iinfo(integers).max, count, integers, endpoint=True)
    x = bits.view(dtype)
    near = np.concatenate([rng.uniform(-r, r, count // 4) for r in (0.1, 1, 16, 100)])
    return np.sort(np.concatenate([x[~np.isnan(x)], near.astype(dtype)]))


def bound(name, column):
    """The stated accuracy; the wider numbers that we compare with are rounded, too."""
    has_fma = bm.show_config("dict")["isa"] not in ("portable", "sse2")
    return FUNCTIONS[name].ulp[column] + (0.01 if has_fma else 0.31)


def check(name, x):
    """Check float32 x, in ascending order, against float64."""
    with np.errstate(all="ignore"):
        y, exact = ufunc(name)(x), ufunc(name)(x.astype("float64"))
    if name == "leaky_relu":
        exact = np.where(x > 0, x, np.float32(0.01) * x.astype("float64"))
    errors = ulp_errors(y, exact)
    worst = errors.argmax()
    assert errors[worst] <= bound(name, 0), f"{errors[worst]} at {x[worst]!r}"
    return y


@pytest.mark.parametrize("name", NAMES)
def test_float32(name):
    x = stratified("float32", 1 << 20)
    y = check(name, x)
    if name in INCREASING:
        real = y[~np.isnan(y)]
        # Of these, neighbours may be swapped by what their rounding errors add up to.
        units = 2 if name in ("sigmoid", "logsigmoid", "softplus") else 0
        finite = real[np.isfinite(real)]
        assert np.all(finite[1:] >= finite[:-1] - np.float32(units) * np.spacing(abs(finite[:-1])))
        assert np.all(real[1:] >= np.where(np.isinf(real[:-1]), real[:-1], -np.inf))


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", NAMES)
def test_every_float32(name):
    for first in range(0, 1 << 32, 1 << 22):
        bits = np.arange(first, first + (1 << 22), dtype=np.uint32)
        x = bits.view("float32")
        x = x[~np.isnan(x)]
        if x.size:
            check(name, x)


@pytest.mark.parametrize("name", NUMPYS)
def test_float64(name):
    if np.finfo(np.longdouble).nmant <= 52:
        pytest.skip("long double is double here")
    x = stratified("float64", 1 << 18)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype(np.longdouble))
        y = ufunc(name)(x)
    assert ulp_errors(y, exact).max() <= bound(name, 1)


@pytest.mark.parametrize("name", NUMPYS)
def test_float32_beside_numpy(name):
    """No worse than what NumPy gives today, whose own bounds are 1.4 to 3.6 units."""
    x = stratified("float32", 1 << 20)
    with np.errstate(all="ignore"):
        exact = getattr(np, name)(x.astype("float64"))
        ours, numpys = (ulp_errors(f(x), exact).max() for f in (ufunc(name), getattr(np, name)))
    assert ours <= max(numpys, 1.0)


@pytest.mark.parametrize("name", NAMES)
def test_reference(name):
    """The definition in float64, which loses digits to cancellation, but not many."""
    x = np.linspace(-6, 6, 481)
    x = in_domain(name, x)
    expected = reference.FUNCTIONS[name].function(x)
    np.testing.assert_allclose(ufunc(name)(x), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name):
    x = in_domain(name, np.linspace(-6, 6, 480))
    dy = np.linspace(-2, 2, 480)
    source = x if FUNCTIONS[name].backward_from == "x" else ufunc(name)(x)
    d_x = ufunc(f"{name}_backward")(dy, source)
    expected = dy * reference.FUNCTIONS[name].derivative(x)
    np.testing.assert_allclose(d_x, expected, rtol=1e-13, atol=1e-14)
    single = ufunc(f"{name}_backward")(dy.astype("f"), source.astype("f"))
    np.testing.assert_allclose(single, expected, rtol=2e-5, atol=2e-6)


def test_derivatives_with_parameter():
    x = np.array([-2.0, -1.0, 0.5])
    assert np.allclose(bm.leaky_relu_backward(3.0, x, 0.2), [0.6, 0.6, 3.0])
    assert np.allclose(bm.leaky_relu_backward(3.0, x, slope=0.2), [0.6, 0.6, 3.0])
    y = bm.elu(x, 2.0)
    assert np.allclose(bm.elu_backward(3.0, y, alpha=2.0), 3 * np.where(x > 0, 1, 2 * np.exp(x)))


@pytest.mark.parametrize("name", NAMES)
def test_float16_is_rounded_once(name):
    x = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).view("float16")
    parameters = [np.float16(0.01)] * (ufunc(name).nin - 1)
    with np.errstate(all="ignore"):
        y = ufunc(name)(x.astype("f"), *(p.astype("f") for p in parameters))
        assert same_bits(ufunc(name)(x, *parameters), y.astype("e"))


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_values(dtype):
    inf, nan = np.inf, np.nan
    x = np.array([nan, -inf, -0.0, 0.0, inf], dtype)
    expected = {
        "exp": [nan, 0, 1, 1, inf],
        "expm1": [nan, -1, -0.0, 0, inf],
        "log": [nan, nan, -inf, -inf, inf],
        "log1p": [nan, nan, -0.0, 0, inf],
        "erf": [nan, -1, -0.0, 0, 1],
        "tanh": [nan, -1, -0.0, 0, 1],
        "sigmoid": [nan, 0, 0.5, 0.5, 1],
        "logsigmoid": [nan, -inf, np.log(0.5), np.log(0.5), 0],
        "softplus": [nan, 0, np.log(2), np.log(2), inf],
        "relu": [nan, 0, 0, 0, inf],
        "leaky_relu": [nan, -inf, 0, 0, inf],
        "elu": [nan, -1, 0, 0, inf],
        "selu": [nan, np.float64(-1.7580993408473766), 0, 0, inf],
        "gelu": [nan, 0, 0, 0, inf],
        "gelu_tanh": [nan, 0, 0, 0, inf],
        "silu": [nan, 0, 0, 0, inf],
        "mish": [nan, 0, 0, 0, inf],
    }
    assert expected.keys() == FUNCTIONS.keys()
    for name, values in expected.items():
        with np.errstate(all="ignore"):
            y = ufunc(name)(x)
        np.testing.assert_allclose(y, values, rtol=2 * np.finfo(dtype).eps)
        if name in ("expm1", "log1p", "erf", "tanh"):
            assert np.signbit(y[2])
            assert not np.signbit(y[3])
