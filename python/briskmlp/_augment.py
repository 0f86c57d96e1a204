"""New rows of training data made from those at hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._state import MAX_SEED
from ._validate import (
    Array,
    positive_int,
    real_array,
    real_number,
    reject,
    require_finite,
    whole_number,
)


def mixup(
    X: ArrayLike,
    y: ArrayLike,
    alpha: float = 0.2,
    *,
    classes: int | None = None,
    seed: int | None = None,
) -> tuple[Array, Array]:
    """Mix each row, with its target, with a row drawn for it (mixup, Zhang et al. 2018).

    Row i becomes w X[i] + (1 - w) X[j], and its target w y[i] + (1 - w) y[j]; j is the i-th entry
    of a random order of the rows, and w comes from the distribution Beta(alpha, alpha), one for
    each row.

    Parameters
    ----------
    X
        Rows (M, in), finite.
    y
        Targets, finite: whole numbers or booleans (M,) are classes, from 0 on; others, and all that
        are (M, D), are mixed as the numbers they are, rows of probabilities among them.
    alpha
        Positive: near 0 the most rows stay almost as they were, at 1 all weights are equally
        likely, and large ones make means of two rows. Default 0.2.
    classes
        How many there are. Default: one more than the largest in y.
    seed
        From 0 to 2^64 - 1: fixes order and weights for a number of rows. Default: new ones with
        each call.

    Returns
    -------
    X, y : ndarray
        New arrays (M, in), and (M, classes) of probabilities, in the dtype of the new X, or of the
        shape of y. What is float32 stays so, all else becomes float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not numbers, or does not fit.

    Examples
    --------
    >>> import briskmlp as bm
    >>> X = np.array([[0.0], [10.0], [20.0]])
    >>> mixed, targets = bm.mixup(X, [0, 1, 2], alpha=1.0, seed=0)
    >>> mixed.shape, targets.shape
    ((3, 1), (3, 3))
    >>> bool(np.allclose(targets @ X, mixed)), bool(np.allclose(targets.sum(axis=1), 1))
    (True, True)
    """
    x = _floats(real_array(X, "X", np.dtype("f8")))
    t = real_array(y, "y", np.dtype("f8"))
    if x.ndim != 2 or len(x) == 0:
        raise ValueError(f"X has shape {x.shape}, expected (rows, columns) with at least one row")
    if t.ndim not in (1, 2):
        raise ValueError(f"y has shape {t.shape}, expected ({len(x)},) or ({len(x)}, targets)")
    if len(t) != len(x):
        raise ValueError(f"y has {len(t)} rows, X has {len(x)}")
    require_finite(x, "X", x.dtype)
    require_finite(t, "y", t.dtype)
    alpha = real_number(alpha, "alpha")
    if alpha <= 0:
        raise ValueError(f"alpha must be positive, got {alpha!r}")
    if seed is not None:
        seed = whole_number(seed, "seed", 0, MAX_SEED)
    if t.ndim == 1 and t.dtype.kind in "biu":
        t = _probabilities(t, classes, x.dtype)
    elif classes is not None:
        raise ValueError(
            f"classes is {classes!r}, but y has dtype {t.dtype} and shape {t.shape}: only whole "
            f"numbers (M,) are classes"
        )
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(x))
    weights = draw.beta(alpha, alpha, (len(x), 1))
    return _mix(x, order, weights), _mix(_floats(t), order, weights)


def _floats(values: Array) -> Array:
    """Numbers as float32 if they are, else as float64."""
    return values if values.dtype == np.float32 else values.astype(np.float64, copy=False)


def _probabilities(labels: Array, classes: int | None, dtype: np.dtype[np.floating]) -> Array:
    """Class numbers (M,) as rows (M, C) with a single 1."""
    most = int(labels.max()) + 1
    classes = most if classes is None else positive_int(classes, "classes")
    bad = (labels < 0) | (labels >= classes)
    reject(bad, labels, "y", f"expected a class number from 0 to {classes - 1}")
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return rows


def _mix(values: Array, order: Array, weights: Array) -> Array:
    """Each row (M, N) or number (M,) with the one that the order has in its place."""
    w = weights.astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    mixed: Array = values[order]
    mixed *= 1 - w
    mixed += w * values
    return mixed
