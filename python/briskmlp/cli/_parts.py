"""Which rows of a table are learnt from, and which ones judge that."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._validate import Array

STOPPING_SHARE = 0.1  # of the rows, to find out when to stop


class Parts(NamedTuple):
    """Numbers of rows."""

    training: Array
    stopping: Array
    held_out: Array


def split(targets: Array, holdout: float, seed: int) -> Parts:
    """Deal out the rows of numbers (M,) in random order.

    >>> [len(part) for part in split(np.linspace(0, 1, 50), holdout=0.2, seed=0)]
    [35, 5, 10]
    """
    rows = len(targets)
    order = np.random.default_rng(seed).permutation(rows)
    held_out = max(1, round(holdout * rows))
    stopping = max(1, round(STOPPING_SHARE * rows))
    return Parts(order[held_out + stopping :], order[held_out:][:stopping], order[:held_out])


def split_by_class(labels: Array, holdout: float, seed: int) -> Parts:
    """Deal out the rows of class numbers (M,), so that each class has its share of each part.

    From three rows on a class is in every part. Of two rows one is held out, and a single one is
    learnt from. If that leaves a part without rows, classes do not matter.

    >>> labels = np.repeat([0, 1, 2], [90, 7, 3])
    >>> [np.bincount(labels[part]).tolist() for part in split_by_class(labels, 0.2, seed=0)]
    [[63, 5, 1], [9, 1, 1], [18, 1, 1]]
    """
    counts = np.bincount(labels)
    several, many = counts >= 2, counts >= 3
    held_out = _share_out(counts, holdout, several, counts - 1 - many)
    stopping = _share_out(counts, STOPPING_SHARE, many, counts - held_out - 1)
    if not held_out.any() or not stopping.any():
        return split(labels, holdout, seed)
    order = np.random.default_rng(seed).permutation(len(labels))
    # How many rows of its class come before each, in this order.
    by_class = np.argsort(labels[order], kind="stable")
    place = np.empty_like(order)
    place[by_class] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    is_held_out = place < held_out[labels[order]]
    is_training = place >= (held_out + stopping)[labels[order]]
    return Parts(order[is_training], order[~is_held_out & ~is_training], order[is_held_out])


def _share_out(counts: Array, share: float, least: Array, most: Array) -> Array:
    """How many rows of each class make up a share of all, by largest remainders within limits."""
    ideal = share * counts
    taken: Array = np.clip(np.floor(ideal).astype(int), least, most)
    missing = round(share * counts.sum()) - int(taken.sum())
    for label in np.argsort(taken - ideal, kind="stable"):
        if missing > 0 and taken[label] < min(ideal[label], most[label]):
            taken[label] += 1
            missing -= 1
    return taken
