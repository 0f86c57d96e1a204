"""The network in plain NumPy: forward, backward and the training loop.

It trusts its input; checking what users hand in is `briskmlp.MLP`'s business.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .._history import History
from .._loss_settings import LossSettings
from .._names import unknown_name
from .._optimizer import Optimizer
from .._optimizers import Adam
from .._progress import open_progress
from .._rates import rates_of
from .activations import ACTIVATIONS, Array
from .folding import rows_to_measure
from .initializers import INITIALIZERS, initial_weights
from .learner import Learner
from .losses import LOSSES, loss_from
from .norms import BATCH_NORM, NORMS, Norm
from .random import kept, normal, shuffled


class MLP:
    """A multi-layer perceptron with the interface of `briskmlp.MLP`, slow and obvious.

    Layer l computes f(x @ W + b), W of shape (K, N) and b of shape (N,). Unless `activation` lists
    a name for every layer, the last layer's f is the identity. The loss's link comes after it.
    With `residual` a hidden layer that follows another one of as many units adds the sums of that
    one, its outputs and what was added to them. The `norm`, if any, makes the next x of the sums.

    >>> net = MLP([2, 8, 1], "tanh", loss="binary_cross_entropy", dtype="float64")
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([0, 1, 1, 0])
    >>> history = net.fit(X, y, epochs=500, batch_size=4, optimizer=Adam(0.02))
    >>> net.predict(X).round().ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Sequence[str] = "relu",
        *,
        loss: str | LossSettings = "mse",
        dtype: DTypeLike = "float32",
        seed: int = 0,
        init: str = "auto",
        norm: str | None = None,
        residual: bool = False,
    ) -> None:
        hidden = len(sizes) - 2
        names = (activation,) * hidden if isinstance(activation, str) else tuple(activation)
        if len(names) == hidden:
            names = (*names, "identity")
        for name in names:
            if name not in ACTIVATIONS:
                raise ValueError(unknown_name("activation", name, ACTIVATIONS))
        if isinstance(loss, str) and loss not in LOSSES:
            raise ValueError(unknown_name("loss", loss, LOSSES))
        if init not in INITIALIZERS:
            raise ValueError(unknown_name("initializer", init, INITIALIZERS))
        if norm is not None and norm not in NORMS:
            raise ValueError(unknown_name("norm", norm, NORMS))
        self.sizes = tuple(sizes)
        self.activations = names
        self.norm = norm
        self.residual = residual
        self.batch_norm = False  # while it is trained with one
        self.loss = loss_from(loss)
        self.dtype = np.dtype(dtype)
        self.seed = seed
        self.epochs_trained = 0
        self.num_parameters = sum((K + 1) * N for K, N in self.layer_sizes)
        self.parameters: Array = np.zeros(self.num_parameters, self.dtype)
        for index, W in enumerate(self.weights):
            K, N = W.shape
            W[:] = initial_weights(init, names[index], K, N, seed=seed, layer=index)
        self.drawn = self.parameters.copy()

    @property
    def layer_sizes(self) -> list[tuple[int, int]]:
        """Inputs K and outputs N of each layer."""
        return list(zip(self.sizes[:-1], self.sizes[1:], strict=True))

    def blocks(self, flat: Array) -> list[Array]:
        """View a flat (P,) vector as one (K + 1, N) matrix a layer: W with b below it."""
        views, end = [], 0
        for K, N in self.layer_sizes:
            start, end = end, end + (K + 1) * N
            views.append(flat[start:end].reshape(K + 1, N))
        return views

    @property
    def weights(self) -> list[Array]:
        """Views of `parameters`: each layer's (K, N) matrix."""
        return [block[:-1] for block in self.blocks(self.parameters)]

    @property
    def biases(self) -> list[Array]:
        """Views of `parameters`: each layer's (N,) vector."""
        return [block[-1] for block in self.blocks(self.parameters)]

    def skips(self, layer: int) -> bool:
        """Whether a residual connection leads around a layer."""
        K, N = self.layer_sizes[layer]
        return self.residual and 0 < layer < len(self.activations) - 1 and K == N

    def norm_after(self, layer: int) -> Norm | None:
        """Return what makes the next layer's x of a layer's sums."""
        hidden = layer < len(self.activations) - 1
        if hidden and self.batch_norm:
            return BATCH_NORM
        return NORMS[self.norm] if hidden and self.norm is not None else None

    def sums(self, zs: list[Array], dropped: Sequence[Array] = ()) -> list[Array]:
        """Compute each layer's f(z), less what is dropped, plus what is added to it: (M, N)."""
        sums: list[Array] = []
        for layer, z in enumerate(zs):
            a: Array = ACTIVATIONS[self.activations[layer]].function(z)
            if layer < len(dropped):
                a = a * dropped[layer]
            sums.append(a + sums[-1] if self.skips(layer) else a)
        return sums

    def hidden_sums(self, X: Array) -> list[Array]:
        """What the hidden layers make of rows X (M, in): (M, N) each."""
        return self.sums(self.forward(np.asarray(X, self.dtype))[1])[:-1]

    def forward(self, X: Array, dropped: Sequence[Array] = ()) -> tuple[list[Array], list[Array]]:
        """Compute every layer's z = x @ W + b, and every x: the input (M, in) and all outputs.

        `dropped`, unless empty, has factors (M, N) of each hidden layer's outputs.
        """
        xs = [X]
        zs: list[Array] = []
        for layer in range(len(self.activations)):
            zs.append(xs[-1] @ self.weights[layer] + self.biases[layer])
            last = self.sums(zs, dropped)[-1]
            norm = self.norm_after(layer)
            xs.append(last if norm is None else norm.function(last))
        return xs, zs

    def pull_back(
        self, xs: list[Array], zs: list[Array], d_x: Array, dropped: Sequence[Array] = ()
    ) -> tuple[Array, Array]:
        """Follow d_x, the gradient by the last layer's output (M, out), back through the layers.

        Returns the gradient by the first layer's z, (M, N), and that by the parameters, (P,).
        """
        gradient = np.empty_like(self.parameters)
        d_blocks = self.blocks(gradient)
        sums = self.sums(zs, dropped)
        skipping: Array | None = None  # what a residual connection takes past a layer
        for layer in reversed(range(len(zs))):
            norm = self.norm_after(layer)
            d_sum = d_x if norm is None else norm.pull_back(sums[layer], d_x)
            if skipping is not None:
                d_sum = d_sum + skipping
            skipping = d_sum if self.skips(layer) else None
            d_a = d_sum * dropped[layer] if layer < len(dropped) else d_sum
            d_z = d_a * ACTIVATIONS[self.activations[layer]].derivative(zs[layer])
            d_blocks[layer][:-1] = xs[layer].T @ d_z
            d_blocks[layer][-1] = d_z.sum(axis=0)
            if layer > 0:
                d_x = d_z @ self.weights[layer].T
        return d_z, gradient

    def __call__(self, X: ArrayLike) -> Array:
        """Raw outputs (M, out) for rows X (M, in), before the loss's link; (out,) for (in,)."""
        X = np.asarray(X, self.dtype)
        xs, _ = self.forward(np.atleast_2d(X))
        return xs[-1] if X.ndim == 2 else xs[-1][0]

    def predict(self, X: ArrayLike, *, out: Array | None = None) -> Array:
        """Predictions (M, out) in the target's own space; (out,) for one row (in,)."""
        raw = self(X)
        predictions = self.loss.link(np.atleast_2d(raw)).reshape(raw.shape)
        if out is None:
            return predictions
        out[...] = predictions
        return out

    def shares(self, rows: int, sample_weight: ArrayLike | None) -> Array:
        """What each row counts in a mean, (rows,): its weight, divided by the sum of all."""
        w = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, float)
        return (w / (w.sum() or 1)).astype(self.dtype)

    def gradients(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        dropped: Sequence[Array] = (),
    ) -> tuple[float, Array]:
        """Compute the loss on rows X (M, in) with targets y, and its gradient (P,).

        The loss is the mean over the rows, weighted by `sample_weight` (M,) if there is one.
        """
        xs, zs = self.forward(np.asarray(X, self.dtype), dropped)
        t = self.loss.targets(y, xs[-1])
        w = self.shares(len(t), sample_weight)
        loss = w @ self.loss.rows(xs[-1], t)
        d_x = w[:, np.newaxis] * self.loss.d_rows(xs[-1], t)
        _, gradient = self.pull_back(xs, zs, d_x, dropped)
        return float(loss), gradient

    def noisy(self, X: Array, deviations: ArrayLike, batch: int) -> Array:
        """The rows X (m, in) of a minibatch with normal noise."""
        deviations = np.asarray(deviations)
        if not deviations.any():
            return X
        noisy: Array = X + deviations * normal(*X.shape, seed=self.seed, batch=batch)
        return noisy

    def kept_units(self, rows: int, shares: Sequence[float], batch: int) -> list[Array]:
        """Factors of each hidden layer's outputs in minibatch number `batch` of its training."""
        return [
            kept(rows, N, share, seed=self.seed, batch=batch, layer=layer, layers=len(shares))
            for layer, (N, share) in enumerate(zip(self.sizes[1:-1], shares, strict=True))
        ]

    def backward(self, X: ArrayLike, dY: ArrayLike) -> tuple[Array, Array]:
        """Pull dY (M, out), any gradient by the raw outputs, back to the input and the parameters.

        Returns dX (M, in) and the flat gradient (P,).
        """
        xs, zs = self.forward(np.asarray(X, self.dtype))
        d_z, gradient = self.pull_back(xs, zs, np.asarray(dY, self.dtype))
        return d_z @ self.weights[0].T, gradient

    def evaluate(
        self, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
    ) -> tuple[float, float]:
        """Compute loss and metric, means weighted like that of `gradients`."""
        raw = self(X)
        t = self.loss.targets(y, raw)
        w = self.shares(len(t), sample_weight)
        return float(w @ self.loss.rows(raw, t)), self.loss.metric(raw, t, w)

    def fit(  # noqa: PLR0913 -- the public interface
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 10,
        batch_size: int = 128,
        optimizer: Optimizer | None = None,
        batches_per_step: int = 1,
        average: float = 0.0,
        dropout: float | Sequence[float] = 0.0,
        input_noise: float | ArrayLike = 0.0,
        batch_norm: bool = False,
        shuffle: bool = True,
        sample_weight: ArrayLike | None = None,
        eval_set: Sequence[ArrayLike] | None = None,
        progress: bool | None = None,
    ) -> History:
        """Train on rows X (M, in) with targets y; the optimizer, Adam() if None, starts afresh.

        With `batch_norm` parameters as they were drawn are those that go with the norm.
        """
        X, y = np.asarray(X), np.asarray(y)
        w = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight)
        history = History(self.loss.metric_name)
        measured = rows_to_measure(X, self.num_parameters) if batch_norm else None
        learner = Learner(self, optimizer or Adam(), average, measured)
        batches = -(-len(X) // batch_size)
        hidden = len(self.sizes) - 2
        shares = [dropout] * hidden if isinstance(dropout, (int, float)) else dropout
        rates = rates_of(learner.settings, epochs, batches, history)
        display = open_progress(
            progress, epochs=epochs, rows=len(X), metric_name=self.loss.metric_name
        )
        try:
            for epoch in range(epochs):
                start = time.perf_counter()
                order = np.arange(len(X))
                if shuffle:
                    order = shuffled(len(X), seed=self.seed, epoch=self.epochs_trained)
                sum_of_losses = 0.0
                learner.resume()
                gradients: list[Array] = []
                for first in range(0, len(X), batch_size):
                    rows = order[first : first + batch_size]
                    batch = self.epochs_trained * batches + first // batch_size
                    dropped = self.kept_units(len(rows), shares, batch)
                    loss, gradient = self.gradients(
                        self.noisy(X[rows], input_noise, batch),
                        y[rows],
                        sample_weight=w[rows],
                        dropped=dropped,
                    )
                    if not math.isfinite(loss):
                        step = first // batch_size
                        raise FloatingPointError(
                            f"the loss became {loss} in epoch {epoch + 1}, step {step + 1}"
                        )
                    if not gradients and rates is not None:
                        learner.rate = rates(epoch, batches)[first // batch_size]
                    gradients.append(gradient)
                    if len(gradients) == batches_per_step or first + batch_size >= len(X):
                        learner.step(np.mean(gradients, axis=0))
                        gradients.clear()
                    sum_of_losses += loss * len(rows)
                learner.pause()
                record = {"loss": sum_of_losses / len(X)}
                if eval_set is not None:
                    Xe, ye, *we = eval_set
                    loss, metric = self.evaluate(Xe, ye, sample_weight=we[0] if we else None)
                    record |= {"eval_loss": loss, "eval_metric": metric}
                record["seconds"] = time.perf_counter() - start
                self.epochs_trained += 1
                history.append(record)
                display.update(epoch, record)
        finally:
            self.batch_norm = False
            display.close()
        return history

    def __repr__(self) -> str:
        layers = " ".join(
            f"{N} {name}" for N, name in zip(self.sizes[1:], self.activations, strict=True)
        )
        return f"reference.MLP({self.sizes[0]} -> {layers}, {self.num_parameters:,} parameters)"
