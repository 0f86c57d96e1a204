"""The networks that speed is judged by, named once: for the command line and the benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._mlp import MLP


@dataclass(frozen=True)
class Workload:
    """A network, its loss, and the number of rows in a step and in an epoch.

    >>> Workload("xor", (2, 8, 1), "mse", batch_size=4, rows=4).flops_per_row
    112
    """

    name: str
    sizes: tuple[int, ...]
    loss: str
    batch_size: int
    rows: int

    def __str__(self) -> str:
        return f"{self.name}: {'-'.join(map(str, self.sizes))}, {self.loss}, {self.batch_size}"

    @property
    def flops_per_row(self) -> int:
        """Multiplications and additions to train on one row: the first layer needs no dX."""
        products = [k * n for k, n in zip(self.sizes[:-1], self.sizes[1:], strict=True)]
        return 6 * sum(products) - 2 * products[0]

    def data(self, dtype: str, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
        """Random rows X and targets y. Speed does not depend on what is in them."""
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((self.rows, self.sizes[0])).astype(dtype)
        if self.loss == "cross_entropy":
            return X, rng.integers(self.sizes[-1], size=self.rows)
        targets = self.sizes[-1] // 2 if self.loss == "gaussian_nll" else self.sizes[-1]
        return X, rng.random((self.rows, targets)).astype(dtype)

    def network(self, kind: Any = MLP, dtype: str = "float32") -> Any:
        """A fresh network of a class with the interface of `MLP`."""
        return kind(self.sizes, "relu", loss=self.loss, dtype=dtype, seed=0)


WORKLOADS = (
    Workload("sine", (1, 64, 64, 1), "mse", 64, 16384),
    Workload("digits", (64, 64, 10), "cross_entropy", 32, 1792),
    Workload("tabular", (16, 128, 128, 1), "mse", 256, 16384),
    Workload("mnist", (784, 256, 128, 10), "cross_entropy", 128, 8192),
    Workload("nerf", (32, 64, 64, 64, 64, 3), "mse", 16384, 65536),
    Workload("wide", (1024, 2048, 2048, 1000), "cross_entropy", 512, 1024),
)
