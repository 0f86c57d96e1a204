"""A network with scikit-learn's initial parameters."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from .._loss_settings import Loss
from .._losses import from_plain, plain
from .._mlp import MLP
from .._state import num_parameters
from .._validate import Array, DType


class Kind(NamedTuple):
    """What a network of given sizes and type is, beside its parameters, in plain terms."""

    activations: list[str]
    loss: Any
    norm: str | None
    residual: bool

    @classmethod
    def of(cls, activations: list[str], loss: Loss, estimator: Any) -> Self:
        """That of an estimator's parameters."""
        return cls(activations, plain(loss), estimator.norm, bool(estimator.residual))


def network(sizes: list[int], kind: Kind, dtype: DType) -> MLP:
    """A network whose parameters are zero."""
    return MLP(
        sizes,
        kind.activations,
        loss=from_plain(kind.loss),
        dtype=dtype,
        seed=0,
        init="zeros",
        norm=kind.norm,
        residual=kind.residual,
    )


def hidden_part(net: MLP) -> MLP:
    """A network whose outputs are what the output layer of another one reads."""
    sizes, activations = [*net.sizes[:-1]], [*net.activations[:-1]]
    # What comes between hidden layers comes after the last one too, if there is a layer behind it.
    repeats = net.norm is not None or net.residual
    if repeats:
        sizes, activations = [*sizes, sizes[-1]], [*activations, "identity"]
    part = network(sizes, Kind(activations, "mse", net.norm, net.residual), net.dtype)
    shared = num_parameters([*net.sizes[:-1]])
    part.parameters[:shared] = net.parameters[:shared]
    if repeats:
        part.weights[-1][...] = np.eye(sizes[-1])
    return part


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
