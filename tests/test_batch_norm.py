"""Batch norm: PyTorch's training, the reference's, and a network that does without afterwards."""

from __future__ import annotations

from functools import partial

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import _briskmlp_core as core
from briskmlp import reference
from briskmlp.reference.folding import fold, rows_to_measure, unfold
from cases import DTYPES, draw_data, draw_weights, epsilon, make_network, roundings
from test_gradients import DIFFERENCE_ERROR, central_differences
from test_resume import check
from test_trajectories import tolerance

HIDDEN = (12, 12, 9)
ROWS, BATCH = 60, 16


def network(kind=bm.MLP, **arguments):
    settings = {"problem": "labels", "inputs": 5, "hidden": HIDDEN, "activation": "tanh"}
    return make_network(kind, **(settings | arguments))


def outcome(net, X, y, **arguments):
    """Train; the losses of the epochs and the raw outputs at the end, as one vector."""
    history = net.fit(X, y, **arguments)
    return np.concatenate([history["loss"], net(X).ravel()])


def train(net, rows=ROWS, **settings):
    X, y = draw_data("labels", rows, 5)
    fit = {"epochs": 3, "batch_size": BATCH, "optimizer": bm.Adam(0.01), "batch_norm": True}
    return net.fit(X, y, **(fit | settings))


# ---- what it computes ----


def test_its_gradient_by_differences():
    rng = np.random.default_rng(0)
    a, d = rng.normal(size=(9, 4)), rng.normal(size=(9, 4))
    norm = reference.BATCH_NORM
    y = norm.function(a)
    np.testing.assert_allclose(y.mean(axis=0), 0, rtol=0, atol=1e-15)
    np.testing.assert_allclose(y.var(axis=0), a.var(axis=0) / (a.var(axis=0) + 1e-5), rtol=1e-14)
    differences = central_differences(lambda: np.sum(norm.function(a) * d), a)
    np.testing.assert_allclose(norm.pull_back(a, d), differences, rtol=0, atol=DIFFERENCE_ERROR)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("extra", [{}, {"dropout": 0.2}, {"average": 0.9}, {"weights": True}])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_training_is_the_references(activation, residual, extra, dtype):
    X, y = draw_data("labels", ROWS, 5)
    make = partial(network, activation=activation, residual=residual)
    fit = {"epochs": 2, "batch_size": BATCH, "optimizer": bm.SGD(0.02), "batch_norm": True}
    fit |= {"sample_weight": draw_weights(ROWS)} if "weights" in extra else extra
    oracle = partial(make, reference.MLP, dtype="float64")
    error = tolerance(oracle, X, y, dtype=dtype, outcome=outcome, **fit)
    ours = outcome(make(dtype=dtype), X, y, **fit)
    np.testing.assert_allclose(ours, outcome(oracle(), X, y, **fit), rtol=0, atol=error)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("residual", [False, True])
def test_training_is_pytorchs(residual, dtype):
    torch = pytest.importorskip("torch")
    X, y = draw_data("labels", 40, 5)
    settings = {"loss": "cross_entropy", "seed": 0, "residual": residual}
    net = bm.MLP([5, *HIDDEN, 3], "tanh", dtype=dtype, **settings)
    assert len(np.unique(y)) == 3
    arrays = [*net.weights, *net.biases]
    tensors = [torch.tensor(a.astype("float64"), requires_grad=True) for a in arrays]
    weights, biases = tensors[: len(net.weights)], tensors[len(net.weights) :]
    norms = [
        torch.nn.BatchNorm1d(N, affine=False, momentum=None, dtype=torch.float64)
        for N in net.sizes[1:-1]
    ]

    def raw(rows):
        x, sums = rows, None
        for W, b, norm in zip(weights[:-1], biases[:-1], norms, strict=True):
            a = torch.tanh(x @ W + b)
            sums = a + sums if residual and sums is not None and sums.shape == a.shape else a
            x = norm(sums)
        return x @ weights[-1] + biases[-1]

    optimizer = torch.optim.Adam(tensors, lr=0.003)
    rows, labels = torch.tensor(X), torch.tensor(y)
    losses = []
    for _ in range(10):
        loss = torch.nn.functional.cross_entropy(raw(rows), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    fit = {"epochs": 10, "batch_size": 40, "shuffle": False, "optimizer": bm.Adam(0.003)}
    fit["batch_norm"] = True
    error = 20 * 10 * roundings(net, 40) * epsilon(dtype)  # the most that `tolerance` allows
    history = net.fit(X, y, **fit)
    np.testing.assert_allclose(history["loss"], losses, rtol=0, atol=error)
    state = core.training_state(net._network)["weights"]
    for name, those in (("weights", weights), ("biases", biases)):
        for ours, theirs in zip(net.split(state)[name == "biases"], those, strict=True):
            np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=error)
    with torch.no_grad():  # the rows as one batch have the moments that are folded in
        np.testing.assert_allclose(net(X), raw(rows).numpy(), rtol=0, atol=10 * error)


# ---- the network that it leaves ----


@pytest.mark.parametrize("residual", [False, True])
def test_folded_and_unfolded_are_the_same_function(residual):
    X, _ = draw_data("labels", ROWS, 5)
    net = network(reference.MLP, dtype="float64", residual=residual)
    net.batch_norm = True
    normalized, before = net(X), net.parameters.copy()
    net.batch_norm = False
    fold(net, X)
    np.testing.assert_allclose(net(X), normalized, rtol=0, atol=1e-12)
    unfold(net, X)
    np.testing.assert_allclose(net.parameters, before, rtol=0, atol=1e-12)


def test_many_rows_are_measured_by_some():
    X = np.arange(10_000)[:, np.newaxis]
    for parameters, count in ((100, 4096), (1_000_000, 2000), (10_000_000, 512)):
        measured = rows_to_measure(X, parameters).ravel()
        assert len(np.unique(measured)) == len(measured) == count
        assert abs(measured.mean() - 5000) < 4 * 2887 / np.sqrt(count)
    assert np.array_equal(rows_to_measure(X[:300], 100), X[:300])
    rows, y = np.random.default_rng(0).normal(size=(10_000, 3)), np.arange(10_000) % 2
    nets = [kind([3, 6, 2], "tanh", loss="cross_entropy", dtype="float64", seed=1)
            for kind in (bm.MLP, reference.MLP)]  # fmt: skip
    for net in nets:
        net.fit(rows, y, epochs=1, batch_size=1000, batch_norm=True)
    np.testing.assert_allclose(nets[0].parameters, nets[1].parameters, rtol=0, atol=1e-12)


def test_rows_that_are_periodic():
    """Every tenth row has what no other has; evenly spaced rows would miss it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_960, 4))
    X[:, 0] = 0
    X[5::10, 0] = rng.uniform(1, 2, 4096)
    y = X[:, 0] + X[:, 1]
    net = bm.MLP([4, 16, 1], seed=0)
    net.fit(X, y, epochs=3, batch_norm=True)
    assert net.evaluate(X, y).loss < 0.1


def test_a_batch_size_of_the_default_that_would_leave_a_single_row():
    X, y = draw_data("labels", 257, 5)
    net = network()
    net.fit(X, y, epochs=1, batch_norm=True)  # not 128
    assert np.isfinite(net.parameters).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("standardize", [False, True])
def test_a_further_fit_begins_with_the_same_function(standardize, dtype):
    X, _ = draw_data("labels", ROWS, 5)
    net = network(dtype=dtype)
    train(net, epochs=2)
    before, predictions = net.parameters.copy(), net(X)
    train(net, epochs=1, optimizer=bm.SGD(1e-30), standardize=standardize)
    error = 8 * roundings(net, ROWS) * epsilon(dtype)
    np.testing.assert_allclose(net(X), predictions, rtol=0, atol=error * np.abs(before).max())


def test_what_callbacks_change_is_gone_on_with():
    X, _ = draw_data("labels", ROWS, 5)
    net, other = network(dtype="float64"), network(dtype="float64", seed=7)
    train(other, epochs=2)

    def become_the_other(history):
        if len(history) == 1:
            net.parameters[...] = other.parameters

    train(net, callback=become_the_other, epochs=3, optimizer=bm.SGD(1e-30))
    np.testing.assert_allclose(net(X), other(X), rtol=0, atol=1e-9)


def test_evaluation_is_without_the_norm():
    X, y = draw_data("labels", ROWS, 5)
    net = network()
    history = train(net, eval_set=(X, y))
    assert history["eval_loss"][-1] == pytest.approx(net.evaluate(X, y).loss, rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("hidden", [(12, 12, 9), (130, 64), (1,), (40,) * 6])
def test_the_same_bits_on_any_number_of_threads(hidden, residual, dtype):
    results = []
    for threads in (1, *(2, 5) * 10):
        with bm.threads(threads):
            net = network(hidden=hidden, residual=residual, dtype=dtype)
            train(net, rows=700, batch_size=300, dropout=0.1)
            results.append(net.parameters.copy())
    assert np.isfinite(results[0]).all()
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_it_learns_what_a_deep_plain_network_does_not():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (1000, 2))
    y = np.sin(2 * X[:, 0]) * np.cos(X[:, 1])

    def unexplained(**settings):
        net = bm.MLP([2, *[32] * 10, 1], "sigmoid", seed=0)
        net.fit(X, y, epochs=60, batch_size=200, **settings)
        return net.evaluate(X, y).loss / y.var()

    assert unexplained() > 0.9
    assert unexplained(batch_norm=True) < 0.1


def test_find_lr_with_it():
    X, y = draw_data("labels", 400, 5)
    found = [network().find_lr(X, y, batch_norm=used) for used in (False, True)]
    assert not np.array_equal(found[0].losses, found[1].losses)
    assert 1e-5 < found[1].suggestion < 1
    with pytest.raises(ValueError, match="a single row"):
        network().find_lr(X, y, batch_norm=True, batch_size=21)


# ---- resuming ----


@pytest.mark.parametrize(
    "settings",
    [{}, {"average": 0.9}, {"standardize": True}, {"dropout": 0.2, "optimizer": bm.SGD(0.01)}],
    ids=str,
)
def test_a_resumed_fit_ends_as_one_that_never_stopped(tmp_path, settings):
    check(tmp_path, batch_norm=True, **settings)


def test_resuming_without_it_is_refused(tmp_path):
    X, y = draw_data("mse", 40, 5)
    make = partial(bm.MLP, [5, 8, y.shape[1]], seed=0)
    make().fit(X, y, epochs=1, batch_norm=True, callbacks=bm.Checkpoint(tmp_path))
    with pytest.raises(ValueError, match="batch_norm True, this fit has False"):
        make().fit(X, y, epochs=2, resume=tmp_path)


def test_a_state_that_a_callback_changed_is_not_saved(tmp_path):
    X, y = draw_data("mse", 40, 5)
    net = bm.MLP([5, 8, y.shape[1]], seed=0)

    def halve(history):
        net.parameters[...] *= 0.5

    with pytest.raises(RuntimeError, match="parameters that a callback changed"):
        net.fit(X, y, batch_norm=True, callbacks=[halve, bm.Checkpoint(tmp_path)])


# ---- errors ----


@pytest.mark.parametrize(
    ("sizes", "layers", "settings", "error", "message"),
    [
        ([5, 2], {}, {}, ValueError, "batch_norm needs hidden layers, the network has none"),
        ([5, 8, 2], {"norm": "layer"}, {}, ValueError, "a network without norm, this one has 'la"),
        ([5, 8, 2], {}, {"batch_norm": 1}, TypeError, "batch_norm must be True or False, got 1"),
        ([5, 8, 2], {}, {"batch_size": 13}, ValueError, "40 rows in batches of 13 leave one"),
        ([5, 8, 2], {}, {"batch_size": 1}, ValueError, "two rows or more in each batch"),
        (
            [5, 8, 2],
            {},
            {"optimizer": "lbfgs", "batch_size": 40},
            ValueError,
            "batch_norm is True, LBFGS takes Fal",
        ),
    ],
)
def test_what_it_does_not_suit(sizes, layers, settings, error, message):
    X, y = np.ones((40, 5)), np.ones((40, 2))
    net = bm.MLP(sizes, seed=0, **layers)
    before = net.parameters.copy()
    with pytest.raises(error, match=message):
        net.fit(X, y, **{"batch_norm": True, "batch_size": 20} | settings)
    assert np.array_equal(net.parameters, before)
