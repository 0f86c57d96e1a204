"""Dropout: which units are left out, how many, and that only training leaves out any.

test_trajectories.py compares it with the reference, test_determinism.py over threads.
"""

from __future__ import annotations

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from briskmlp.reference.random import kept
from cases import DTYPES, draw_data, epsilon, make_network, roundings


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_share_is_left_out_and_the_mean_stays(share):
    factors = kept(1000, 200, share, seed=1, batch=2, layer=0, layers=1)
    assert set(np.unique(factors)) == {0, 1 / (1 - share)}
    # Four standard deviations of a mean of 200,000 draws.
    deviation = np.sqrt(share * (1 - share) / factors.size)
    assert abs((factors == 0).mean() - share) < 4 * deviation
    assert abs(factors.mean() - 1) < 4 * deviation / (1 - share)


def test_rows_units_layers_and_batches_differ():
    def draw(**other):
        return kept(64, 64, 0.5, **{"seed": 0, "batch": 0, "layer": 0, "layers": 2} | other)

    first = draw()
    for other in (draw(seed=1), draw(batch=1), draw(layer=1), first.T, np.roll(first, 1, axis=0)):
        agreement = (first == other).mean()
        assert abs(agreement - 0.5) < 4 * 0.5 / 64


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_left_out_has_the_bits_of_no_dropout(dtype):
    X, y = draw_data("labels", 50, 5)
    nets = [make_network(bm.MLP, "labels", 5, (9, 6), dtype=dtype) for _ in range(3)]
    for net, dropout in zip(nets, (0, (0.0, 0.0), [0, 0.5]), strict=True):
        net.fit(X, y, epochs=2, batch_size=16, dropout=dropout)
    assert np.array_equal(nets[0].parameters, nets[1].parameters)
    assert not np.array_equal(nets[0].parameters, nets[2].parameters)


@pytest.mark.parametrize("hidden", [(9, 6), (64, 48)])  # in two phases, and by shards
def test_a_layer_from_which_nothing_is_left_out_learns(hidden):
    """It and its neighbour as in the reference."""
    X, y = draw_data("mse", 50, 5)
    fit = {"epochs": 2, "batch_size": 16, "optimizer": bm.SGD(0.05)}
    for dropout in ((0.0, 0.5), (0.5, 0.0)):
        ours, theirs = (
            make_network(kind, "mse", 5, hidden, dtype="float64")
            for kind in (bm.MLP, reference.MLP)
        )
        for net in (ours, theirs):
            net.fit(X, y, dropout=dropout, **fit)
        error = 8 * roundings(theirs, 16) * epsilon("float64")  # of eight steps
        np.testing.assert_allclose(ours.parameters, theirs.parameters, rtol=0, atol=error)


def test_evaluation_has_all_units():
    X, y = draw_data("mse", 50, 5)
    net = make_network(bm.MLP, "mse", 5, (9,))
    history = net.fit(X, y, epochs=1, dropout=0.5, eval_set=(X, y))
    assert history["eval_loss"][0] == net.evaluate(X, y).loss
    assert np.array_equal(net.predict(X), net.copy().predict(X))


def test_two_fits_are_one():
    """Units are drawn by the batch's number in the network's life."""
    X, y = draw_data("mse", 50, 5)
    options = {"batch_size": 16, "dropout": 0.5, "optimizer": bm.SGD(0.05)}
    once, twice = (make_network(bm.MLP, "mse", 5, (9,)) for _ in range(2))
    once.fit(X, y, epochs=4, **options)
    for _ in range(2):
        twice.fit(X, y, epochs=2, **options)
    assert np.array_equal(once.parameters, twice.parameters)


def test_dropout_regularises():
    """With more units than rows and targets of noise, training error stays higher."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 10)), rng.normal(size=(40, 1))
    losses = {}
    for dropout in (0.0, 0.5):
        net = bm.MLP([10, 200, 1], seed=0)
        net.fit(X, y, epochs=300, optimizer=bm.Adam(0.01), dropout=dropout)
        losses[dropout] = net.evaluate(X, y).loss
    assert losses[0.0] < 1e-4 < losses[0.5]


@pytest.mark.parametrize(
    ("dropout", "error", "message"),
    [
        (1.0, ValueError, r"dropout must lie in \[0, 1\), got 1.0"),
        (-0.1, ValueError, r"dropout must lie in \[0, 1\), got -0.1"),
        ("0.5", TypeError, "dropout must be a real number, got '0.5'"),
        ((0.5,), ValueError, "dropout has 1 entries, the network has 2 hidden layers"),
        ((0.5, 2), ValueError, r"dropout\[1\] must lie in \[0, 1\), got 2"),
    ],
)
def test_errors(dropout, error, message):
    net = make_network(bm.MLP, "mse", 5, (9, 6))
    before = net.parameters.copy()
    with pytest.raises(error, match=message):
        net.fit(*draw_data("mse", 50, 5), dropout=dropout)
    assert np.array_equal(net.parameters, before)
