"""NumPy as one writes it for speed: in place where that is possible, Adam on one flat vector."""

from __future__ import annotations

import numpy as np

from ..contestant import BETAS, EPSILON, LEARNING_RATE, AfterEpoch, Array, Contestant, Task


class Rival(Contestant):
    """Forward and backward spelled out for ReLU and the two losses."""

    title = "NumPy by hand"
    modules = ("numpy",)
    distributions = ("numpy",)

    def __init__(self, task: Task) -> None:
        self.task = task
        self.rng = np.random.default_rng(task.seed)
        self.flat = np.concatenate(
            [a.ravel() for W, b in zip(task.weights, task.biases, strict=True) for a in (W, b)]
        )
        self.gradient, self.m, self.v, self.scratch = (np.zeros_like(self.flat) for _ in range(4))
        self.layers, self.d_layers = self.views(self.flat), self.views(self.gradient)
        self.steps = 0

    def views(self, flat: Array) -> list[tuple[Array, Array]]:
        """Each layer's (K, N) and (N,) in a vector."""
        views, end = [], 0
        for W, b in zip(self.task.weights, self.task.biases, strict=True):
            middle = end + W.size
            views.append((flat[end:middle].reshape(W.shape), flat[middle : middle + len(b)]))
            end = middle + len(b)
        return views

    def forward(self, x: Array) -> list[Array]:
        """The input, and every layer's output."""
        xs = [x]
        for layer, (W, b) in enumerate(self.layers):
            z = xs[-1] @ W
            z += b
            if layer < len(self.layers) - 1:
                np.maximum(z, 0, out=z)
            xs.append(z)
        return xs

    def loss(self, z: Array, y: Array) -> tuple[float, Array]:
        """Mean loss, and its gradient by the raw outputs, in place of them."""
        if not self.task.classifies:
            z -= y
            loss = float(np.vdot(z, z)) / z.size
            z *= 2 / z.size
            return loss, z
        rows = np.arange(len(z))
        z -= z.max(axis=1, keepdims=True)
        chosen = z[rows, y]
        np.exp(z, out=z)
        sums = z.sum(axis=1, keepdims=True)
        loss = float((np.log(sums[:, 0]) - chosen).mean())
        z /= sums * len(z)
        z[rows, y] -= 1 / len(z)
        return loss, z

    def step(self, x: Array, y: Array) -> float:
        """One minibatch; returns its loss."""
        xs = self.forward(x)
        loss, d = self.loss(xs[-1], y)
        for layer in reversed(range(len(self.layers))):
            d_W, d_b = self.d_layers[layer]
            np.matmul(xs[layer].T, d, out=d_W)
            d.sum(axis=0, out=d_b)
            if layer:
                d = d @ self.layers[layer][0].T
                d *= xs[layer] > 0
        self.adam()
        return loss

    def adam(self) -> None:
        """Update the parameters by the gradient, which is used up."""
        self.steps += 1
        g, m, v, scratch = self.gradient, self.m, self.v, self.scratch
        m *= BETAS[0]
        m += np.multiply(g, 1 - BETAS[0], out=scratch)
        v *= BETAS[1]
        g *= g
        g *= 1 - BETAS[1]
        v += g
        np.sqrt(v, out=scratch)
        scratch *= 1 / np.sqrt(1 - BETAS[1] ** self.steps, dtype=scratch.dtype)
        scratch += EPSILON
        np.divide(m, scratch, out=scratch)
        scratch *= LEARNING_RATE / (1 - BETAS[0] ** self.steps)
        self.flat -= scratch

    def fit(
        self, epochs: int, *, shuffle: bool = True, after_epoch: AfterEpoch | None = None
    ) -> list[float]:
        X, y, size = self.task.X, self.task.y, self.task.workload.batch_size
        losses = []
        for _ in range(epochs):
            order = self.rng.permutation(len(X)) if shuffle else np.arange(len(X))
            batches = [order[first : first + size] for first in range(0, len(X), size)]
            total = sum(len(rows) * self.step(X[rows], y[rows]) for rows in batches)
            losses.append(total / len(X))
            if after_epoch is not None and after_epoch():
                break
        return losses

    def predict(self, X: Array) -> Array:
        z = self.forward(X)[-1]
        if not self.task.classifies:
            return z
        z -= z.max(axis=-1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=-1, keepdims=True)
        return z
