"""`briskmlp.reference`, plain NumPy as one would write it down."""

from __future__ import annotations

from ... import reference
from ..contestant import AfterEpoch, Array, Contestant, Task


class Rival(Contestant):
    """The reference's network."""

    title = "NumPy reference"
    modules = ("numpy",)
    distributions = ("numpy",)

    def __init__(self, task: Task) -> None:
        self.task = task
        self.net = task.workload.network(reference.MLP, task.dtype, task.seed)
        for mine, given in zip(self.net.weights, task.weights, strict=True):
            mine[...] = given
        for mine, given in zip(self.net.biases, task.biases, strict=True):
            mine[...] = given

    def fit(
        self, epochs: int, *, shuffle: bool = True, after_epoch: AfterEpoch | None = None
    ) -> list[float]:
        X, y, batch_size = self.task.X, self.task.y, self.task.workload.batch_size

        def run(epochs: int) -> list[float]:
            history = self.net.fit(
                X, y, epochs=epochs, batch_size=batch_size, shuffle=shuffle, progress=False
            )
            losses: list[float] = history["loss"].tolist()
            return losses

        if after_epoch is None:
            return run(epochs)
        losses = []
        for _ in range(epochs):
            losses += run(1)
            if after_epoch():
                break
        return losses

    def predict(self, X: Array) -> Array:
        predictions: Array = self.net.predict(X)
        return predictions
