"""Training on a loss that is a Python function."""

from __future__ import annotations

import threading

import briskmlp as bm
import numpy as np
import pytest

SIZES = [5, 24, 24, 2]


def table(rows=90):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 5))
    return X, np.stack([X[:, 0] * X[:, 1], X.sum(axis=1)], axis=1)


def squares(raw, y):
    error = raw - y
    return np.mean(error**2), 2 * error / error.size


def network(**kwargs):
    return bm.MLP(SIZES, "gelu", seed=2, dtype="float64", **kwargs)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": bm.SGD(0.1, momentum=0.9, clip=bm.ClipNorm(0.1))},
        {"optimizer": bm.Adam(bm.schedules.Cosine(0.01), l1=1e-3), "batches_per_step": 3},
        {"dropout": 0.3, "average": 0.9},
        {"between": {"norm": "layer", "residual": True}, "dropout": 0.1},
        {"eval_set": table(30), "batch_size": None},
    ],
    ids=str,
)
def test_as_the_built_in_loss(settings):
    """Written by hand, the mean square has the trajectory of "mse"."""
    X, y = table()
    settings = {"batch_size": 16} | settings
    between = settings.pop("between", {})
    ours, theirs = network(**between), network(**between)
    history = ours.fit(X, y, epochs=5, loss=squares, **settings)
    expected = theirs.fit(X, y, epochs=5, **settings)
    np.testing.assert_allclose(ours.parameters, theirs.parameters, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-11)
    if "eval_set" in settings:
        np.testing.assert_allclose(history["eval_loss"], expected["eval_loss"], rtol=1e-9)
        assert history.keys() == ["loss", "eval_loss", "seconds"]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_same_bits_on_any_number_of_threads(threads):
    X, y = table(3000)
    nets = []
    for count in (1, threads):
        with bm.threads(count):
            nets.append(bm.MLP([5, 300, 300, 2], seed=0))
            nets[-1].fit(X, y, epochs=2, batch_size=700, loss=squares)
    np.testing.assert_array_equal(nets[0].parameters, nets[1].parameters)


def cox(raw, y):
    """The negative partial log-likelihood of survival times, a function of all rows together."""
    time, event = y["time"], y["event"]
    risk = np.exp(raw[:, 0])
    at_risk = time[np.newaxis, :] >= time[:, np.newaxis]  # (m, m) of whom by the time of whom
    sums = at_risk @ risk
    loss = -np.sum(event * (raw[:, 0] - np.log(sums))) / len(y)
    d_raw = -(event - risk * (at_risk.T @ (event / sums))) / len(y)
    return loss, d_raw[:, np.newaxis]


def survival(rows=200):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(rows, 3))
    y = np.zeros(rows, [("time", "f8"), ("event", "f8")])
    y["time"] = rng.exponential(np.exp(-X[:, 0] - X[:, 1] ** 2))
    y["event"] = rng.random(rows) < 0.7
    return X, y


def test_of_all_rows_together_with_targets_of_any_kind():
    """Against descent written by hand."""
    X, y = survival()
    net = bm.MLP([3, 8, 1], "tanh", seed=0, dtype="float64")
    by_hand = net.copy()
    history = net.fit(X, y, epochs=20, batch_size=len(X), optimizer=bm.SGD(0.5), loss=cox)
    losses = []
    for _ in range(20):
        loss, d_raw = cox(by_hand(X), y)
        losses.append(loss)
        by_hand.parameters -= 0.5 * by_hand.backward(X, d_raw)[1]
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-10)
    np.testing.assert_allclose(net.parameters, by_hand.parameters, rtol=1e-8, atol=1e-10)
    assert losses[-1] < losses[0] - 0.1


def test_what_it_gets():
    X, _ = table(10)
    seen = []

    def loss(raw, targets):
        assert threading.current_thread() is threading.main_thread()
        seen.append((raw.shape, raw.dtype, targets.tolist()))
        raw[...] = np.nan  # a copy
        return 1, np.zeros_like(raw)

    net = bm.MLP(SIZES, seed=0)
    before = net.parameters.copy()
    names = np.array([f"row {i}" for i in range(10)])
    net.fit(X, names, epochs=2, batch_size=4, loss=loss, optimizer=bm.SGD(1.0))
    assert [shape for shape, *_ in seen] == [(4, 2), (4, 2), (2, 2)] * 2
    assert all(dtype == np.float32 for _, dtype, _ in seen)
    for epoch in (seen[:3], seen[3:]):
        assert sorted(name for *_, rows in epoch for name in rows) == sorted(names)
    np.testing.assert_array_equal(net.parameters, before)


def test_gradients_that_lie_anyhow():
    X, y = table(600)

    def odd(raw, y):
        loss, gradient = squares(raw, y)
        memory = np.empty(gradient.nbytes + 1, np.uint8)
        unaligned = np.ndarray(gradient.shape, gradient.dtype, memory, offset=1)
        unaligned[...] = gradient
        return loss, unaligned

    nets = [network() for _ in range(3)]
    with bm.threads(2):
        for net, loss in zip(
            nets, (squares, odd, lambda r, y: _reversed(*squares(r, y))), strict=True
        ):
            net.fit(X, y, epochs=2, batch_size=300, loss=loss)
    for other in nets[1:]:
        np.testing.assert_array_equal(other.parameters, nets[0].parameters)


def _reversed(loss, gradient):
    return loss, gradient[::-1].copy()[::-1]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_targets_stay_as_they_are(optimizer):
    if optimizer == "lbfgs":
        pytest.importorskip("scipy")
    X, y = table()
    given, judged = y.copy(), y.copy()

    def spoils(raw, targets):
        answer = squares(raw, targets)
        targets[...] = 0
        return answer

    settings = {"loss": spoils, "optimizer": optimizer, "eval_set": (X, judged)}
    network().fit(X, given, epochs=2, **settings)
    np.testing.assert_array_equal(given, y)
    np.testing.assert_array_equal(judged, y)


@pytest.mark.parametrize("kind", ["adam", "lbfgs"])
def test_standardized_and_lbfgs(kind):
    if kind == "lbfgs":
        pytest.importorskip("scipy")
    X, y = table()
    net = network()
    settings = {"epochs": 30, "eval_set": (X, y), "standardize": True, "batch_size": None}
    history = net.fit(50 + 9 * X, y, optimizer=kind, loss=squares, **settings)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    expected = np.mean((net(X) - y) ** 2)
    np.testing.assert_allclose(history["eval_loss"][-1], expected, rtol=1e-12)


def test_resumed(tmp_path):
    X, y = table()
    whole, part = network(), network()
    settings = {"loss": squares, "batch_size": 16, "eval_set": (X, y)}
    whole.fit(X, y, epochs=6, **settings)
    part.fit(X, y, epochs=2, callbacks=bm.Checkpoint(tmp_path), **settings)
    part = network()
    with pytest.raises(ValueError, match="with a loss of its own True, this fit has False"):
        part.fit(X, y, epochs=6, resume=tmp_path, **settings | {"loss": None, "eval_set": None})
    part.fit(X, y, epochs=6, resume=tmp_path, **settings)
    np.testing.assert_array_equal(part.parameters, whole.parameters)


def test_metrics_are_functions():
    X, y = table()

    def worst(y, prediction):
        return float(np.abs(y - prediction).max())

    settings = {"loss": squares, "eval_set": (X, y), "epochs": 2}
    history = network().fit(X, y, metrics=worst, **settings)
    assert history.keys() == ["loss", "eval_loss", "eval_worst", "seconds"]
    with pytest.raises(ValueError, match="metric 'mae' is for MLP's losses; pass functions"):
        network().fit(X, y, metrics="mae", **settings)
    stopping = bm.EarlyStopping(2)
    network().fit(X, y, callbacks=stopping, **settings)
    assert stopping.best_epoch


class Late:
    """A loss that goes wrong in its third batch."""

    def __init__(self, answer):
        self.answer, self.calls = answer, 0

    def __call__(self, raw, y):
        self.calls += 1
        if self.calls < 3:
            return squares(raw, y)
        return self.answer(raw) if callable(self.answer) else self.answer


def fails(raw):
    raise KeyError(f"no such thing, {raw.shape}")


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (fails, KeyError, "no such thing"),
        (3.0, TypeError, r"must return a tuple \(loss, gradient\), it returned 3.0"),
        ((1, 2, 3), TypeError, "must return a tuple .* it returned a tuple"),
        (lambda raw: [1.0, raw], TypeError, "must return a tuple .* it returned a list"),
        (lambda raw: (1.0, raw * np.inf), ValueError, "the loss is 1, but its gradient is not fin"),
        (lambda raw: (1.0, raw * 1j), ValueError, "must be real numbers"),
        (lambda raw: ("high", raw), TypeError, "the loss must be a number, .* 'high'"),
        (lambda raw: (raw, raw), TypeError, r"an array of float64 of shape \(30, 2\)"),
        (
            lambda raw: (1.0, raw[:, :1]),
            ValueError,
            r"shape \(30, 2\).* float64 of shape \(30, 1\)",
        ),
        (lambda raw: (1.0, raw.astype("U9")), ValueError, "must be real numbers"),
        (lambda raw: (np.nan, raw), bm.DivergenceError, "epoch 1, step 3"),
    ],
)
def test_errors_end_the_fit_after_the_last_good_step(answer, error, message):
    X, y = table()
    net, expected = network(), network()
    if error is not bm.DivergenceError:  # which goes back to the best epoch, here to before the fit
        expected.fit(X[:60], y[:60], epochs=1, batch_size=30, loss=squares, shuffle=False)
    with pytest.raises(error, match=message):
        net.fit(X, y, epochs=3, batch_size=30, loss=Late(answer), shuffle=False)
    np.testing.assert_array_equal(net.parameters, expected.parameters)
    assert net.fit(X, y, epochs=1, loss=squares)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"loss": "mae"}, TypeError, r"loss must be a function .* MLP\(sizes, loss=...\)"),
        ({"loss": bm.Huber}, TypeError, "loss must be a function"),
        ({"sample_weight": np.ones(90)}, ValueError, "sample_weight is not for a loss of your own"),
        ({"class_weight": "balanced"}, ValueError, "class_weight is not for a loss"),
        ({"eval_set": (*table(), np.ones(90))}, ValueError, "eval_set has weights"),
        (
            {"eval_set": (table()[0], [1])},
            ValueError,
            r"eval_set\[1\] has shape \(1,\), expected 90",
        ),
        ({"y": [1, 2]}, ValueError, r"y has shape \(2,\), expected 90 rows"),
        ({"y": 3}, ValueError, r"y has shape \(\)"),
    ],
    ids=str,
)
def test_arguments_that_do_not_fit(settings, error, message):
    X, y = table()
    net = network()
    before = net.parameters.copy()
    with pytest.raises(error, match=message):
        net.fit(X, settings.pop("y", y), **{"loss": squares} | settings)
    np.testing.assert_array_equal(net.parameters, before)


def test_a_network_does_not_keep_functions():
    with pytest.raises(TypeError, match=r"a function goes to fit\(loss=...\)"):
        bm.MLP([2, 1], loss=squares)
