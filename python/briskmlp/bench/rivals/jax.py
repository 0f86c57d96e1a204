"""JAX: an epoch is one compiled program, a scan over shuffled minibatches."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np

from ..contestant import BETAS, EPSILON, LEARNING_RATE, AfterEpoch, Array, Contestant, Task


class Rival(Contestant):
    """Functions compiled for the task; parameters and moments stay where they are (donated)."""

    title = "JAX"
    modules = ("jax",)
    distributions = ("jax", "jaxlib")
    # It takes as many threads as the process may use processors.
    environment = MappingProxyType({"JAX_PLATFORMS": "cpu"})

    def __init__(self, task: Task) -> None:
        import jax

        jax.config.update("jax_enable_x64", task.dtype == "float64")
        # Handing work to another thread costs more than these calls can gain by it.
        jax.config.update("jax_cpu_enable_async_dispatch", False)
        self.jax, self.task = jax, task
        self.rng = np.random.default_rng(task.seed)
        self.X, self.y = jax.device_put(task.X), jax.device_put(task.y)
        parameters = jax.device_put(list(zip(task.weights, task.biases, strict=True)))
        zeros = jax.tree.map(np.zeros_like, parameters)
        # Copies: a donated buffer is gone afterwards.
        self.state = jax.tree.map(
            jax.numpy.array, (parameters, zeros, zeros, np.zeros((), task.dtype))
        )
        self.epoch = jax.jit(self.one_epoch, donate_argnums=0)
        self.forward = jax.jit(self.prediction)

    def raw(self, parameters: Any, x: Any) -> Any:
        """Raw outputs of rows."""
        *hidden, (W, b) = parameters
        for W_hidden, b_hidden in hidden:
            x = self.jax.nn.relu(x @ W_hidden + b_hidden)
        return x @ W + b

    def loss(self, parameters: Any, x: Any, y: Any) -> Any:
        """Mean loss of a minibatch."""
        z = self.raw(parameters, x)
        if not self.task.classifies:
            return ((z - y) ** 2).mean()
        chosen = self.jax.numpy.take_along_axis(z, y[:, None], axis=1)[:, 0]
        return (self.jax.nn.logsumexp(z, axis=1) - chosen).mean()

    def one_step(self, state: Any, rows: Any, X: Any, y: Any) -> Any:
        """Adam on one minibatch, by row numbers; returns the new state and the loss."""
        parameters, first, second, steps = state
        tree_map = self.jax.tree.map
        loss, gradient = self.jax.value_and_grad(self.loss)(parameters, X[rows], y[rows])
        steps = steps + 1
        rate = LEARNING_RATE / (1 - BETAS[0] ** steps)
        scale = self.jax.numpy.sqrt(1 - BETAS[1] ** steps)
        first = tree_map(lambda m, g: BETAS[0] * m + (1 - BETAS[0]) * g, first, gradient)
        second = tree_map(lambda v, g: BETAS[1] * v + (1 - BETAS[1]) * g * g, second, gradient)
        parameters = tree_map(
            lambda p, m, v: p - rate * m / (self.jax.numpy.sqrt(v) / scale + EPSILON),
            parameters,
            first,
            second,
        )
        return (parameters, first, second, steps), loss

    def one_epoch(self, state: Any, order: Any, X: Any, y: Any) -> Any:
        """A scan over the full minibatches, and a step for the rows left over."""
        size = self.task.workload.batch_size
        full = len(order) // size * size
        batches = order[:full].reshape(-1, size)
        state, losses = self.jax.lax.scan(
            lambda state, rows: self.one_step(state, rows, X, y), state, batches
        )
        total = losses.sum() * size
        if full < len(order):
            state, loss = self.one_step(state, order[full:], X, y)
            total += loss * (len(order) - full)
        return state, total / len(order)

    def fit(
        self, epochs: int, *, shuffle: bool = True, after_epoch: AfterEpoch | None = None
    ) -> list[float]:
        rows = len(self.task.X)
        losses = []
        for _ in range(epochs):
            order = self.rng.permutation(rows) if shuffle else np.arange(rows)
            self.state, loss = self.epoch(self.state, order.astype(np.int32), self.X, self.y)
            losses.append(loss)
            if after_epoch is not None:
                loss.block_until_ready()  # or the computing goes on while the caller looks
                if after_epoch():
                    break
        return [float(loss) for loss in losses]

    def prediction(self, parameters: Any, x: Any) -> Any:
        """Probabilities, or the raw outputs."""
        z = self.raw(parameters, x)
        return self.jax.nn.softmax(z) if self.task.classifies else z

    def predict(self, X: Array) -> Array:
        return np.asarray(self.forward(self.state[0], X))
