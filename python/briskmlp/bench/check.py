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
from .contestant import BETAS, EPSILON, LEARNING_RATE, Array, Task

CONFIDENCE = 8.0
CHECKED = 16  # rows predicted


@dataclass(frozen=True)
class Expectation:
    """What contestants must come to."""

    loss: float
    loss_tolerance: float
    predictions: Array  # (CHECKED, out)
    prediction_tolerance: float

    @classmethod
    def of(cls, task: Task, rows: Array, *, epsilon_hat: bool = False) -> Expectation:
        """Compute it in float64, for `rows` (CHECKED, in) to predict and a form of Adam."""
        workload = task.workload
        net = workload.network(reference.MLP, "float64", task.seed)
        for mine, given in zip(
            [*net.weights, *net.biases], [*task.weights, *task.biases], strict=True
        ):
            mine[...] = given
        raw, predictions = net(rows), net.predict(rows)
        loss = loss_of_epoch(net, task, epsilon_hat=epsilon_hat)
        unit = np.finfo(task.dtype).eps / 2
        terms = sum(workload.sizes[:-1]) + len(task.weights)  # a path through the layers
        # Softmax turns an error of a logit into one as large, in relation to the probability.
        scale = (1 + np.abs(raw).max()) * np.abs(predictions).max()
        forward = CONFIDENCE * math.sqrt(terms) * unit * scale
        # A gradient sums over the batch as well. Each step adds its error to those before, and in
        # the worst case the same one, such as that of a rounded constant.
        step = CONFIDENCE * math.sqrt(terms + workload.batch_size) * unit * loss
        return cls(loss, float(step * workload.steps), predictions, float(forward))

    def objection(self, loss: float | None, predictions: Array) -> str | None:
        """Say what is wrong with a contestant's results, or None. No loss: it does not train."""
        if predictions.size != self.predictions.size:
            return f"predicts {predictions.size} numbers, expected {self.predictions.size}"
        error = float(np.abs(predictions.reshape(self.predictions.shape) - self.predictions).max())
        if not error <= self.prediction_tolerance:
            return f"predictions are off by {error:.2g}, more than {self.prediction_tolerance:.2g}"
        if loss is not None and not abs(loss - self.loss) <= self.loss_tolerance:
            return f"mean loss of an epoch is {loss:.7g}, expected {self.loss:.7g}"
        return None


def loss_of_epoch(net: reference.MLP, task: Task, *, epsilon_hat: bool) -> float:
    """Train the network for an epoch, rows in order, by either form of Adam (Kingma, Ba 2015)."""
    m, v = np.zeros_like(net.parameters), np.zeros_like(net.parameters)
    total = 0.0
    for step in range(task.workload.steps):
        rows = slice(step * task.workload.batch_size, (step + 1) * task.workload.batch_size)
        loss, gradient = net.gradients(task.X[rows], task.y[rows])
        total += loss * len(task.X[rows])
        m += (1 - BETAS[0]) * (gradient - m)
        v += (1 - BETAS[1]) * (gradient**2 - v)
        m_share, v_share = (1 - beta ** (step + 1) for beta in BETAS)
        epsilon = EPSILON / math.sqrt(v_share) if epsilon_hat else EPSILON
        net.parameters -= LEARNING_RATE / m_share * m / (np.sqrt(v / v_share) + epsilon)
    return total / len(task.X)
