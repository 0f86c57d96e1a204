"""briskmlp as a contestant."""

from __future__ import annotations

import time

import numpy as np

from .._mlp import MLP
from .contestant import AfterEpoch, Array, Contestant, Task

PEAK_SIZE = 256  # three square matrices of it fit the second-level cache
PEAK_METHOD = f"estimated from products of matrices of {PEAK_SIZE} x {PEAK_SIZE}"


class Ours(Contestant):
    """The class `MLP`, from Python like all others."""

    title = "briskmlp"
    modules = ("briskmlp",)
    distributions = ("briskmlp",)
    measures = ("train", "predict", "row", "row_out")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.net = task.workload.network(dtype=task.dtype, seed=task.seed)
        self.net.weights, self.net.biases = task.weights, task.biases

    def fit(
        self, epochs: int, *, shuffle: bool = True, after_epoch: AfterEpoch | None = None
    ) -> list[float]:
        history = self.net.fit(
            self.task.X,
            self.task.y,
            epochs=epochs,
            batch_size=self.task.workload.batch_size,
            shuffle=shuffle,
            progress=False,
            callback=None if after_epoch is None else lambda _: after_epoch(),
        )
        losses: list[float] = history["loss"].tolist()
        return losses

    def predict(self, X: Array) -> Array:
        predictions: Array = self.net.predict(X)
        return predictions

    def predict_into(self, X: Array, out: Array) -> Array:
        """Predict without allocating the result."""
        predictions: Array = self.net.predict(X, out=out)
        return predictions


def peak_gflops(dtype: str, seconds: float = 0.1) -> float:
    """Estimate what the processor can compute: the fastest of many products in the caches.

    The best of short runs, since a peak is what nothing disturbs.
    """
    net = MLP([PEAK_SIZE, PEAK_SIZE], dtype=dtype, seed=0)
    X = np.ones((PEAK_SIZE, PEAK_SIZE), dtype)
    out = np.empty_like(X)
    best, begin = np.inf, time.perf_counter()
    while (start := time.perf_counter()) < begin + seconds:
        net(X, out=out)
        best = min(best, time.perf_counter() - start)
    return float(2 * PEAK_SIZE**3 / best * 1e-9)
