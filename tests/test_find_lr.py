"""The learning-rate range test: what it records, where it ends, what it suggests."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import _briskmlp_core as core

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2000, 6))
Y = np.sin(2 * X[:, 0]) + X[:, 1]
W = RNG.uniform(0.1, 2, 2000)


def make(dtype: str = "float64", **settings) -> bm.MLP:
    return bm.MLP([6, 16, 1], "tanh", dtype=dtype, seed=1, **settings)


@pytest.mark.parametrize("weights", [None, W[:320]])
def test_losses_are_those_of_the_reference_step_by_step(weights: np.ndarray | None) -> None:
    """One batch of all rows at a time, so that the order of the rows does not matter."""
    x, y = X[:320], Y[:320]
    test = make().find_lr(
        x, y, optimizer=bm.SGD(1), low=1e-4, high=0.1, steps=20, batch_size=320,
        sample_weight=weights,
    )  # fmt: skip
    rates = 1e-4 * 1000 ** (np.arange(20) / 19)
    np.testing.assert_allclose(test.rates, rates, rtol=1e-12)
    oracle, losses = make(), []
    for rate in rates:
        loss, gradient = oracle.gradients(x, y, sample_weight=weights)
        losses.append(loss)
        oracle.parameters -= rate * gradient
    np.testing.assert_allclose(test.losses, losses, rtol=1e-9)


def test_batches_add_up_to_the_loss_of_a_fit() -> None:
    """At a rate of almost nothing the losses of an epoch's batches have the loss of all rows."""
    x, y = X[:1000], Y[:1000]
    test = make().find_lr(x, y, low=1e-300, high=1e-299, steps=30, batch_size=100)
    whole = make().evaluate(x, y).loss
    for epoch in np.split(test.losses, 3):
        assert np.mean(epoch) == pytest.approx(whole, rel=1e-9)
    assert len(np.unique(test.losses)) == 30  # each epoch has an order of its own


def test_the_network_is_left_alone_and_results_are_reproducible() -> None:
    net = make()
    start = net.parameters.copy()
    first, second = net.find_lr(X, Y), net.find_lr(X, Y)
    assert (net.parameters == start).all()
    assert (net.epochs_trained, net.history) == (0, None)
    assert (first.losses == second.losses).all()


@pytest.mark.parametrize("optimizer", [bm.Adam(), bm.SGD(1), bm.SGD(1, momentum=0.9)])
def test_the_suggestion_trains_better_than_rates_far_from_it(optimizer: bm.Optimizer) -> None:
    def loss(rate: float) -> float:
        net = make("float32")
        try:
            net.fit(X, Y, epochs=10, optimizer=replace(optimizer, learning_rate=rate))
        except bm.DivergenceError:
            return np.inf
        return net.evaluate(X, Y).loss

    rate = make("float32").find_lr(X, Y, optimizer=optimizer).suggestion
    assert loss(rate) < 0.9 * min(loss(rate / 30), loss(rate * 30))


def test_standardized_data() -> None:
    far = X * 100 + 3000
    y = 50 * Y + 7
    z = (far - far.mean(0)) / far.std(0)
    mine = make().find_lr(far, y, standardize=True, steps=20, batch_size=100)
    theirs = make().find_lr(z, (y - y.mean()) / y.std(), steps=20, batch_size=100)
    # Both drew the same 2000 rows.
    np.testing.assert_allclose(mine.losses, theirs.losses * y.var(), rtol=1e-8)


@pytest.mark.parametrize("weights", [None, W])
def test_rows_that_are_not_needed_are_left_out(weights: np.ndarray | None) -> None:
    """Of 2000 rows 10 steps of 20 take 200, drawn by the seed of the network."""
    drawn = np.random.default_rng(1).permutation(2000)[:200]
    settings = {"steps": 10, "batch_size": 20}
    some = make().find_lr(X, Y, sample_weight=weights, **settings)
    few = None if weights is None else weights[drawn]
    same = make().find_lr(X[drawn], Y[drawn], sample_weight=few, **settings)
    np.testing.assert_allclose(some.losses, same.losses, rtol=1e-12)
    others = make().find_lr(X[:200], Y[:200], **settings)
    assert not np.allclose(some.losses, others.losses)


def test_it_ends_where_training_breaks_down() -> None:
    with np.errstate(all="raise"):
        test = make("float32").find_lr(X, Y, optimizer=bm.SGD(1), high=1e6)
    assert len(test.rates) == len(test.losses) == len(test.smoothed) < 200
    assert np.isfinite(test.smoothed).all()
    with pytest.raises(ValueError, match=r"the loss is finite for \d of 200 rates, from 1e\+20 on"):
        make("float32").find_lr(X, Y, optimizer=bm.SGD(1), low=1e20, high=1e21)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_what_a_signal_raises_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, say: here between two of the many steps of an epoch."""
    fit, x, y = core.fit, np.tile(X, (100, 1)), np.tile(Y, 100)

    def enough(*_: object) -> None:
        raise TimeoutError("enough")

    def interrupted(*arguments: Any) -> core.FitOutcome:
        def rates(*asked: int) -> np.ndarray:
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            return arguments[5](*asked)

        return fit(*arguments[:5], rates, *arguments[6:])

    monkeypatch.setattr(core, "fit", interrupted)
    before = signal.signal(signal.SIGALRM, enough)
    try:
        with pytest.raises(TimeoutError, match="enough"):
            make().find_lr(x, y, steps=len(x), batch_size=1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="LBFGS has no learning rate"):
        make().find_lr(X, Y, optimizer="lbfgs")
    with pytest.raises(ValueError, match=r"low must be positive and below high, got 1\.0 and 0\.1"):
        make().find_lr(X, Y, low=1, high=0.1)
    with pytest.raises(ValueError, match="steps must be at least 10, got 5"):
        make().find_lr(X, Y, steps=5)
    with pytest.raises(ValueError, match="X has 5 columns, the network expects 6"):
        make().find_lr(X[:, :5], Y)


def test_the_plot() -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    test = make().find_lr(X, Y)
    ax = test.plot()
    assert ax.get_xscale() == "log"
    assert (ax.lines[1].get_ydata() == test.smoothed).all()
    assert ax.get_legend().get_texts()[-1].get_text() == f"suggestion: {test.suggestion:.2g}"
    matplotlib.pyplot.close(ax.figure)
