"""Which inputs a network's predictions rest on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _briskmlp_core as core
from ._datasets import Dataset
from ._validate import Array


class Importance(NamedTuple):
    """What `MLP.permutation_importance` found.

    Attributes
    ----------
    mean, std
        By how much the loss rises, (in,): mean and standard deviation over the repeats.
    increases
        Each repeat's rise of the loss, (in, repeats).
    loss
        The loss on the rows as they are.
    """

    mean: Array
    std: Array
    increases: Array
    loss: float


def permutation_importance(
    network: core.Network, data: Dataset, repeats: int, seed: int
) -> Importance:
    """Evaluate with one column at a time in random order."""
    x, y, weights = data
    loss = network.evaluate(data)[0]
    rng = np.random.default_rng(seed)
    mixed = x.copy()
    increases = np.empty((x.shape[1], repeats))
    for column in range(x.shape[1]):
        for repeat in range(repeats):
            mixed[:, column] = rng.permutation(x[:, column])
            increases[column, repeat] = network.evaluate((mixed, y, weights))[0] - loss
        mixed[:, column] = x[:, column]
    return Importance(increases.mean(axis=1), increases.std(axis=1), increases, loss)
