"""Floating-point errors: what numpy.errstate sees is what the values show, as with NumPy's own."""

from __future__ import annotations

import briskmlp as bm
import numpy as np
import pytest
from function_cases import BACKWARD_NAMES, FLOATS, NAMES, ufunc

KINDS = {"divide": "divide by zero", "over": "overflow", "under": "underflow", "invalid": "invalid"}
NUMPYS = ["exp", "expm1", "log", "log1p", "tanh"]


def special_values(dtype):
    limits = np.finfo(dtype)
    values = [0, 1, 2, 0.5, 12, 20, 87.5, 88.9, 90, 100, 200, 709, 710, 740, 750, np.inf]
    values += [limits.tiny, limits.max, 1e-30]
    with np.errstate(all="ignore"):
        x = np.array(values, dtype)
    return np.concatenate([x, -x, [limits.smallest_subnormal, np.nan]]).astype(dtype)


def errors(function, *args):
    """The kinds of error that a call raises."""
    found = set()
    for kind in KINDS:
        with np.errstate(all="ignore", **{kind: "raise"}):
            try:
                function(*args)
            except FloatingPointError:
                found.add(kind)
    return found


def expected_errors(name, x):
    """NumPy's, but for the underflow that NumPy reports of e^x = 1 where x is denormal."""
    found = errors(getattr(np, name), np.full(3, x))
    return found - {"under"} if name == "exp" and abs(x) < np.finfo(x.dtype).tiny else found


@pytest.mark.parametrize("size", [1, 3, 40, 3000])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NUMPYS)
def test_as_numpy(name, dtype, size):
    for x in special_values(dtype):
        with np.errstate(all="ignore"):
            y = getattr(np, name)(x)
        if y != 0 and abs(y) < np.finfo(dtype).tiny:
            continue  # its last bits may be lost, or happen to be 0
        everywhere, once = np.full(size, x), np.full(size, x.dtype.type(0.5))
        once[size // 2] = x
        expected = expected_errors(name, x)
        assert errors(ufunc(name), everywhere) == expected, x
        assert errors(ufunc(name), once) == expected, x
        assert errors(ufunc(name), once[::-1]) == expected, x
        in_place = errors(lambda a: ufunc(name)(b := a.copy(), out=b), once)
        assert in_place == expected, x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_values_show_it(name, dtype):
    """Infinity of a finite number is an error, NaN of a number too; of NaN and infinity nothing."""
    for x in special_values(dtype):
        with np.errstate(all="ignore"):
            y = ufunc(name)(x)
        found = errors(ufunc(name), np.array([x, 1], dtype))
        if not np.isfinite(x):
            assert found == ({"invalid"} if np.isnan(y) and not np.isnan(x) else set()), x
        elif np.isinf(y):
            assert found <= {"over", "divide"}, x
            assert found, x
        elif np.isnan(y):
            assert found == {"invalid"}, x
        else:
            assert found <= {"under"}, x
            assert not found or abs(y) < np.finfo(dtype).tiny, x


@pytest.mark.parametrize("name", [*BACKWARD_NAMES, "softmax", "log_softmax", "logsumexp"])
def test_quiet_where_nothing_happens(name):
    rng = np.random.default_rng(0)
    for dtype in FLOATS:
        args = [rng.uniform(0.1, 0.9, 2000).astype(dtype) for _ in range(ufunc(name).nin)]
        args[-1][::5] = np.nan
        with np.errstate(all="raise"):
            ufunc(name)(*args)


def test_poles_of_derivatives():
    assert errors(bm.log_backward, 1.0, 0.0) == {"divide"}
    assert errors(bm.log1p_backward, 1.0, -1.0) == {"divide"}


def test_warnings_are_numpys():
    with pytest.warns(RuntimeWarning, match="overflow encountered in exp"):
        assert bm.exp(1e5) == np.inf
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in log"):
        assert bm.log(0.0) == -np.inf
    with pytest.warns(RuntimeWarning, match="invalid value encountered in log1p"):
        assert np.isnan(bm.log1p(-2.0))
    with pytest.warns(RuntimeWarning, match="invalid value encountered in softmax"):
        assert np.isnan(bm.softmax([np.inf, 0.0])).any()


def test_casts_keep_their_own_errors():
    with pytest.warns(RuntimeWarning, match="overflow encountered in"):
        bm.relu(np.array([1e300, 1.0]), dtype="float32", casting="same_kind")


def test_large_arrays_on_threads():
    x = np.zeros(1_500_000, "float32")
    assert errors(bm.exp, x) == set()
    x[-2] = 1000
    assert errors(bm.exp, x) == {"over"}


def test_flags_of_earlier_work_hide_nothing():
    large = np.full((600, 600), 1e30, "float32")
    x = np.zeros(1_500_000, "float32")
    x[-2] = 1000
    with bm.threads(2):  # a worker's flags are not the caller's
        assert errors(bm.matmul, large, large) == {"over"}
        assert all(errors(bm.exp, x) == {"over"} for _ in range(50))
        assert all(errors(bm.softmax, x.reshape(-1, 1000)) == set() for _ in range(10))
