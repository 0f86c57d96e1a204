"""Strategies for arrays of given values, however they lie in memory, and for what wraps them."""

from __future__ import annotations

import array
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from numpy.typing import NDArray

Array = NDArray[Any]


@st.composite
def layouts(draw: DrawFn, values: Array) -> Array:
    """The same values: reversed, with gaps, transposed, misaligned, swapped, frozen, ..."""
    return draw(st.sampled_from(ENDS))(draw(spread(values)))


@st.composite
def spread(draw: DrawFn, values: Array) -> Array:
    """A view of the same values inside more memory, with any order of axes and any steps."""
    axes = draw(st.permutations(range(values.ndim)))
    steps = [draw(st.sampled_from([1, 1, 2, -1, -3, 1000])) for _ in axes]
    before = [draw(st.integers(0, 2)) for _ in axes]
    # Memory is made in the order of `axes`; the view looks at it in the array's own.
    room = [
        first + max(values.shape[axis], 1) * abs(step)
        for axis, step, first in zip(axes, steps, before, strict=True)
    ]
    if np.prod(room) > 1e5:
        return values.copy()
    wide = np.full(room, 77).astype(values.dtype)
    cut = wide[tuple(slice(first, None) for first in before)]
    cut = cut[tuple(slice(None, None, abs(step)) for step in steps)]
    cut = cut[tuple(slice(0, values.shape[axis]) for axis in axes)]
    cut = cut[tuple(slice(None, None, -1 if step < 0 else 1) for step in steps)]
    view = cut.transpose(np.argsort(axes))
    view[...] = values
    return view


def misaligned(values: Array) -> Array:
    """With an address that no element may have."""
    raw = np.zeros(values.size * values.itemsize + 1, "u1")[1:]
    moved = raw.view(values.dtype).reshape(values.shape)
    moved[...] = values
    return moved


def frozen(values: Array) -> Array:
    """Read-only."""
    values = values.view()
    values.flags.writeable = False
    return values


def in_records(values: Array) -> Array:
    """A field of records of an odd length: strides that are no multiple of an element."""
    records = np.zeros(values.shape, [("tag", "u1"), ("value", values.dtype)])
    records["value"] = values
    return records["value"]


def with_other_length_of_ones(values: Array) -> Array:
    """Of an axis of length 1, where any stride is valid, with a huge one."""
    strides = [
        2**62 if n == 1 else stride for n, stride in zip(values.shape, values.strides, strict=True)
    ]
    return np.lib.stride_tricks.as_strided(values, values.shape, strides)


ENDS: list[Callable[[Array], Array]] = [
    lambda values: values,
    np.ascontiguousarray,
    np.asfortranarray,
    misaligned,
    lambda values: values.astype(values.dtype.newbyteorder()),
    frozen,
    in_records,
    with_other_length_of_ones,
]


# --- Objects that hold numbers -----------------------------------------------------------------


class OfArray:
    """An object with nothing but ``__array__``."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.values, dtype, copy=copy)


class OfInterface:
    """An object with nothing but ``__array_interface__``."""

    def __init__(self, values: Array) -> None:
        self.values = values
        self.__array_interface__ = values.__array_interface__


class OfDLPack:
    """An object with nothing but DLPack's two methods."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __dlpack__(self, **arguments: Any) -> Any:
        return self.values.__dlpack__(**arguments)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.values.__dlpack_device__()


def ctypes_array(values: Array) -> Any:
    """Arrays of arrays of C's numbers."""
    return np.ctypeslib.as_ctypes(np.ascontiguousarray(values))


def rows_of_arrays(values: Array) -> list[Any]:
    """A list of rows in the standard library's arrays."""
    return [array.array(values.dtype.char, row.tolist()) for row in np.atleast_2d(values)]


WRAPPERS: dict[str, Callable[[Array], Any]] = {
    "__array__": OfArray,
    "__array_interface__": OfInterface,
    "memoryview": memoryview,
    "ctypes": ctypes_array,
    "array.array": rows_of_arrays,
    "list": lambda values: values.tolist(),
    "list of rows": list,
    "np.matrix": lambda values: values.view(np.matrix),
    "masked without a mask": np.ma.asarray,
    "masked nowhere": lambda values: np.ma.array(values, mask=np.zeros(values.shape, bool)),
}
