"""Norms and residual connections: gradients, the reference, bits, files, and whatever else asks a
network what its layers do.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from functools import partial

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import _briskmlp_core as core
from briskmlp import reference
from briskmlp._layerwise import gradient_sizes
from cases import DTYPES, draw_data, draw_weights, make_network
from test_gradients import DIFFERENCE_ERROR, central_differences
from test_saving import assert_same, loaded, saved
from test_trajectories import outcome, tolerance

BOTH = {"norm": "layer", "residual": True}
KINDS = {
    "neither": {},
    "residual": {"residual": True},
    "norm": {"norm": "layer"},
    "both": BOTH,
}
USED = list(KINDS)[1:]
HIDDEN = (7, 7, 7, 5, 5)
ROWS = 13


def network(kind, between, **arguments):
    settings = {"problem": "mse", "inputs": 4, "hidden": HIDDEN, "activation": "tanh"}
    return make_network(kind, **(settings | KINDS[between] | arguments))


# ---- gradients ----


def test_the_reference_has_every_norm():
    assert core.norm_names() == list(reference.NORMS)


def test_layer_norm_by_definition():
    rng = np.random.default_rng(0)
    a, d = rng.normal(size=(5, 9)), rng.normal(size=(5, 9))
    y, by_a = np.empty_like(a), d.copy()
    core.layer_norm(a, y, by_a)
    np.testing.assert_allclose(y.mean(axis=1), 0, rtol=0, atol=1e-15)
    variance = a.var(axis=1)
    np.testing.assert_allclose(y.var(axis=1), variance / (variance + 1e-5), rtol=1e-14)
    norm = reference.NORMS["layer"]
    np.testing.assert_allclose(y, norm.function(a), rtol=0, atol=1e-14)
    np.testing.assert_allclose(by_a, norm.pull_back(a, d), rtol=0, atol=1e-14)
    differences = central_differences(lambda: np.sum(norm.function(a) * d), a)
    np.testing.assert_allclose(by_a, differences, rtol=0, atol=DIFFERENCE_ERROR)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("activation", ["tanh", "gelu", "mish", "softplus"])
@pytest.mark.parametrize("between", KINDS)
def test_gradients_by_differences(between, activation, weighted):
    X, y = draw_data("mse", ROWS, 4)
    w = draw_weights(ROWS) if weighted else None
    net = network(bm.MLP, between, activation=activation, dtype="float64")
    gradient = net.gradients(X, y, sample_weight=w)[1]
    by_differences = central_differences(
        lambda: net.gradients(X, y, sample_weight=w)[0], net.parameters
    )
    np.testing.assert_allclose(gradient, by_differences, rtol=0, atol=DIFFERENCE_ERROR)
    dX, _ = net.backward(X, y)
    differences = central_differences(lambda: np.sum(net(X) * y), X)
    np.testing.assert_allclose(dX, differences, rtol=0, atol=ROWS * DIFFERENCE_ERROR)


@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
@pytest.mark.parametrize("between", KINDS)
def test_gradients_with_dropout_by_differences(between, activation):
    """A step of SGD shows the gradient; the reference says which units were left out."""
    X, y = draw_data("mse", ROWS, 4)
    shares = (0.3, 0.0, 0.5, 0.2, 0.4)
    oracle = network(reference.MLP, between, activation=activation, dtype="float64")
    dropped = oracle.kept_units(ROWS, shares, 0)
    by_differences = central_differences(
        lambda: oracle.gradients(X, y, dropped=dropped)[0], oracle.parameters
    )
    net = network(bm.MLP, between, activation=activation, dtype="float64")
    before = net.parameters.copy()
    fit = {"epochs": 1, "batch_size": ROWS, "shuffle": False, "optimizer": bm.SGD(1.0)}
    net.fit(X, y, dropout=shares, **fit)
    gradient = before - net.parameters
    np.testing.assert_allclose(gradient, by_differences, rtol=0, atol=DIFFERENCE_ERROR)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
@pytest.mark.parametrize("between", USED)
def test_training_is_the_references(between, activation, dropout, dtype):
    X, y = draw_data("labels", 50, 5)
    make = partial(
        network, between=between, problem="labels", inputs=5, hidden=(20, 20, 9, 9),
        activation=activation,
    )  # fmt: skip
    fit = {"epochs": 2, "batch_size": 16, "optimizer": bm.SGD(0.02), "dropout": dropout}
    oracle = partial(make, reference.MLP, dtype="float64")
    error = tolerance(oracle, X, y, dtype=dtype, **fit)
    ours = outcome(make(bm.MLP, dtype=dtype), X, y, **fit)
    np.testing.assert_allclose(ours, outcome(oracle(), X, y, **fit), rtol=0, atol=error)


@pytest.mark.torch
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
@pytest.mark.parametrize("between", USED)
def test_training_is_pytorchs(between, activation, dtype):
    torch = pytest.importorskip("torch")
    X, y = draw_data("labels", 40, 5)
    make = partial(
        network, between=between, problem="labels", inputs=5, hidden=(12, 12, 12, 6),
        activation=activation,
    )  # fmt: skip
    fit = {"epochs": 10, "batch_size": 40, "shuffle": False, "optimizer": bm.Adam(0.003)}
    net = make(bm.MLP, dtype=dtype)
    arrays = [*net.weights, *net.biases]
    tensors = [torch.tensor(a.astype("float64"), requires_grad=True) for a in arrays]
    weights, biases = tensors[: len(net.weights)], tensors[len(net.weights) :]
    function = {"tanh": torch.tanh, "gelu": torch.nn.functional.gelu}[activation]
    optimizer = torch.optim.Adam(tensors, lr=0.003)
    rows, labels = torch.tensor(X), torch.tensor(y)
    losses = []
    for _ in range(10):
        x, sums = rows, None
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            a = function(x @ W + b)
            skips = net.residual and sums is not None and sums.shape == a.shape
            x = sums = a + sums if skips else a
            if net.norm is not None:
                width = len(b)
                norm = torch.nn.LayerNorm(width, elementwise_affine=False, dtype=torch.float64)
                x = norm(sums)
        loss = torch.nn.functional.cross_entropy(x @ weights[-1] + biases[-1], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    error = tolerance(partial(make, reference.MLP, dtype="float64"), X, y, dtype=dtype, **fit)
    history = net.fit(X, y, **fit)
    np.testing.assert_allclose(history["loss"], losses, rtol=0, atol=error)
    for ours, theirs in zip([*net.weights, *net.biases], tensors, strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=0, atol=error)


# ---- bits ----

ARCHITECTURES = {  # problem, inputs, hidden layers, rows and batch, as in test_determinism.py
    "two phases": ("labels", 64, (128, 128, 100), 400, 128),
    "two phases, wide": ("labels", 300, (500, 500), 160, 64),
    "two phases, deep": ("gaussian", 40, (60,) * 8, 300, 100),
    "chunks": ("binary", 16, (32, 32), 20000, 16384),
    "chunks, few": ("probabilities", 30, (33, 33, 17), 3000, 700),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("between", USED)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_bits_on_any_number_of_threads(architecture, between, dtype):
    problem, inputs, hidden, rows, batch = ARCHITECTURES[architecture]
    X, y = draw_data(problem, rows, inputs)
    results = []
    for threads in (1, 2, 5):
        with bm.threads(threads):
            net = network(
                bm.MLP, between, problem=problem, inputs=inputs, hidden=hidden, dtype=dtype
            )
            net.fit(X, y, epochs=2, batch_size=batch, dropout=0.1)
            gradient = net.gradients(X, y)[1]
            by_inputs = net.backward(X, np.ones((rows, net.sizes[-1])))[0]
            results.append((net.parameters, gradient, by_inputs, net.predict(X)))
    assert all(np.isfinite(array).all() for array in results[0])
    for other in results[1:]:
        assert all(map(np.array_equal, results[0], other))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("between", USED)
@pytest.mark.parametrize("width", [2, 3, 7, 16, 33, 64, 130, 1500])
def test_the_same_bits_alone_and_in_any_batch(width, between, dtype):
    X, _ = draw_data("mse", 150, 5)
    net = network(bm.MLP, between, inputs=5, hidden=(width,) * 3, dtype=dtype)
    whole = net.predict(X)
    assert np.array_equal(whole, [net.predict(x) for x in X])
    for rows in (1, 2, 5, 31, 64, 65, 129):
        assert np.array_equal(net.predict(X[7 : 7 + rows]), whole[7 : 7 + rows])
    assert np.array_equal(net.layer_outputs(X)[-1], net(X))


# ---- settings and files ----


def test_where_they_stand():
    net = bm.MLP([5, 5, 8, 8, 8, 3], seed=0, **BOTH)
    assert (net.norm, net.residual) == ("layer", True)
    assert repr(net).splitlines() == [
        "MLP([5, 5, 8, 8, 8, 3], loss='mse', dtype='float32', norm='layer', residual=True)",
        "  5 -> 5  relu, norm          30 parameters",
        "  5 -> 8  relu, norm          48",
        "  8 -> 8  relu + skip, norm   72",
        "  8 -> 8  relu + skip, norm   72",
        "  8 -> 3  identity            27",
        "  together                   249",
    ]
    texts = [layer.activation for layer in net.summary().layers]
    assert texts == ["relu, norm"] * 2 + ["relu + skip, norm"] * 2 + ["identity"]
    plain = bm.MLP([5, 5, 8, 3], seed=0)
    assert (plain.norm, plain.residual) == (None, False)
    assert "norm" not in repr(plain)
    assert "residual" not in repr(plain)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"norm": "layr"}, ValueError, "unknown norm 'layr'; did you mean 'layer'"),
        (
            {"norm": "batch"},
            ValueError,
            "unknown norm 'batch'; known: layer. Batch norm is .* fit.batch_norm=True",
        ),
        ({"norm": True}, TypeError, "norm must be a name, got True"),
        ({"norm": ["layer"]}, TypeError, "norm must be a name"),
        ({"residual": 1}, TypeError, "residual must be True or False, got 1"),
        ({"residual": "yes"}, TypeError, "residual must be True or False, got 'yes'"),
        ({"norm": "layer", "sizes": [3, 4, 1, 2]}, ValueError, r"sizes\[2\] is 1, .* at least 2"),
    ],
)
def test_invalid_settings(settings, error, message):
    with pytest.raises(error, match=message):
        bm.MLP(**{"sizes": [3, 4, 2]} | settings)


def test_the_reference_knows_its_norms():
    with pytest.raises(ValueError, match="unknown norm 'layr'; did you mean 'layer'"):
        reference.MLP([3, 4, 2], norm="layr")


@pytest.mark.parametrize("between", KINDS)
def test_copies_pickles_and_files(between):
    X, y = draw_data("mse", 20, 4)
    net = network(bm.MLP, between)
    net.fit(X, y, epochs=2)
    for twin in (net.copy(), pickle.loads(pickle.dumps(net)), loaded(saved(net))):
        assert (twin.norm, twin.residual) == (net.norm, net.residual)
        assert np.array_equal(twin.predict(X), net.predict(X))
    assert_same(loaded(saved(net)), net)
    with zipfile.ZipFile(io.BytesIO(saved(net))) as archive:
        state = json.loads(archive.read("network.json"))
    if between == "neither":  # as versions know it that have no norms
        assert state["format_version"] == 1
        assert state.keys().isdisjoint({"norm", "residual"})
    else:
        assert state["format_version"] == 2
        assert (state["norm"], state["residual"]) == (net.norm, net.residual)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"norm": "batch"}, "unknown norm 'batch'"),
        ({"norm": 3}, "norm must be a name"),
        ({"residual": 1}, "residual must be True or False"),
        ({"residual": None}, "residual must be True or False"),
        ({"sizes": [2, 1, 2]}, r"sizes\[1\] is 1, expected at least 2"),
        ({"format_version": 1}, "too few entries or too many: norm, residual"),
        ({"format_version": 3}, "in format 3; .* reads formats up to 2"),
    ],
)
def test_files_that_do_not_fit(changes, message):
    data = saved(bm.MLP([1, 2, 1], seed=0, **BOTH))
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(file, "w") as archive:
        for name in whole.namelist():
            text = whole.read(name)
            if name == "network.json":
                text = json.dumps(json.loads(text) | changes).encode()
            archive.writestr(name, text)
    with pytest.raises(ValueError, match=message):
        loaded(file.getvalue())


# ---- the rest of the house ----


@pytest.mark.parametrize("between", USED)
def test_layer_outputs_are_what_the_next_layer_gets(between):
    X, _ = draw_data("mse", ROWS, 4)
    net = network(bm.MLP, between, dtype="float64")
    xs, _ = network(reference.MLP, between, dtype="float64").forward(X)
    for output, x in zip(net.layer_outputs(X), xs[1:], strict=True):
        np.testing.assert_allclose(output, x, rtol=0, atol=1e-13)


@pytest.mark.parametrize("between", USED)
def test_gradient_sizes_by_differences(between):
    """By the first layer's sums they are those by its biases, row by row, for the identity."""
    X, _ = draw_data("mse", ROWS, 4)
    net = network(bm.MLP, between, dtype="float64", activation=["identity", *["tanh"] * 4])
    dY = np.random.default_rng(0).standard_normal((ROWS, 2))
    rows = [net.split(net.backward(x, d)[1])[1][0] for x, d in zip(X, dY, strict=True)]
    sizes = gradient_sizes(net._network, X)
    assert sizes[0] == pytest.approx(np.sqrt(np.mean(np.square(rows))), rel=1e-12)
    assert sizes[-1] == pytest.approx(np.sqrt(np.mean(dY**2)), rel=1e-12)


def problem_of_two_columns():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (400, 3)) * [1, 100, 1] + [0, 300, 0]
    return X, 50 * np.sin(X[:, 0]) + X[:, 1]


@pytest.mark.parametrize("hidden", [(16, 16), (3, 3)])  # (3, 3): as many as there are inputs
def test_standardized_training_folds_into_the_layers(hidden):
    X, y = problem_of_two_columns()
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    target = (y - y.mean()) / y.std()
    ours, twin = (
        bm.MLP([3, *hidden, 1], "tanh", dtype="float64", seed=0, **BOTH) for _ in range(2)
    )
    ours.fit(X, y, epochs=3, standardize=True)
    twin.fit(scaled, target, epochs=3)
    np.testing.assert_allclose(
        ours.predict(X), twin.predict(scaled) * y.std() + y.mean(), rtol=1e-9
    )


def test_everything_that_trains_a_copy_or_asks_about_one():
    X, y = problem_of_two_columns()
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = (y - y.mean()) / y.std()
    net = bm.MLP([3, 32, 32, 32, 1], "gelu", seed=0, **BOTH)
    found = net.find_lr(X, y)
    net.fit(X, y, epochs=20, optimizer=bm.Adam(min(found.suggestion, 1e-2)))
    assert net.evaluate(X, y).metric < 0.3
    importance = net.permutation_importance(X, y)
    assert importance.mean[2] < min(importance.mean[:2])
    assert net.explain(X, batch_size=64, measure=False).plan == "two-phase"
    assert net.check(X, y).learning_rate is not None
    assert net.input_gradients(X).shape == X.shape


def test_lbfgs():
    pytest.importorskip("scipy")
    X, _ = draw_data("mse", 60, 4)
    y = np.tanh(X[:, :2] + X[:, 2:])
    net = network(bm.MLP, "both", dtype="float64")
    before = net.evaluate(X, y).loss
    history = net.fit(X, y, epochs=30, optimizer=bm.LBFGS())
    assert net.evaluate(X, y).loss < 0.1 * before
    assert history["loss"][-1] == pytest.approx(net.evaluate(X, y).loss, rel=1e-12)


def test_plot():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    ax = bm.MLP([4, 8, 8, 2], seed=0, **BOTH).plot(Figure().subplots())
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["4\ninputs", "8\nrelu,\nnorm", "8\nrelu + skip,\nnorm", "2\noutputs\nidentity"]


# ---- what they are for ----


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("activation", "depth", "optimizer"),
    [
        ("sigmoid", 20, bm.Adam()),
        ("tanh", 50, bm.Adam()),
        ("relu", 50, bm.SGD(0.02, momentum=0.9)),
    ],
    ids=["sigmoid", "tanh", "relu"],
)
def test_a_deep_network_learns(activation, depth, optimizer, seed):
    """Five times as well as the plain one, at least, in as many steps."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (1000, 2))
    y = np.sin(2 * X[:, 0]) * np.cos(X[:, 1])
    unexplained = {}
    for between in ("neither", "both"):
        net = bm.MLP([2, *[32] * depth, 1], activation, seed=seed, **KINDS[between])
        net.fit(X, y, epochs=30, batch_size=50, optimizer=optimizer)
        unexplained[between] = net.evaluate(X, y).loss / y.var()
    assert unexplained["both"] < 0.15
    assert unexplained["neither"] > 5 * unexplained["both"]
