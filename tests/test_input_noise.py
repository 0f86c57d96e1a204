"""Noise on the inputs: how it is distributed, and that only training has it.

test_determinism.py compares it over threads.
"""

from __future__ import annotations

import math

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from briskmlp.reference.random import normal
from cases import DTYPES, draw_data, make_network


def noise_of(rows, cols, dtype="float64", deviations=1.0, **options):
    """The noise that a fit adds to inputs of 0, seen through a loss of its own."""
    seen = []

    def loss(raw, numbers):
        seen.append(raw[np.argsort(numbers[:, 0])])
        return 0.0, np.zeros_like(raw)

    net = bm.MLP([cols, cols], init="zeros", seed=5, dtype=dtype)
    net.weights[0] = np.eye(cols)
    numbers = np.arange(rows)[:, np.newaxis]
    options = {"batch_size": rows, "shuffle": False, "epochs": 1} | options
    net.fit(np.zeros((rows, cols)), numbers, loss=loss, input_noise=deviations, **options)
    return np.array(seen)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cols", [1, 7, 64, 300])
def test_it_is_the_references(cols, dtype):
    """Up to the error of the approximation, 1.3e-7, and to roundings of float32."""
    first, second = noise_of(50, cols, dtype, epochs=2)
    assert abs(first).max() < 5.5  # 24 bits
    np.testing.assert_allclose(first, normal(50, cols, seed=5, batch=0), rtol=2e-6, atol=1e-9)
    np.testing.assert_allclose(second, normal(50, cols, seed=5, batch=1), rtol=2e-6, atol=1e-9)


def test_it_is_normal():
    """Against the normal distribution: Kolmogorov and Smirnov's test at 0.1 %, and moments."""
    noise = np.sort(noise_of(1000, 50).ravel())
    cdf = np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in noise])
    steps = np.arange(len(noise) + 1) / len(noise)
    distance = max((steps[1:] - cdf).max(), (cdf - steps[:-1]).max())
    assert distance * math.sqrt(len(noise)) < 1.95
    four_deviations = 4 / math.sqrt(len(noise))
    assert abs(noise.mean()) < four_deviations
    assert abs((noise**2).mean() - 1) < four_deviations * math.sqrt(2)
    assert abs((noise**4).mean() - 3) < four_deviations * math.sqrt(96)


def test_columns_have_their_own_deviations():
    (plain,), (scaled,) = noise_of(20, 3), noise_of(20, 3, deviations=[0.0, 2.0, 0.5])
    np.testing.assert_array_equal(scaled, plain * [0.0, 2.0, 0.5])


def test_rows_columns_and_batches_differ():
    first, second = noise_of(60, 60, epochs=2)
    for other in (second, first.T, np.roll(first, 1, axis=0)):
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 4 / 60


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("hidden", "rows", "batch"),
    [((40, 33), 70, 16), ((9, 6), 70, 16), ((20, 20), 3000, 2500)],
    ids=["sharded", "two phases", "chunks"],
)
def test_training_is_the_references(hidden, rows, batch, dtype):
    X, y = draw_data("mse", rows, 5)
    options = {"epochs": 2, "batch_size": batch, "optimizer": bm.SGD(0.05), "input_noise": 0.3}
    ours = make_network(bm.MLP, "mse", 5, hidden, activation="tanh", dtype=dtype)
    theirs = make_network(reference.MLP, "mse", 5, hidden, activation="tanh")
    theirs.parameters[...] = ours.parameters
    quiet = ours.copy()
    history, expected = ours.fit(X, y, **options), theirs.fit(X, y, **options)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-5)
    np.testing.assert_allclose(ours.parameters, theirs.parameters, rtol=1e-4, atol=1e-5)
    quiet.fit(X, y, **options | {"input_noise": 0.0})
    assert not np.allclose(quiet.parameters, theirs.parameters, rtol=1e-4, atol=1e-5)


def test_evaluation_has_none_and_zero_is_none():
    X, y = draw_data("mse", 50, 5)
    nets = [make_network(bm.MLP, "mse", 5, (9,)) for _ in range(3)]
    history = nets[0].fit(X, y, epochs=2, input_noise=0.5, eval_set=(X, y))
    assert history["eval_loss"][-1] == nets[0].evaluate(X, y).loss
    nets[1].fit(X, y, epochs=2, input_noise=np.zeros(5))
    nets[2].fit(X, y, epochs=2)
    np.testing.assert_array_equal(nets[1].parameters, nets[2].parameters)
    assert not np.array_equal(nets[0].parameters, nets[2].parameters)


def test_standardized_columns_get_it_in_their_own_units():
    """A column's scale makes no difference then."""
    X, y = draw_data("mse", 50, 5)
    nets = [bm.MLP([5, 9, 2], dtype="float64", seed=0) for _ in range(2)]
    for net, scale in zip(nets, (1, 1000), strict=True):
        net.fit(X * scale, y, epochs=2, input_noise=0.5, standardize=True)
    np.testing.assert_allclose(nets[0].predict(X), nets[1].predict(1000 * X), rtol=1e-6)


def test_two_fits_are_one():
    X, y = draw_data("mse", 50, 5)
    options = {"batch_size": 16, "input_noise": 0.5, "optimizer": bm.SGD(0.05)}
    once, twice = (make_network(bm.MLP, "mse", 5, (9,)) for _ in range(2))
    once.fit(X, y, epochs=4, **options)
    for _ in range(2):
        twice.fit(X, y, epochs=2, **options)
    np.testing.assert_array_equal(once.parameters, twice.parameters)


@pytest.mark.parametrize(
    ("noise", "error", "message"),
    [
        (-0.1, ValueError, "input_noise must be finite and not negative, got -0.1"),
        ([0, 0, 0, 0, np.inf], ValueError, "finite and not negative, got inf"),
        ([0.1, 0.1], ValueError, r"input_noise has shape \(2,\), expected a number or \(5,\)"),
        (True, TypeError, "input_noise must be numbers, got True"),
        (1e38, ValueError, r"input_noise has 1e\+38, with which inputs may be infinite in float32"),
        ([0, 0, 0, 0, 1e300], ValueError, r"input_noise has 1e\+300, with which"),
        ("much", TypeError, "input_noise"),
        (None, TypeError, "input_noise"),
    ],
)
def test_what_is_none(noise, error, message):
    X, y = draw_data("mse", 50, 5)
    net = make_network(bm.MLP, "mse", 5, (9,))
    before = net.parameters.copy()
    with pytest.raises(error, match=message):
        net.fit(X, y, input_noise=noise)
    np.testing.assert_array_equal(net.parameters, before)


def test_lbfgs_has_none():
    pytest.importorskip("scipy")
    X, y = draw_data("mse", 50, 5)
    with pytest.raises(ValueError, match=r"LBFGS takes no input_noise"):
        make_network(bm.MLP, "mse", 5, (9,)).fit(X, y, optimizer="lbfgs", input_noise=0.1)
