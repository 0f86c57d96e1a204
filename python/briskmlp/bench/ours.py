"""briskmlp as a contestant."""

from __future__ import annotations

from .. import _briskmlp_core as core
from .contestant import AfterEpoch, Array, Contestant, Task

PEAK_METHOD = "measured with multiply-adds on operands in the first-level cache"


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
    """Measure what the threads in use can compute at most."""
    return core.peak_gflops(dtype, seconds) * core.num_threads()
