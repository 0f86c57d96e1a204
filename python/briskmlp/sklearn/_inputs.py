"""Rows to predict: the usual ones are recognised at once, others are scikit-learn's to check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from .. import _briskmlp_core as core
from .._runtime import threads
from .._validate import Array

_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))
CHUNK = 2048  # rows of a sparse matrix that are written out at a time


def is_plain(X: object, columns: int) -> bool:
    """Whether X is what no check could object to: finite floats (M, columns), M at least 1.

    scikit-learn's own check of a single row takes longer than its prediction.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and X.shape[1] == columns
        and X.shape[0] > 0
        and X.dtype in _FLOATS
        and X.flags.aligned
        and core.find_nonfinite(X) is None
    )


def is_sparse(X: object) -> bool:
    return hasattr(X, "toarray")


def dense_chunks(X: Any) -> Iterator[Array]:
    """The rows of a matrix, a sparse one's written out some at a time."""
    if not is_sparse(X):
        yield X
        return
    X = X.tocsr()
    for start in range(0, X.shape[0], CHUNK):
        yield X[start : start + CHUNK].toarray()


def by_chunks(function: Callable[[Array], Array], X: Any) -> Array:
    """A function of rows, of all rows of a dense or sparse matrix."""
    results = [function(rows) for rows in dense_chunks(X)]
    return results[0] if len(results) == 1 else np.concatenate(results)


def thread_limit(n_threads: int | None) -> AbstractContextManager[None]:
    """At most so many threads inside a ``with`` block; None: as many as there are."""
    return nullcontext() if n_threads is None else threads(n_threads)
