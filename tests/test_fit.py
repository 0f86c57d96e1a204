"""Training from Python: what it leaves behind, and every way that it may end."""

from __future__ import annotations

import pickle
import threading
import time

import briskmlp as bm
import numpy as np
import pytest

ROWS = 50


@pytest.fixture(params=["float32", "float64"])
def net(request: pytest.FixtureRequest) -> bm.MLP:
    return bm.MLP([4, 5, 3], "tanh", loss="cross_entropy", dtype=request.param, seed=3)


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 4)), rng.integers(3, size=ROWS)


def test_history(net: bm.MLP, data) -> None:
    X, y = data
    history = net.fit(X, y, epochs=4, batch_size=16, eval_set=(X, y))
    assert net.history is history
    assert history.keys() == ["loss", "eval_loss", "eval_metric", "seconds"]
    assert len(history) == net.epochs_trained == 4
    assert history["loss"][-1] < history["loss"][0]
    loss, accuracy = net.evaluate(X, y)
    assert history["eval_loss"][-1] == loss
    assert history["eval_metric"][-1] == accuracy
    assert accuracy == np.mean(net.predict(X).argmax(axis=1) == y)
    assert net.fit(X, y, epochs=1).keys() == ["loss", "seconds"]
    assert net.epochs_trained == 5


def test_fit_continues_with_further_shuffles(net: bm.MLP, data) -> None:
    X, y = data
    twin = net.copy()
    sgd = bm.SGD(0.1)  # has no state, so that two fits of one epoch are one fit of two
    whole = net.fit(X, y, epochs=2, batch_size=8, optimizer=sgd)
    parts = [twin.fit(X, y, epochs=1, batch_size=8, optimizer=sgd)["loss"][0] for _ in range(2)]
    assert whole["loss"].tolist() == parts
    np.testing.assert_array_equal(net.parameters, twin.parameters)


def test_shuffle_changes_the_order(net: bm.MLP, data) -> None:
    X, y = data
    twin = net.copy()
    shuffled = net.fit(X, y, epochs=1, batch_size=5)
    in_order = twin.fit(X, y, epochs=1, batch_size=5, shuffle=False)
    assert shuffled["loss"][0] != in_order["loss"][0]


def test_callback_sees_the_network_and_stops(net: bm.MLP, data) -> None:
    X, y = data
    seen = []

    def callback(history: bm.History) -> bool:
        seen.append((len(history), net.evaluate(X, y).loss))
        return len(history) == 3

    history = net.fit(X, y, epochs=10, callback=callback)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert len(history) == net.epochs_trained == 3
    assert seen[0][1] > seen[2][1]


def test_optimizer_by_name(net: bm.MLP, data) -> None:
    X, y = data
    twin = net.copy()
    by_default = net.fit(X, y, epochs=2)
    assert (
        by_default["loss"].tolist() == twin.fit(X, y, epochs=2, optimizer="adam")["loss"].tolist()
    )


def test_labels_one_hot_rows_and_columns_train_alike(net: bm.MLP, data) -> None:
    X, y = data
    losses = [
        net.copy().fit(X, targets, epochs=3, batch_size=10)["loss"]
        for targets in (y, y[:, np.newaxis], y.astype(float), y.tolist())
    ]
    for loss in losses[1:]:
        np.testing.assert_array_equal(loss, losses[0])
    one_hot = net.fit(X, np.eye(3)[y], epochs=3, batch_size=10)["loss"]
    # The same sums, rounded in another order: some tens of operations for each of 50 rows.
    np.testing.assert_allclose(one_hot, losses[0], rtol=1000 * np.finfo(net.dtype).eps)


def test_divergence_restores_what_the_best_epoch_began_with(data) -> None:
    X, _ = data
    net = bm.MLP([4, 1], seed=0)
    net.fit(X, X[:, 0], epochs=3)
    parameters = [net.parameters.copy()]

    def callback(history: bm.History) -> None:
        parameters.append(net.parameters.copy())
        if len(history) == 5:
            net.parameters *= 1e30

    with pytest.raises(bm.DivergenceError) as caught:
        net.fit(
            X,
            X[:, 0],
            epochs=100,
            batch_size=ROWS,
            optimizer=bm.SGD(0.1),
            callback=callback,
        )
    error = caught.value
    assert net.history is error.history
    assert (error.epoch, error.step, len(error.history)) == (6, 1, 5)
    assert isinstance(error, ArithmeticError)
    best = int(error.history["loss"].argmin())
    np.testing.assert_array_equal(net.parameters, parameters[best])
    assert best == 4
    assert net.epochs_trained == 3 + best
    assert f"non-finite in epoch {error.epoch}, step {error.step}; the parameters" in str(error)
    assert "lower the learning rate (now 0.1) or scale the inputs" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.epoch) == (str(error), error.epoch)


@pytest.mark.parametrize("weight", [1e-300, 1e-42, 1e37])
def test_only_ratios_of_weights_matter(data, weight: float) -> None:
    X, _ = data
    ratios = np.arange(len(X)) % 3
    plain, weighted = (bm.MLP([4, 8, 1], seed=0) for _ in range(2))
    plain.fit(X, X[:, 0], epochs=2, sample_weight=ratios)
    weighted.fit(X, X[:, 0], epochs=2, sample_weight=ratios * weight)
    # The division by the largest weight rounds, once a row; Adam steps are at most 0.001 each.
    np.testing.assert_allclose(weighted.parameters, plain.parameters, atol=1e-5)
    assert not np.array_equal(plain.parameters, bm.MLP([4, 8, 1], seed=0).parameters)


def test_divergence_in_the_first_epoch_restores_what_was(data) -> None:
    X, _ = data
    net = bm.MLP([4, 16, 1], seed=0)
    before = net.parameters.copy()
    with pytest.raises(bm.DivergenceError, match=r"epoch 1, .* from before the training"):
        net.fit(X, 1e15 * X[:, 0], batch_size=2, optimizer=bm.SGD(1e30))
    np.testing.assert_array_equal(net.parameters, before)
    assert net.epochs_trained == 0


def test_an_error_in_the_callback_passes_on(net: bm.MLP, data) -> None:
    X, y = data

    def callback(history: bm.History) -> None:
        if len(history) == 2:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine") as caught:
        net.fit(X, y, callback=callback)
    assert caught.traceback[-1].name == "callback"
    assert len(net.history) == net.epochs_trained == 2
    net.fit(X, y)


def test_a_second_fit_at_once_is_an_error(net: bm.MLP, data) -> None:
    X, y = data
    caught = []

    def callback(_: bm.History) -> None:
        with pytest.raises(RuntimeError, match="this network is being fitted already") as error:
            net.fit(X, y)
        caught.append(error)

    net.fit(X, y, epochs=2, callback=callback)
    assert len(caught) == 2
    net.fit(X, y)


def test_fit_lets_other_python_threads_run() -> None:
    X = np.random.default_rng(0).normal(size=(20_000, 64)).astype("f4")
    net = bm.MLP([64, 32, 1], seed=0)
    worker = threading.Thread(target=net.fit, args=(X, X[:, 0]), kwargs={"epochs": 20})
    naps = 0
    worker.start()
    while worker.is_alive():
        time.sleep(0.001)
        naps += 1
    # Without the interpreter to themselves, the naps could only begin or end with the fit.
    assert naps > 2


def test_parameters_may_be_changed_in_the_callback(net: bm.MLP, data) -> None:
    X, y = data

    def clear(history: bm.History) -> None:
        net.parameters[:] = 0

    net.fit(X, y, epochs=2, optimizer=bm.SGD(1e-9), callback=clear)
    once = net.copy()
    once.fit(X, y, epochs=1, optimizer=bm.SGD(1e-9))
    assert not net.parameters.any()
    net.fit(X, y, epochs=2, optimizer=bm.SGD(1e-9), callback=lambda h: len(h) == 1 and clear(h))
    np.testing.assert_allclose(net.parameters, once.parameters, atol=1e-8)


def test_a_callback_that_changes_nothing_changes_nothing() -> None:
    # With a callback the core takes the parameters back from the network after each epoch.
    X = np.random.default_rng(0).standard_normal((300, 20))
    alone, watched = (bm.MLP([20, 40, 40, 3], seed=1) for _ in range(2))
    alone.fit(X, X[:, :3], epochs=4)
    watched.fit(X, X[:, :3], epochs=4, callback=lambda _: False)
    assert np.array_equal(alone.parameters, watched.parameters)
