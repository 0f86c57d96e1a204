"""Rows to predict: the usual ones are recognised at once, others are scikit-learn's to check."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _briskmlp_core as core
from .._sparse import CsrParts, csr_parts
from .._validate import Array, DType, real_array

_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


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


def are_plain(estimator: Any, X: Any, y: Any, kinds: str) -> bool:
    """Whether a fitted estimator can go on learning from X and y, and no check could object.

    y is then an array (M,) whose type is of one of these NumPy kinds, and finite. scikit-learn's
    own checks take most of a `partial_fit` of a few rows.
    """
    return (
        "feature_names_in_" not in vars(estimator)
        and is_plain(X, estimator.n_features_in_)
        and type(y) is np.ndarray
        and y.shape == X.shape[:1]
        and y.dtype.kind in kinds
        and (y.dtype.kind != "f" or bool(np.isfinite(y).all()))
    )


def is_sparse(X: object) -> bool:
    return hasattr(X, "toarray")


def dense(X: Any) -> Array:
    """Checked rows written out."""
    rows: Array = X.toarray() if is_sparse(X) else X
    return rows


def readable(X: Any, dtype: DType) -> Array | CsrParts:
    """Checked rows as the core reads them: dense, or the parts of a CSR matrix."""
    return csr_parts(X) if is_sparse(X) else real_array(X, "X", dtype)
