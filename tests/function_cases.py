"""What the tests of functions of arrays share: all of them, by name, and inputs to try."""

from __future__ import annotations

from typing import Any

import briskmlp as bm
import numpy as np
from briskmlp._function_docs import FUNCTIONS
from numpy.typing import NDArray

Array = NDArray[Any]

NAMES = sorted(FUNCTIONS)
BACKWARD_NAMES = [f"{name}_backward" for name in NAMES]
WITH_PARAMETER = [name for name in NAMES if FUNCTIONS[name].parameter]
FLOATS = ["float16", "float32", "float64"]
EVERYWHERE = np.array([-1e4, -1000, -90, -88, -20, -5.5, -2, -1, -0.5, -1e-9, -0.0])


def ufunc(name: str) -> np.ufunc:
    """The ufunc of that name."""
    function = getattr(bm, name)
    assert isinstance(function, np.ufunc)
    return function


def in_domain(name: str, x: Array) -> Array:
    """`x` moved to where the function (or the one that a backward twin belongs to) is real."""
    return np.abs(x) + x.dtype.type(0.125) if name.startswith("log") and "sig" not in name else x


def operands(name: str, shape: Any, dtype: Any, seed: int = 0) -> list[Array]:
    """Random operands, one for each input of the ufunc."""
    rng = np.random.default_rng(seed)
    count = ufunc(name).nin
    return [in_domain(name, rng.normal(0, 2, shape).astype(dtype)) for _ in range(count)]


def same_bits(a: Array, b: Array) -> bool:
    """Whether two arrays of one type are equal bit for bit, all NaNs being equal."""
    a, b = np.asarray(a), np.asarray(b)
    nan = np.isnan(a) & np.isnan(b)
    equal = np.where(nan, True, (a == b) & (np.signbit(a) == np.signbit(b)))
    return a.dtype == b.dtype and a.shape == b.shape and bool(equal.all())
