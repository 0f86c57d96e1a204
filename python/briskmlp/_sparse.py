"""Sparse matrices as the core reads them: CSR, row by row, never made dense as a whole."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ._validate import Array

CsrParts = tuple[Array, Array, Array]  # entries (nnz), their columns (nnz), starts (M + 1)


class CsrMatrix(Protocol):
    """What SciPy's CSR matrices and arrays have."""

    @property
    def data(self) -> Array: ...
    @property
    def indices(self) -> Array: ...
    @property
    def indptr(self) -> Array: ...


def csr_parts(matrix: CsrMatrix) -> CsrParts:
    """The three arrays of a CSR matrix, views of it where the core can read them.

    The entries keep their type; of those that share a place the sum counts.
    """
    return (
        np.ascontiguousarray(matrix.data),
        np.ascontiguousarray(matrix.indices, dtype=np.int32),
        np.ascontiguousarray(matrix.indptr, dtype=np.int64),
    )
