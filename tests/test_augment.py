"""mixup: what it mixes, by a matrix that it is made to reveal; its weights, by closed forms."""

from __future__ import annotations

import math
from typing import Any

import briskmlp as bm
import numpy as np
import pytest

ROWS = 200


def mixture(rows: int, alpha: float, seed: int) -> np.ndarray:
    """The matrix W (M, M) by which rows are mixed, X -> W X: what becomes of the unit matrix."""
    return bm.mixup(np.eye(rows), np.zeros(rows), alpha, seed=seed)[0]


def weights_of(mixing: np.ndarray) -> np.ndarray:
    """The weights of the rows that were not mixed with themselves."""
    weights = mixing.diagonal()
    return weights[(mixing != 0).sum(axis=1) == 2]


def test_rows_are_mixed_in_pairs_by_one_random_order() -> None:
    mixing = mixture(ROWS, 1.0, 3)
    others = mixing - np.diag(mixing.diagonal())
    assert ((others != 0).sum(axis=1) <= 1).all()
    assert ((others != 0).sum(axis=0) <= 1).all()  # each row is drawn once
    assert (others != 0).sum() > ROWS - 10  # about one is mixed with itself
    np.testing.assert_allclose(mixing.sum(axis=1), 1, rtol=1e-15)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_inputs_and_targets_are_mixed_alike(dtype: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 7)).astype(dtype)
    labels = rng.integers(0, 4, ROWS)
    numbers = rng.normal(size=(ROWS, 2)).astype(dtype)
    mixing = mixture(ROWS, 0.4, 5)
    bound = {"rtol": 0, "atol": 16 * np.finfo(dtype).eps}  # three roundings of numbers below 5
    for y, plain in [
        (labels, np.eye(4)[labels]),
        (labels.astype("u1"), np.eye(4)[labels]),
        (labels > 1, np.eye(2)[(labels > 1).astype(int)]),
        (np.eye(4, dtype=dtype)[labels], np.eye(4)[labels]),
        (np.eye(4, dtype=int)[labels], np.eye(4)[labels]),
        (numbers, numbers),
        (numbers[:, 0], numbers[:, 0]),
    ]:
        mixed, targets = bm.mixup(X, y, 0.4, seed=5)
        np.testing.assert_allclose(mixed, mixing @ X, **bound)
        np.testing.assert_allclose(targets, mixing @ plain, **bound)
        assert mixed.dtype == dtype


@pytest.mark.parametrize(
    ("alpha", "cumulative"),
    [
        (1.0, lambda w: w),
        (0.5, lambda w: 2 / np.pi * np.arcsin(np.sqrt(w))),
        (2.0, lambda w: 3 * w**2 - 2 * w**3),
    ],
)
def test_weights_have_the_beta_distribution(alpha: float, cumulative: Any) -> None:
    weights = np.sort(np.concatenate([weights_of(mixture(1000, alpha, s)) for s in range(10)]))
    steps = np.arange(len(weights) + 1) / len(weights)
    distance = np.maximum(
        np.abs(cumulative(weights) - steps[1:]), np.abs(cumulative(weights) - steps[:-1])
    ).max()
    # Farther with a probability of one in a million (Dvoretzky, Kiefer and Wolfowitz; Massart).
    assert distance < math.sqrt(math.log(2e6) / (2 * len(weights)))


def test_a_small_alpha_leaves_most_rows_almost_as_they_were() -> None:
    weights = weights_of(mixture(1000, 0.01, 0))
    assert (np.minimum(weights, 1 - weights) < 0.01).mean() > 0.9


@pytest.mark.parametrize(
    ("given", "result"), [("f4", "f4"), ("f8", "f8"), ("f2", "f8"), ("i4", "f8"), ("?", "f8")]
)
def test_types(given: str, result: str) -> None:
    X = np.ones((5, 2), given)
    mixed, targets = bm.mixup(X, [0, 1, 2, 0, 1])
    assert (mixed.dtype, targets.dtype) == (result, result)
    assert bm.mixup(np.ones((5, 2)), X)[1].dtype == result


def test_classes() -> None:
    X = np.ones((3, 1))
    assert bm.mixup(X, [0, 2, 1])[1].shape == (3, 3)
    assert bm.mixup(X, [0, 2, 1], classes=5)[1].shape == (3, 5)
    assert bm.mixup(X, [True, False, True], classes=2)[1].shape == (3, 2)


def test_the_seed_decides_and_inputs_stay() -> None:
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 3
    X.flags.writeable = y.flags.writeable = False
    first, again, other = (bm.mixup(X, y, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(bm.mixup(X, y)[0], bm.mixup(X, y)[0])
    views = bm.mixup(X[::-1], y[::-1], seed=1), bm.mixup(X[::-1].copy(), y[::-1].copy(), seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(*views, strict=True))


def test_fit_takes_what_it_makes() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3)).astype("f4")
    y = (X[:, 0] > 0).astype(int)
    net = bm.MLP([3, 16, 2], loss="cross_entropy", seed=0)
    for draw in range(4):
        net.fit(*bm.mixup(X, y, seed=draw), epochs=5, optimizer=bm.Adam(0.01))
    assert net.evaluate(X, y).metric > 0.95


X, Y = np.ones((4, 2)), [0, 1, 0, 1]
NAN = np.array([[1, 1], [1, np.nan], [1, 1], [1, 1]])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones(4), Y), ValueError, r"X has shape \(4,\), expected \(rows, columns\)"),
        ((np.ones((0, 2)), []), ValueError, r"X has shape \(0, 2\), .* at least one row"),
        ((X, np.ones((4, 1, 1))), ValueError, r"y has shape \(4, 1, 1\), expected \(4,\) or"),
        ((X, Y[:3]), ValueError, "y has 3 rows, X has 4"),
        ((NAN, Y), ValueError, "X has nan in row 1, column 1"),
        ((X, [0.0, np.inf, 1, 0]), ValueError, "y has inf in row 1"),
        ((X, [0, 1, -1, 1]), ValueError, "y has -1 in row 2, expected a class number from 0 to 1"),
        ((X, Y, 0), ValueError, "alpha must be positive, got 0"),
        ((X, Y, np.nan), ValueError, "alpha must be finite"),
        ((X, Y, "1"), TypeError, "alpha must be a real number"),
        ((X.astype(str), Y), TypeError, "X has dtype <U32, expected real numbers"),
        ((X, X * 1j), TypeError, "y has dtype complex128"),
    ],
)
def test_errors(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bm.mixup(*arguments)


@pytest.mark.parametrize(
    ("y", "settings", "message"),
    [
        (Y, {"classes": 1}, "y has 1 in row 1, expected a class number from 0 to 0"),
        (Y, {"classes": 0}, "classes must be at least 1, got 0"),
        (np.ones(4), {"classes": 2}, "classes is 2, but y has dtype float64 and shape"),
        (Y, {"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_errors_of_settings(y: Any, settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bm.mixup(X, y, **settings)
