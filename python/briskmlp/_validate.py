"""The one place where what users hand in becomes arrays that the core can read.

Whatever the core reads as it lies stays as it lies: any strides, and any of NumPy's booleans,
integers and float32 or float64 numbers, converted batch by batch inside. Only the rest is copied,
as the network's dtype. Inputs are never changed.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _briskmlp_core as core
from ._names import unknown_name

Array = NDArray[Any]
DType = np.dtype[Any]


MAX_ROWS = 2**32 - 1  # the core numbers rows in 32 bits
MOST_DEVIATIONS = 16.0  # more than normal noise, drawn from 64 bits at most, may be of its own


# --- Single values -----------------------------------------------------------------------------


def whole_number(value: object, name: str, low: int, high: int = sys.maxsize) -> int:
    """`value` as an int from `low` to `high`; booleans and fractions are errors.

    >>> whole_number(np.int64(3), "epochs", 1)
    3
    >>> whole_number(0, "epochs", 1)
    Traceback (most recent call last):
    ValueError: epochs must be at least 1, got 0
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}")
    if number > high:
        raise ValueError(f"{name} must be at most {high}, got {number}")
    return number


def positive_int(value: object, name: str) -> int:
    """`value` as an int of at least 1."""
    return whole_number(value, name, 1)


def boolean(value: object, name: str) -> bool:
    """`value` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def share(value: object, name: str) -> float:
    """`value` as a float in [0, 1)."""
    number = real_number(value, name)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must lie in [0, 1), got {value!r}")
    return number


def dropout(shares: object, hidden_layers: int) -> list[float]:
    """The share of units to leave out of each hidden layer; none at all if nothing is left out."""
    if isinstance(shares, (list, tuple)):
        if len(shares) != hidden_layers:
            raise ValueError(
                f"dropout has {len(shares)} entries, the network has {hidden_layers} hidden layers"
            )
        numbers = [share(value, f"dropout[{i}]") for i, value in enumerate(shares)]
    else:
        numbers = [share(shares, "dropout")] * hidden_layers
    return numbers if any(numbers) else []


def batch_norm(wanted: object, hidden_layers: int, norm: str | None) -> bool:
    """Whether to train with batch norm: only what has hidden layers and no other norm."""
    if boolean(wanted, "batch_norm") and hidden_layers == 0:
        raise ValueError("batch_norm needs hidden layers, the network has none")
    if wanted and norm is not None:
        raise ValueError(f"batch_norm needs a network without norm, this one has {norm!r}")
    return bool(wanted)


def input_noise(deviations: ArrayLike, inputs: int, dtype: DType) -> list[float]:
    """The standard deviation of the noise on each input; none at all if all are 0."""
    array = real_array(deviations, "input_noise", np.dtype(np.float64))
    if array.dtype.kind == "b":
        raise TypeError(f"input_noise must be numbers, got {deviations!r}")
    if array.shape not in ((), (inputs,)):
        raise ValueError(f"input_noise has shape {array.shape}, expected a number or ({inputs},)")
    values = np.broadcast_to(array.astype(np.float64), (inputs,))
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise ValueError(f"input_noise must be finite and not negative, got {values[bad][0]}")
    if values.max() > float(np.finfo(dtype).max) / MOST_DEVIATIONS:
        raise ValueError(
            f"input_noise has {values.max():.6g}, with which inputs may be infinite in {dtype}"
        )
    return values.tolist() if values.any() else []


def real_number(value: object, name: str) -> float:
    """`value` as a finite float; booleans are errors."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return number


def float_type(dtype: DTypeLike) -> DType:
    """A dtype that networks compute in.

    >>> float_type("float64")
    dtype('float64')
    """
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if dtype is None or name not in ("float32", "float64"):
        raise ValueError(f"dtype is {dtype!r}, expected 'float32' or 'float64'")
    return np.dtype(name)


def layer_sizes(sizes: Sequence[int]) -> list[int]:
    """The sizes as ints: at least two, each at least 1."""
    if isinstance(sizes, (str, bytes)) or not isinstance(sizes, (Sequence, np.ndarray)):
        raise TypeError(f"sizes must be a list of whole numbers, got {sizes!r}")
    if isinstance(sizes, np.ndarray) and sizes.ndim != 1:
        raise ValueError(f"sizes has shape {sizes.shape}, expected one dimension")
    if len(sizes) < 2:
        raise ValueError(f"sizes is {list(sizes)}, expected at least the inputs and the outputs")
    return [positive_int(size, f"sizes[{i}]") for i, size in enumerate(sizes)]


def known_name(name: object, what: str, known: list[str]) -> str:
    """`name` if it is one of the `known` names of a `what`."""
    if not isinstance(name, str):
        raise TypeError(f"{what} must be a name, got {name!r}")
    if name not in known:
        raise ValueError(unknown_name(what, name, known))
    return name


def norm_name(norm: object) -> str | None:
    """`norm` if it is None or the name of a norm between layers."""
    if norm == "batch":
        raise ValueError(
            "unknown norm 'batch'; known: layer. Batch norm is a way to train: fit(batch_norm=True)"
        )
    return None if norm is None else known_name(norm, "norm", core.norm_names())


def activation_names(activation: str | Sequence[str], layers: int) -> list[str]:
    """One name a layer, from one for all hidden layers or a list.

    >>> activation_names("tanh", 3)
    ['tanh', 'tanh', 'identity']
    >>> activation_names(["relu", "tanh"], 3)
    ['relu', 'tanh', 'identity']
    """
    known = core.activation_names()
    if isinstance(activation, str):
        return [known_name(activation, "activation", known)] * (layers - 1) + ["identity"]
    if not isinstance(activation, Sequence):
        raise TypeError(f"activation must be a name or a list of names, got {activation!r}")
    names = [known_name(name, "activation", known) for name in activation]
    if len(names) == layers - 1:
        names.append("identity")
    if len(names) != layers:
        raise ValueError(
            f"activation has {len(names)} names, expected {layers - 1}, one for each hidden layer, "
            f"or {layers}, the output layer's too"
        )
    return names


# --- Arrays ------------------------------------------------------------------------------------


def real_array(value: ArrayLike, name: str, dtype: DType) -> Array:
    """`value` as an array that the core reads, copied as `dtype` only where it must be."""
    if value is None:
        raise TypeError(f"{name} is None, expected an array of numbers")
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        raise TypeError(f"{name} is a sparse matrix; pass {name}.toarray()")
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise ValueError(f"{name} has masked values; fill them or drop their rows first")
        value = value.data
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
    if array.dtype.byteorder in "<>" and array.dtype.isnative:
        # The machine's own order, spelt out as buffers do; the core knows it as "=" only.
        array = array.view(array.dtype.newbyteorder("="))
    is_half_or_long = array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8)
    if array.dtype.isnative and array.flags.aligned and not is_half_or_long:
        return array
    with np.errstate(over="ignore"):  # where infinity matters, require_finite finds it
        return array.astype(dtype)


def require_finite(array: Array, name: str, dtype: DType) -> None:
    """Raise ValueError, naming the first row and column, unless all is finite as `dtype`."""
    rows = array.reshape(len(array), -1)
    position = core.find_nonfinite(rows)
    reason = ""
    if position is None and array.dtype.itemsize > dtype.itemsize and array.size:
        limit = np.finfo(dtype).max
        if array.dtype.kind == "f" and (array.max() > limit or array.min() < -limit):
            position = np.argwhere(np.abs(rows) > limit)[0]
            reason = f", which is infinite in {dtype}"
    if position is not None:
        row, col = position
        column = f", column {col}" if array.ndim == 2 else ""
        raise ValueError(f"{name} has {rows[row, col]} in row {row}{column}{reason}")


def reject(bad: Array, values: Array, name: str, expected: str) -> None:
    """Raise ValueError for the first of the `values` that is `bad`, both (M,) or (M, N)."""
    if bad.any():
        row, *col = np.argwhere(bad)[0]
        column = f", column {col[0]}" if col else ""
        raise ValueError(f"{name} has {values[row, *col]} in row {row}{column}, {expected}")


def inputs(X: ArrayLike, name: str, network: core.Network, *, row_allowed: bool = True) -> Array:
    """X as rows (M, in), or as one row (in,) where that is allowed."""
    x = real_array(X, name, network.dtype)
    width = network.inputs
    if x.ndim != 2 and not (row_allowed and x.ndim == 1):
        shapes = f"(rows, {width})" + (f" or ({width},)" if row_allowed else "")
        raise ValueError(f"{name} has shape {x.shape}, expected {shapes}")
    if x.shape[-1] != width:
        what = "columns" if x.ndim == 2 else "entries"
        raise ValueError(f"{name} has {x.shape[-1]} {what}, the network expects {width}")
    return x


def rows(X: ArrayLike, name: str, network: core.Network) -> Array:
    """Rows for training: (M, in), M at least 1."""
    x = inputs(X, name, network, row_allowed=False)
    if not 1 <= len(x) <= MAX_ROWS:
        raise ValueError(f"{name} has {len(x)} rows, expected from 1 to {MAX_ROWS}")
    return x


def array_of(values: ArrayLike, name: str, shape: tuple[int, ...], dtype: DType) -> Array:
    """`values` as a C-contiguous array of exactly this shape and type."""
    array = real_array(values, name, dtype)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, dtype)
    if result.dtype.itemsize < array.dtype.itemsize:
        reject(np.isinf(result) & ~np.isinf(array), array, name, f"which is infinite in {dtype}")
    return result


def destination(out: object, shape: tuple[int, ...], dtype: DType) -> Array:
    """`out` if results of this shape and type can be written to it."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}, expected {shape}")
    if out.dtype != dtype:
        raise TypeError(f"out has dtype {out.dtype}, expected {dtype}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    return out
