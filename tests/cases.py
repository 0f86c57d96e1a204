"""What the tests of gradients, of training and of determinism share: networks and their problems.

Inputs, targets and parameters are multiples of 1/64, which float32 holds exactly, so that networks
of both types start from the same numbers and differ by their rounding alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from briskmlp import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    ClipNorm,
    ClipValue,
    CrossEntropy,
    Huber,
    Lion,
    NAdam,
    ParameterGroups,
    Quantile,
    RAdam,
    RMSprop,
    Tweedie,
    schedules,
)
from briskmlp import _briskmlp_core as core
from briskmlp._losses import named_numbers
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
DTYPES = ["float32", "float64"]

OPTIMIZERS = {
    "sgd": SGD(0.1),
    "sgd decay": SGD(0.1, weight_decay=0.1),
    "sgd momentum": SGD(0.05, momentum=0.9),
    "sgd momentum decay": SGD(0.05, momentum=0.9, weight_decay=0.1),
    "sgd nesterov": SGD(0.05, momentum=0.9, nesterov=True),
    "sgd nesterov decay": SGD(0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
    "adam": Adam(0.01),
    "adam decay": Adam(0.01, weight_decay=0.1),
    "adam betas": Adam(0.01, betas=(0.5, 0.9), eps=1e-3),
    "adamw": AdamW(0.01),
    "adamw decay": AdamW(0.01, betas=(0.8, 0.99), weight_decay=1.0),
    "nadam": NAdam(0.01, weight_decay=0.1),
    "radam": RAdam(0.01, betas=(0.8, 0.9), weight_decay=0.1),
    "radam early": RAdam(0.01),
    "rmsprop": RMSprop(0.01, weight_decay=0.1),
    "rmsprop momentum": RMSprop(0.003, alpha=0.9, eps=1e-3, momentum=0.5),
    "adagrad": Adagrad(0.05, weight_decay=0.1),
}
# What PyTorch's optimizers do not have.
MORE_OPTIMIZERS = {
    "lion": Lion(0.003),
    "lion decay": Lion(0.003, betas=(0.5, 0.8), weight_decay=0.1),
    "clip norm": Adam(0.01, clip=ClipNorm(0.1)),
    "clip value": SGD(0.1, clip=ClipValue(0.01)),
    "l1": SGD(0.1, l1=0.003),
    "groups": AdamW(
        0.01, l1=0.01, groups=ParameterGroups(layer_rates=(0.5, 1, 0), decay_biases=False)
    ),
    "schedule": SGD(schedules.OneCycle(0.2), momentum=0.5),
    "plateau": SGD(schedules.ReduceOnPlateau(0.05, patience=0, min_delta=0.2)),
}


def dyadic(values: ArrayLike) -> Array:
    """`values` rounded to multiples of 1/64."""
    return np.round(np.asarray(values) * 64) / 64


class Problem(NamedTuple):
    """A loss, the number of outputs it is tried with, and how targets of `rows` rows are drawn."""

    loss: Any
    outputs: int
    targets: Callable[[np.random.Generator, int], Array]

    @property
    def name(self) -> str:
        """The loss's, without its settings."""
        return named_numbers(self.loss)[0]


def numbers(rng: np.random.Generator, rows: int) -> Array:
    return dyadic(rng.normal(size=(rows, 2)))


def labels(rng: np.random.Generator, rows: int) -> Array:
    return rng.integers(3, size=rows)


def probabilities(rng: np.random.Generator, rows: int) -> Array:
    return rng.multinomial(64, [0.5, 0.3, 0.2], rows) / 64


PROBLEMS = {
    "mse": Problem("mse", 2, numbers),
    "mae": Problem("mae", 2, numbers),
    "huber": Problem(Huber(0.75), 2, numbers),
    "log cosh": Problem("log_cosh", 2, numbers),
    "quantiles": Problem(Quantile([0.1, 0.3, 0.5, 0.95]), 8, numbers),
    "labels": Problem("cross_entropy", 3, labels),
    "probabilities": Problem("cross_entropy", 3, probabilities),
    "smoothed labels": Problem(CrossEntropy(0.125), 3, labels),
    "smoothed probabilities": Problem(CrossEntropy(0.125), 3, probabilities),
    "focal": Problem("focal", 3, labels),
    "binary": Problem(
        "binary_cross_entropy", 2, lambda rng, rows: rng.integers(65, size=(rows, 2)) / 64
    ),
    "gaussian": Problem("gaussian_nll", 4, numbers),
    "poisson": Problem("poisson", 2, lambda rng, rows: rng.poisson(1.5, (rows, 2)) * 1.0),
    "gamma": Problem("gamma", 2, lambda rng, rows: (1 + rng.integers(128, size=(rows, 2))) / 64),
    "tweedie": Problem(Tweedie(1.25), 2, lambda rng, rows: rng.poisson(1.5, (rows, 2)) / 2),
}


def draw_data(problem: str, rows: int, inputs: int, seed: int = 0) -> tuple[Array, Array]:
    """X (rows, inputs) and y for a problem by name."""
    rng = np.random.default_rng(seed)
    X = dyadic(rng.normal(size=(rows, inputs)))
    return X, PROBLEMS[problem].targets(rng, rows)


def draw_weights(rows: int) -> Array:
    """Weights of rows (rows,), from 0 to 3; the first is 0."""
    weights = np.random.default_rng(0).integers(13, size=rows) / 4
    weights[0] = 0
    return weights


def make_network(
    kind: Callable[..., Any], problem: str, inputs: int, hidden: tuple[int, ...], **arguments: Any
) -> Any:
    """A network for a problem by name, its parameters drawn: `kind` is one of the two MLP classes.

    Biases are drawn too, so that a misplaced one is noticed.
    """
    loss, outputs, _ = PROBLEMS[problem]
    net = kind([inputs, *hidden, outputs], loss=loss, **{"seed": 0, **arguments})
    rng = np.random.default_rng(1)
    for W, b in zip(net.weights, net.biases, strict=True):
        W[:] = dyadic(rng.normal(size=W.shape) / np.sqrt(len(W)))
        b[:] = dyadic(0.3 * rng.normal(size=b.shape))
    return net


def epsilon(dtype: str) -> float:
    """Twice the largest relative error of one rounding."""
    return float(np.finfo(dtype).eps)


def roundings(net: Any, rows: int) -> int:
    """Roundings, one upon another, that lead from the inputs to a gradient, at most.

    Each layer's sum over K is passed forward and its counterpart back, with some ten operations
    of the activation, the loss and the optimizer; then come the rows.
    """
    return int(sum(K + N + 10 for K, N in zip(net.sizes[:-1], net.sizes[1:], strict=True)) + rows)


def core_options(*, epochs: int, batch_size: int, shuffle: bool = True) -> core.FitOptions:
    """What the core is told of a first fit by SGD."""
    return core.FitOptions(
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=3,
        first_epoch=0,
        batches_per_step=1,
        steps_before=0,
        optimizer=core.OptimizerSpec("sgd", learning_rate=0.1),
        dropout=[],
        noise=[],
    )
