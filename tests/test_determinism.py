"""The same bits: on any number of threads, for a row alone or in any batch, again and from a copy.

Nothing here is compared to a tolerance.
"""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from cases import DTYPES, MORE_OPTIMIZERS, OPTIMIZERS, PROBLEMS, draw_data, make_network

# Problem, inputs, hidden layers, rows and batch: by how the core cuts the work, see train/plan.h.
ARCHITECTURES = {
    "too small for two threads": ("mse", 3, (5, 4), 40, 8),
    "two phases": ("labels", 64, (128, 100), 400, 128),
    "two phases, wide": ("labels", 300, (500,), 160, 64),
    "two phases, deep": ("gaussian", 40, (60,) * 8, 300, 100),
    "no hidden layer": ("labels", 1000, (), 600, 256),
    "chunks": ("binary", 16, (32, 32), 20000, 16384),
    "chunks, few": ("probabilities", 30, (33, 17), 3000, 700),
}


@pytest.fixture(autouse=True)
def _threads_as_before():
    with bm.threads(bm.get_num_threads()):
        yield


def train(architecture, threads, *, epochs=2, fit=None, **arguments):
    problem, inputs, hidden, rows, batch = ARCHITECTURES[architecture]
    X, y = draw_data(problem, rows, inputs)
    net = make_network(bm.MLP, problem, inputs, hidden, **arguments)
    with bm.threads(threads):
        options = {"optimizer": bm.Adam(0.01)} | (fit or {})
        history = net.fit(X, y, epochs=epochs, batch_size=batch, eval_set=(X, y), **options)
    return history, net


def assert_same_training(one, other):
    assert np.array_equal(one[1].parameters, other[1].parameters)
    for name in ("loss", "eval_loss", "eval_metric"):
        assert np.array_equal(one[0][name], other[0][name])


# ---- threads ----


@pytest.mark.skipif(bm.show_config("dict")["threading"] == "serial", reason="has no threads")
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux to count threads")
def test_threads_are_used():
    """Otherwise the tests below would compare one thread to itself."""
    _, net = train("two phases", 5, epochs=1)
    assert len([*Path("/proc/self/task").iterdir()]) >= 5
    assert np.isfinite(net.parameters).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_on_any_number_of_threads(architecture, dtype):
    one = train(architecture, 1, activation="gelu", dtype=dtype)
    for threads in (2, 5):
        assert_same_training(one, train(architecture, threads, activation="gelu", dtype=dtype))


@pytest.mark.parametrize(
    "options",
    [{}, {"batches_per_step": 2}, {"average": 0.9, "dropout": 0.3, "input_noise": 0.1}],
    ids=str,
)
@pytest.mark.parametrize("optimizer", ["radam", "rmsprop", "clip norm", "clip value", "lion decay"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_optimizer_on_any_number_of_threads(architecture, optimizer, options):
    fit = options | {"optimizer": (OPTIMIZERS | MORE_OPTIMIZERS)[optimizer]}
    assert_same_training(train(architecture, 1, fit=fit), train(architecture, 3, fit=fit))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 100, 2000])
def test_gradients_on_any_number_of_threads(rows, dtype):
    X, y = draw_data("mse", rows, 60)
    dY = np.linspace(-1, 1, 2 * rows, dtype=dtype).reshape(rows, 2)
    net = make_network(bm.MLP, "mse", 60, (90, 50), activation="tanh", dtype=dtype)
    results = []
    for threads in (1, 2, 5):
        with bm.threads(threads):
            results.append((*net.gradients(X, y), *net.backward(X, dY), *net.evaluate(X, y)))
    for other in results[1:]:
        assert all(map(np.array_equal, results[0], other))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", [(200, 100), (700,), ()])
def test_prediction_on_any_number_of_threads(hidden, dtype):
    X, _ = draw_data("labels", 3000, 150)
    net = make_network(bm.MLP, "labels", 150, hidden, dtype=dtype)
    with bm.threads(1):
        one, raw = net.predict(X), net(X)
    for threads in (2, 5):
        with bm.threads(threads):
            assert np.array_equal(net.predict(X), one)
            assert np.array_equal(net(X), raw)


def test_two_trainings_at_once():
    """The second finds the team of threads in use."""
    bm.set_num_threads(2)
    names = ["two phases", "two phases, wide"] * 2
    with ThreadPoolExecutor(len(names)) as pool:
        together = list(pool.map(lambda name: train(name, 2, epochs=5), names))
    for name, result in zip(names, together, strict=True):
        assert_same_training(result, train(name, 2, epochs=5))


# ---- rows alone and in batches ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_a_row_alone_and_in_a_batch_with_every_activation(activation, dtype):
    X, _ = draw_data("mse", 150, 5)
    net = make_network(bm.MLP, "mse", 5, (19, 40), activation=activation, dtype=dtype)
    assert np.array_equal(net.predict(X), [net.predict(x) for x in X])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_row_alone_and_in_a_batch_with_every_link(problem, dtype):
    X, _ = draw_data(problem, 150, 5)
    net = make_network(bm.MLP, problem, 5, (19,), dtype=dtype)
    assert np.array_equal(net.predict(X), [net.predict(x) for x in X])
    assert np.array_equal(net(X), [net(x) for x in X])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "sizes",
    [
        *([inputs, 50, 1] for inputs in (1, 2, 7, 8, 300)),
        *([20, 30, outputs] for outputs in (1, 2, 3, 4, 5, 8, 16, 17, 31, 33, 64, 100)),
        *([20, width, width, 3] for width in (1, 6, 15, 47, 65, 130, 600)),
        [1100, 3],
        [3, 1100],
    ],
    ids=str,
)
def test_a_row_alone_and_in_a_batch_of_any_size(sizes, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(201, sizes[0])).astype(dtype)
    net = bm.MLP(sizes, "tanh", dtype=dtype, seed=0)
    net.parameters += rng.normal(size=net.num_parameters) / 100  # so that biases are not 0
    whole = net.predict(X)
    assert np.array_equal(whole, [net.predict(x) for x in X])
    for rows in (1, 2, 3, 5, 6, 7, 8, 11, 12, 13, 16, 24, 31, 32, 33, 63, 64, 65, 127, 128, 129):
        first = 201 - rows - rows % 5
        assert np.array_equal(net.predict(X[first : first + rows]), whole[first : first + rows])


@pytest.mark.parametrize("dtype", DTYPES)
def test_however_the_rows_lie_in_memory(dtype):
    X, _ = draw_data("labels", 70, 13)
    net = make_network(bm.MLP, "labels", 13, (21,), dtype=dtype)
    expected = net.predict(X)
    wide = np.zeros((140, 26))
    wide[::2, ::2] = X
    for same in (
        X.astype("float32"),
        np.asfortranarray(X),
        wide[::2, ::2],
        X[::-1][::-1],
        np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
        X.tolist(),
    ):
        assert np.array_equal(net.predict(same), expected)
        assert np.array_equal(net.predict(same[7]), expected[7])


@pytest.mark.parametrize("source", ["?", "int8", "uint16", "int64", "float16", "float32", ">f8"])
def test_whatever_type_the_rows_have(source):
    X = np.random.default_rng(0).integers(2, size=(70, 13)).astype("float32")
    net = make_network(bm.MLP, "labels", 13, (21,))
    assert np.array_equal(net.predict(X.astype(source)), net.predict(X))
    assert np.array_equal(net.predict(X[7].astype(source)), net.predict(X[7]))


# ---- again and from copies ----


@pytest.mark.parametrize("optimizer", OPTIMIZERS | MORE_OPTIMIZERS)
def test_the_same_seed_trains_the_same(optimizer):
    optimizers = OPTIMIZERS | MORE_OPTIMIZERS
    X, y = draw_data("labels", 100, 6)
    arguments = {"epochs": 3, "batch_size": 16, "optimizer": optimizers[optimizer]}
    one, other = (bm.MLP([6, 20, 9, 3], loss="cross_entropy", seed=9) for _ in range(2))
    losses = [net.fit(X, y, **arguments)["loss"] for net in (one, other)]
    assert np.array_equal(*losses)
    assert np.array_equal(one.parameters, other.parameters)
    different = bm.MLP([6, 20, 9, 3], loss="cross_entropy", seed=10)
    assert not np.array_equal(different.fit(X, y, **arguments)["loss"], losses[0])


@pytest.mark.parametrize(
    "duplicate",
    [
        bm.MLP.copy,
        copy.copy,
        copy.deepcopy,
        *(
            pytest.param(lambda net, p=p: pickle.loads(pickle.dumps(net, p)), id=f"pickle {p}")
            for p in range(2, pickle.HIGHEST_PROTOCOL + 1)
        ),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_copy_goes_on_the_same(dtype, duplicate):
    X, y = draw_data("gaussian", 100, 6)
    net = make_network(bm.MLP, "gaussian", 6, (20,), activation="mish", dtype=dtype)
    net.fit(X, y, epochs=2, batch_size=16)
    twin = duplicate(net)
    before = twin.parameters.copy()
    assert np.array_equal(net.predict(X), twin.predict(X))
    history = net.fit(X, y, epochs=2, batch_size=16)
    assert np.array_equal(twin.parameters, before)  # it is a network of its own
    assert np.array_equal(twin.fit(X, y, epochs=2, batch_size=16)["loss"], history["loss"])
    assert np.array_equal(net.parameters, twin.parameters)
    assert not np.array_equal(net.parameters, before)


def test_a_second_fit_goes_on_where_the_first_ended():
    X, y = draw_data("labels", 100, 6)
    whole, parts = (make_network(bm.MLP, "labels", 6, (20,)) for _ in range(2))
    losses = whole.fit(X, y, epochs=5, batch_size=16, optimizer=bm.SGD(0.1))["loss"]
    first = parts.fit(X, y, epochs=2, batch_size=16, optimizer=bm.SGD(0.1))["loss"]
    second = parts.fit(X, y, epochs=3, batch_size=16, optimizer=bm.SGD(0.1))["loss"]
    assert np.array_equal(losses, [*first, *second])
    assert np.array_equal(whole.parameters, parts.parameters)


def test_watching_changes_nothing():
    X, y = draw_data("labels", 100, 6)
    alone, watched = (make_network(bm.MLP, "labels", 6, (20,)) for _ in range(2))
    alone.fit(X, y, epochs=5, batch_size=16)
    watched.fit(
        X, y, epochs=5, batch_size=16, eval_set=(X, y), callback=lambda _: False, progress=False
    )
    assert np.array_equal(alone.parameters, watched.parameters)
