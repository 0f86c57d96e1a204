"""The networks that speed is judged by, named once: for the command line and the benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._mlp import MLP

LOSSES = ("mse", "cross_entropy")  # those that every rival has
PREDICTED = 4096  # rows of one prediction
EPOCH_FLOPS = 4e9  # of a network that is not among those below: a tenth of a second of one core
MOST_STEPS = 128  # in such an epoch


@dataclass(frozen=True)
class Workload:
    """A network with ReLU hidden layers, its loss, and the rows in a step and in an epoch.

    >>> Workload("xor", (2, 8, 1), "mse", batch_size=4, rows=4).flops_per_row
    112
    """

    name: str
    sizes: tuple[int, ...]
    loss: str
    batch_size: int
    rows: int

    @classmethod
    def short(
        cls, name: str, sizes: tuple[int, ...], loss: str, batch_size: int, rows: int | None = None
    ) -> Workload:
        """A workload whose epoch takes about a tenth of a second, unless `rows` says otherwise.

        >>> Workload.short("tiny", (2, 8, 1), "mse", batch_size=10)
        Workload(name='tiny', sizes=(2, 8, 1), loss='mse', batch_size=10, rows=1280)
        """
        if rows is None:
            flops = cls(name, sizes, loss, batch_size, batch_size).flops_per_row * batch_size
            rows = batch_size * min(max(int(EPOCH_FLOPS / flops), 2), MOST_STEPS)
        return cls(name, sizes, loss, min(batch_size, rows), rows)

    def __str__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        return f"{self.name}: {sizes}, {self.loss}, batches of {self.batch_size}"

    @property
    def forward_flops_per_row(self) -> int:
        """Multiplications and additions to predict one row."""
        return 2 * sum(K * N for K, N in pairwise(self.sizes))

    @property
    def flops_per_row(self) -> int:
        """Multiplications and additions to train on one row: the first layer needs no dX."""
        return 3 * self.forward_flops_per_row - 2 * self.sizes[0] * self.sizes[1]

    @property
    def steps(self) -> int:
        """Minibatches in an epoch."""
        return -(-self.rows // self.batch_size)

    def data(self, dtype: str, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
        """Random rows X (M, in) and targets y: class numbers (M,), or numbers (M, out)."""
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((self.rows, self.sizes[0])).astype(dtype)
        if self.loss == "cross_entropy":
            return X, rng.integers(self.sizes[-1], size=self.rows)
        return X, rng.random((self.rows, self.sizes[-1])).astype(dtype)

    def rows_to_predict(self, dtype: str) -> NDArray[Any]:
        """Random rows (PREDICTED, in)."""
        rng = np.random.default_rng(1)
        return rng.standard_normal((PREDICTED, self.sizes[0])).astype(dtype)

    def network(self, kind: Any = MLP, dtype: str = "float32", seed: int = 0) -> Any:
        """A fresh network of a class with the interface of `MLP`."""
        return kind(self.sizes, "relu", loss=self.loss, dtype=dtype, seed=seed)


WORKLOADS = (
    Workload("sine", (1, 64, 64, 1), "mse", 64, 16384),
    Workload("digits", (64, 64, 10), "cross_entropy", 32, 1792),
    Workload("tabular", (16, 128, 128, 1), "mse", 256, 16384),
    Workload("mnist", (784, 256, 128, 10), "cross_entropy", 128, 8192),
    Workload("nerf", (32, 64, 64, 64, 64, 3), "mse", 16384, 65536),
    Workload("wide", (1024, 2048, 2048, 1000), "cross_entropy", 512, 4096),
)
