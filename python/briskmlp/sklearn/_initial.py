"""A network with scikit-learn's initial parameters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .._loss_settings import Loss
from .._mlp import MLP
from .._validate import Array, DType


def network(sizes: list[int], activations: list[str], loss: Loss, dtype: DType) -> MLP:
    """A network whose parameters are zero."""
    return MLP(sizes, activations, loss=loss, dtype=dtype, seed=0, init="zeros")


def draw(net: MLP, activation: str | list[str], random_state: np.random.RandomState) -> None:
    """Draw weights and biases layer by layer, within Glorot and Bengio's bounds (2010).

    The root of 6 / (K + N), or of 2 / (K + N) for logistic units. `activation` is the estimator's,
    one for all layers or one for each hidden layer, whose last the output layer is drawn by.
    """
    layers = len(net.activations)
    names = [activation] * layers if isinstance(activation, str) else [*activation]
    names = [*names, *(names[-1:] or ["identity"])][:layers]
    weights, biases = views(net)
    for layer, ((K, N), name) in enumerate(zip(pairwise(net.sizes), names, strict=True)):
        factor = 2.0 if name in ("logistic", "sigmoid") else 6.0
        bound = np.sqrt(factor / (K + N))
        weights[layer][...] = random_state.uniform(-bound, bound, (K, N))
        biases[layer][...] = random_state.uniform(-bound, bound, N)


def views(net: MLP) -> tuple[list[Array], list[Array]]:
    """The weights and the biases as lists of views."""
    return [*net.weights], [*net.biases]
