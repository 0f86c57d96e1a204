"""Random numbers that are a pure function of (seed, stream, index, counter).

The generator is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", 2014) read at a position instead of in sequence, so the C++ core, whose threads draw
in any order, has the same numbers to the last bit.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

GOLDEN_GAMMA = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd

INIT = 1  # the stream of initial weights; its index is the layer
SHUFFLE = 2  # the stream of the order of the rows; its index is the epoch
DROPOUT = 3  # the stream of units left out; its index is minibatch * hidden layers + layer
NOISE = 4  # the stream of noise on the inputs; its index is the minibatch
MEASURE = 5  # the stream of rows by which batch norm is folded


def mix64(z: NDArray[Any]) -> NDArray[Any]:
    """Mix 64 bits, invertibly: each bit of the input changes about half of the output's."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB
    return z ^ (z >> 31)


class CounterRng:
    """The random numbers of one (seed, stream, index), by position.

    >>> rng = CounterRng(seed=0, stream=INIT, index=0)
    >>> bool(rng.uniform([2])[0] == rng.uniform([0, 1, 2])[2])
    True
    """

    def __init__(self, seed: int, stream: int, index: int) -> None:
        key = np.array([seed], np.uint64)  # an array, because NumPy's scalars warn as they wrap
        self.key = mix64(mix64(mix64(key + GOLDEN_GAMMA) ^ stream) ^ index)

    def bits(self, counter: ArrayLike) -> NDArray[Any]:
        """Draw 64 bits for each counter."""
        return mix64(self.key + (np.atleast_1d(np.asarray(counter, np.uint64)) + 1) * GOLDEN_GAMMA)

    def uniform(self, counter: ArrayLike) -> NDArray[Any]:
        """Draw from [0, 1) uniformly, in multiples of 2^-53."""
        return (self.bits(counter) >> 11) * 2.0**-53

    def below(self, counter: ArrayLike, n: ArrayLike) -> NDArray[Any]:
        """Draw integers from [0, n), n <= 2^32, with a bias below n * 2^-32 (Lemire 2019)."""
        return ((self.bits(counter) >> 32) * np.asarray(n, np.uint64)) >> 32


def shuffled(rows: int, *, seed: int, epoch: int) -> NDArray[np.intp]:
    """Put the rows in the order (rows,) in which `epoch` visits them.

    >>> sorted(shuffled(5, seed=0, epoch=0).tolist())
    [0, 1, 2, 3, 4]
    """
    return fisher_yates(rows, max(rows - 1, 0), CounterRng(seed, SHUFFLE, epoch))


def drawn(rows: int, count: int) -> NDArray[np.intp]:
    """Draw numbers of rows (count,) without repetition; all of them as they lie.

    >>> drawn(3, 3)
    array([0, 1, 2])
    """
    return fisher_yates(rows, count if count < rows else 0, CounterRng(0, MEASURE, 0))[:count]


def fisher_yates(rows: int, swaps: int, rng: CounterRng) -> NDArray[np.intp]:
    """Shuffle the numbers of rows: the first so many places get a random one of those left."""
    i = np.arange(swaps, dtype=np.uint64)
    partners = i + rng.below(i, rows - i)
    order = list(range(rows))
    for here, there in enumerate(partners.tolist()):
        order[here], order[there] = order[there], order[here]
    return np.array(order, np.intp)


def kept(
    rows: int, units: int, share: float, *, seed: int, batch: int, layer: int, layers: int
) -> NDArray[np.float64]:
    """Factors (rows, units) of a hidden layer's outputs: 0 for a share of them, left out at random.

    The others, 1 / (1 - share), keep the mean (Srivastava et al. 2014).
    """
    bits = CounterRng(seed, DROPOUT, batch * layers + layer).bits(np.arange(rows * units))
    keep = (bits >> 32) >= int(share * 2**32)
    return keep.reshape(rows, units) / (1 - share)


def normal(rows: int, cols: int, *, seed: int, batch: int) -> NDArray[np.float64]:
    """Standard normal numbers (rows, cols) for a minibatch: quantiles of 24 random bits each."""
    share = ((CounterRng(seed, NOISE, batch).bits(np.arange(rows * cols)) >> 40) + 0.5) * 2.0**-24
    quantile = NormalDist().inv_cdf
    return np.array([quantile(p) for p in share.tolist()]).reshape(rows, cols)
