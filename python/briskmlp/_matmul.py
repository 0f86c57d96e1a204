"""Matrix products, `matmul` and its relatives, and the linear layer as a function of arrays.

The products are `numpy.ufunc` objects in the likeness of NumPy's own, with other loops for float32
and float64; below are their docstrings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _briskmlp_core as core
from ._names import unknown_name

_SAME = """

    Notes
    -----
    Ours for float32 and float64, of every shape, stride and batch; NumPy's own result for every
    other type. It is a `numpy.ufunc` and takes what `numpy.{name}` takes: ``out``, ``axes``,
    ``casting``, ``order``, ``dtype``, ``signature``, ``subok``. An operand with an
    ``__array_ufunc__`` of its own is handed `numpy.{name}`, which its library knows.

    An element of the result depends on its row of `x1`, its column of `x2`, the instruction set in
    use and the order of its sum, bit for bit, and on nothing else: not on the number of threads.
    {order}

    NaN and infinity propagate as in NumPy, and `numpy.errstate` hears of overflow and of invalid
    operations, whichever thread meets them.
"""
_CHAINS = "Each is one chain of fused multiply-adds in ascending order of k"
_DOTS = """dot product: as many sums as a
    vector register has elements, of every so many-th product each, then added in a fixed order"""
_MATVEC = f"""Each is a {_DOTS}; or, where the columns of a
    matrix lie contiguous, one chain of fused multiply-adds in ascending order of k."""
_VECMAT = f"""{_CHAINS}; or, where the columns
    of a matrix lie contiguous, a {_DOTS}."""

_DOCS = {
    "matmul": """Matrix product of two arrays.

    Parameters
    ----------
    x1, x2 : array_like
        (..., M, K) and (..., K, N), the leading dimensions broadcast against each other. A vector
        (K,) is a row on the left and a column on the right, and leaves no dimension behind.
    out : ndarray, optional
        Receives the result."""
    + _SAME.format(
        name="matmul",
        order=_CHAINS
        + """. Where the result has no more
    columns than a quarter of a vector register's elements, each is a dot product as `vecdot`
    computes it. So the order depends neither on the other rows nor on how matrices lie in memory;
    in a product with a single row or column, it does: see `matvec` and `vecmat`.""",
    )
    + """
    Returns
    -------
    ndarray or scalar
        (..., M, N); a scalar for two vectors.

    Raises
    ------
    ValueError
        If the dimensions do not fit, or an operand has none.

    Examples
    --------
    >>> import briskmlp as bm
    >>> bm.matmul([[1.0, 2.0], [3.0, 4.0]], [[1.0], [0.5]])
    array([[2.],
           [5.]])
    >>> bm.matmul([1.0, 2.0], [3.0, 4.0])
    np.float64(11.0)
    """,
    "matvec": """Matrix-vector product of two arrays.

    Parameters
    ----------
    x1, x2 : array_like
        Matrices (..., M, K) and vectors (..., K), the leading dimensions broadcast.
    out : ndarray, optional
        Receives the result."""
    + _SAME.format(name="matvec", order=_MATVEC)
    + """
    Returns
    -------
    ndarray
        (..., M).

    Examples
    --------
    >>> import briskmlp as bm
    >>> bm.matvec([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]])
    array([[1., 3.],
           [2., 4.]])
    """,
    "vecmat": """Vector-matrix product of two arrays.

    Parameters
    ----------
    x1, x2 : array_like
        Vectors (..., K) and matrices (..., K, N), the leading dimensions broadcast.
    out : ndarray, optional
        Receives the result."""
    + _SAME.format(name="vecmat", order=_VECMAT)
    + """
    Returns
    -------
    ndarray
        (..., N).

    Examples
    --------
    >>> import briskmlp as bm
    >>> bm.vecmat([[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [3., 4.]])
    """,
    "vecdot": """Dot product of vectors.

    Parameters
    ----------
    x1, x2 : array_like
        Vectors (..., K), the leading dimensions broadcast.
    out : ndarray, optional
        Receives the result."""
    + _SAME.format(name="vecdot", order=f"Each is a {_DOTS}.")
    + """
    Returns
    -------
    ndarray or scalar
        (...).

    Examples
    --------
    >>> import briskmlp as bm
    >>> bm.vecdot([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    array([21., 43.])
    """,
}

_ufuncs: dict[str, np.ufunc] = core.make_matmul_ufuncs(_DOCS)

matmul = _ufuncs["matmul"]
vecdot = _ufuncs["vecdot"]
if "matvec" in _ufuncs:  # NumPy has these two from 2.2 on
    matvec = _ufuncs["matvec"]
    vecmat = _ufuncs["vecmat"]

_LINEAR: dict[str, tuple[np.ufunc, np.ufunc]] = core.make_linear_ufuncs()


def linear(
    x: ArrayLike,
    w: ArrayLike,
    b: ArrayLike | None = None,
    activation: str = "identity",
    *,
    out: NDArray[Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Linear layer with its activation, f(x @ w + b), in one pass.

    Parameters
    ----------
    x
        (..., M, K), or one row (K,).
    w
        (..., K, N); leading dimensions are broadcast against those of `x`.
    b
        (..., N), or None for none.
    activation
        f: "identity" (the default), "relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh",
        "silu", "mish", "softplus", "sigmoid" or "tanh", as in `briskmlp.MLP`.
    out
        Receives the result.
    **kwargs
        What every generalised ufunc takes, such as ``casting``, ``axes`` and ``dtype``.

    Returns
    -------
    ndarray
        (..., M, N), or (..., N) for one row; float32 where all operands fit into that, else
        float64.

    Raises
    ------
    TypeError
        If an operand is complex, or of another type that float64 does not hold.
    ValueError
        If the dimensions do not fit, or no activation has that name.
    MemoryError
        If an operand must be copied to be read, and there is no room.

    Notes
    -----
    As for `matmul`, an element's bits do not depend on the threads, nor among several rows on the
    other rows. Its sum begins with the bias, or ends with it where `w` has so few columns that it
    is a dot product.

    Examples
    --------
    >>> import briskmlp as bm
    >>> x = [[1.0, 2.0], [3.0, 4.0]]
    >>> w = [[1.0, -1.0], [0.5, 0.0]]
    >>> bm.linear(x, w, [0.0, 2.0], "relu")
    array([[2., 1.],
           [5., 0.]])
    """
    if activation not in _LINEAR:
        raise ValueError(unknown_name("activation", activation, _LINEAR))
    plain, biased = _LINEAR[activation]
    if b is None:
        return plain(x, w, out=out, **kwargs)
    return biased(x, w, b, out=out, **kwargs)


def linear_backward(
    dy: ArrayLike, x: ArrayLike, w: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Gradients of ``x @ w + b`` for a given gradient of its result.

    Parameters
    ----------
    dy
        (..., M, N), or (N,): the gradient by the layer's output, before any activation.
    x
        (..., M, K), or (K,): the layer's input.
    w
        (K, N).

    Returns
    -------
    dx : ndarray
        ``dy @ w.T``, of the shape of `x`.
    dw : ndarray
        ``x.T @ dy``, (K, N), summed over all rows.
    db : ndarray
        `dy` summed over all rows, (N,).

    Raises
    ------
    ValueError
        If the dimensions do not fit.

    Examples
    --------
    >>> import briskmlp as bm
    >>> dx, dw, db = bm.linear_backward([[1.0], [2.0]], [[1.0, 0.0], [3.0, 1.0]], [[2.0], [5.0]])
    >>> dx
    array([[ 2.,  5.],
           [ 4., 10.]])
    >>> dw.ravel(), db
    (array([7., 2.]), array([3.]))
    """
    dy, x, w = np.asarray(dy), np.asarray(x), np.asarray(w)
    if w.ndim != 2 or x.ndim == 0 or dy.shape != (*x.shape[:-1], w.shape[1]):
        raise ValueError(
            f"dy, x and w have the shapes {dy.shape}, {x.shape} and {w.shape}, "
            "expected (..., N), (..., K) and (K, N)"
        )
    if x.shape[-1] != w.shape[0]:
        raise ValueError(f"x has {x.shape[-1]} columns, w expects {w.shape[0]}")
    rows = dy.reshape(-1, w.shape[1])
    dw = matmul(x.reshape(-1, w.shape[0]).T, rows)
    db = matmul(np.ones(len(rows), rows.dtype), rows)
    return matmul(dy, w.T), dw, db
