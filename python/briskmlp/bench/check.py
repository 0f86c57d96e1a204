"""Who did the work: a contestant gets a number only if its results are those of float64.

Its predictions before training and its mean loss over one epoch, rows in order, are compared with
the reference's. Tolerances follow the model of random rounding errors (Higham and Mary 2019): a sum
of n terms is off by about sqrt(n) u of its size, for the unit roundoff u, and by `CONFIDENCE` times
that with all but no probability.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .. import reference
from .contestant import Array, Task

CONFIDENCE = 8.0
CHECKED = 16  # rows predicted


@dataclass(frozen=True)
class Expectation:
    """What all contestants must come to."""

    loss: float
    loss_tolerance: float
    predictions: Array  # (CHECKED, out)
    prediction_tolerance: float

    @classmethod
    def of(cls, task: Task, rows: Array) -> Expectation:
        """Compute it in float64, for `rows` (CHECKED, in) to predict."""
        workload = task.workload
        net = workload.network(reference.MLP, "float64", task.seed)
        for mine, given in zip(
            [*net.weights, *net.biases], [*task.weights, *task.biases], strict=True
        ):
            mine[...] = given
        raw, predictions = net(rows), net.predict(rows)
        loss = net.fit(
            task.X, task.y, epochs=1, batch_size=workload.batch_size, shuffle=False, progress=False
        )["loss"][0]
        unit = np.finfo(task.dtype).eps / 2
        terms = sum(workload.sizes[:-1]) + len(task.weights)  # a path through the layers
        forward = CONFIDENCE * math.sqrt(terms) * unit
        # A gradient sums over the batch as well, and each step adds its error to those before.
        step = CONFIDENCE * math.sqrt(terms + workload.batch_size) * unit
        # Softmax turns an error of a logit into one as large, in relation to the probability.
        scale = (1 + np.abs(raw).max()) * np.abs(predictions).max()
        return cls(float(loss), float(step * workload.steps), predictions, float(forward * scale))

    def objection(
        self, loss: float | None, predictions: Array, allowance: float = 0.0
    ) -> str | None:
        """Say what is wrong with a contestant's results, or None. No loss: it does not train.

        The allowance is what its loss may be off by for a reason that it gave.
        """
        if predictions.size != self.predictions.size:
            return f"predicts {predictions.size} numbers, expected {self.predictions.size}"
        error = float(np.abs(predictions.reshape(self.predictions.shape) - self.predictions).max())
        if not error <= self.prediction_tolerance:
            return f"predictions are off by {error:.2g}, more than {self.prediction_tolerance:.2g}"
        tolerance = self.loss_tolerance * abs(self.loss) + allowance
        if loss is not None and not abs(loss - self.loss) <= tolerance:
            return f"mean loss of an epoch is {loss:.7g}, expected {self.loss:.7g}"
        return None
