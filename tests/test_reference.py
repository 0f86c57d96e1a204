"""The NumPy reference as a whole: gradients, one step by hand, training.

Everything else is tested against the reference, so nothing here may be tested against the core.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from briskmlp import SGD
from briskmlp.reference import ACTIVATIONS, LOSSES, MLP, shuffled, softmax

EPS = np.finfo(np.float64).eps


def targets_of(loss, rows, rng):
    """Random targets and the number of outputs they need."""
    if loss == "cross_entropy":
        return rng.dirichlet(np.ones(3), rows), 3
    if loss == "focal":
        return rng.integers(3, size=rows), 3
    if loss == "binary_cross_entropy":
        return rng.uniform(size=(rows, 2)), 2
    if loss in ("poisson", "tweedie", "gamma"):
        return rng.poisson(2, size=(rows, 2)) + (1 if loss == "gamma" else 0), 2
    return rng.normal(size=(rows, 2)), {"gaussian_nll": 4, "quantile": 6}.get(loss, 2)


def central_differences(function, x):
    """The gradient of a scalar function by x, with an error of order eps^(2/3)."""
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        middle = x[i]
        h = EPS ** (1 / 3) * max(1, abs(middle))
        x[i] = middle + h
        above = function()
        x[i] = middle - h
        below = function()
        x[i] = middle
        gradient[i] = (above - below) / (2 * h)
    return gradient


# ---- gradients ----


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_by_central_differences(activation, loss):
    rng = np.random.default_rng(5)
    y, out = targets_of(loss, 7, rng)
    X, w = rng.normal(size=(7, 3)), rng.uniform(size=7)
    net = MLP([3, 5, 4, out], activation, loss=loss, dtype="float64", seed=1)
    net.parameters += 0.1 * rng.normal(size=net.num_parameters)  # biases too
    _, gradient = net.gradients(X, y, sample_weight=w)
    differences = central_differences(
        lambda: net.gradients(X, y, sample_weight=w)[0], net.parameters
    )
    # Truncation and rounding are of order eps^(2/3) = 4e-11 of third derivatives and of the loss.
    np.testing.assert_allclose(gradient, differences, atol=1e-8)
    assert np.abs(gradient).max() > 1e-3


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_gradient_is_the_rounded_float64_one(activation, loss):
    rng = np.random.default_rng(6)
    y, out = targets_of(loss, 7, rng)
    X = rng.normal(size=(7, 3)).astype("float32")
    narrow = MLP([3, 5, 4, out], activation, loss=loss, seed=1)
    wide = MLP([3, 5, 4, out], activation, loss=loss, dtype="float64", seed=1)
    wide.parameters[:] = narrow.parameters
    loss32, gradient32 = narrow.gradients(X, y)
    loss64, gradient64 = wide.gradients(X, y)
    # About 7 + 5 + 4 + 3 roundings follow each other, each relative to terms of the sums' size.
    scale = 20 * float(np.finfo(np.float32).eps)
    assert gradient32.dtype == np.float32
    assert loss32 == pytest.approx(loss64, rel=scale, abs=scale)
    np.testing.assert_allclose(gradient32, gradient64, atol=scale * np.abs(gradient64).max())


def test_backward_by_central_differences():
    rng = np.random.default_rng(7)
    X, dY = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    net = MLP([3, 6, 2], "tanh", dtype="float64")
    dX, gradient = net.backward(X, dY)

    def value():
        return np.sum(dY * net(X))

    np.testing.assert_allclose(dX, central_differences(value, X), atol=1e-8)
    np.testing.assert_allclose(gradient, central_differences(value, net.parameters), atol=1e-8)


def test_gradient_through_the_output_layers_activation():
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    net = MLP([3, 6, 2], ["tanh", "softplus"], dtype="float64")
    _, gradient = net.gradients(X, y)
    differences = central_differences(lambda: net.gradients(X, y)[0], net.parameters)
    np.testing.assert_allclose(gradient, differences, atol=1e-8)
    assert net(X).min() > 0


def test_gradients_are_backward_of_the_loss():
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    net = MLP([3, 6, 2], dtype="float64")
    _, gradient = net.gradients(X, y)
    by_hand = 2 * (net(X) - y) / y.size
    np.testing.assert_allclose(net.backward(X, by_hand)[1], gradient, rtol=1e-12)


# ---- one step by hand ----


def test_one_step_by_hand():
    net = MLP([2, 3, 1], "relu", dtype="float64")
    net.weights[0][:] = [[1, -1, -1], [2, 1, 0]]
    net.biases[0][:] = [0, 1, -1]
    net.weights[1][:] = [[1], [-1], [5]]
    # Forward: z = [3, 1, -2], h = [3, 1, 0], output 3 - 1 + 0 = 2; loss (2 - 1)^2 = 1.
    # Backward: d_output 2, d_h = [2, -2, 10], d_z = [2, -2, 0] as the third unit is off.
    history = net.fit([[1, 1]], [1], epochs=1, batch_size=1, optimizer=SGD(0.1))
    assert history["loss"].tolist() == [1]
    np.testing.assert_allclose(net.weights[0], [[0.8, -0.8, -1], [1.8, 1.2, 0]])
    np.testing.assert_allclose(net.biases[0], [-0.2, 1.2, -1])
    np.testing.assert_allclose(net.weights[1], [[0.4], [-1.2], [5]])
    np.testing.assert_allclose(net.biases[1], [-0.2])


# ---- the network ----


def test_parameters_are_one_vector_seen_through_views():
    net = MLP([3, 4, 2])
    assert net.num_parameters == net.parameters.size == 3 * 4 + 4 + 4 * 2 + 2
    assert [W.shape for W in net.weights] == [(3, 4), (4, 2)]
    assert [b.shape for b in net.biases] == [(4,), (2,)]
    net.parameters[:] = np.arange(net.num_parameters)
    assert net.weights[0].ravel().tolist() == list(range(12))
    assert net.biases[0].tolist() == [12, 13, 14, 15]
    net.biases[1][:] = -1
    assert net.parameters[-2:].tolist() == [-1, -1]


def test_a_row_alone_and_out():
    net = MLP([3, 4, 2], loss="cross_entropy", dtype="float64")
    X = np.random.default_rng(0).normal(size=(5, 3))
    assert net(X[2]).shape == net.predict(X[2]).shape == (2,)
    np.testing.assert_allclose(net.predict(X[2]), net.predict(X)[2])
    out = np.empty((5, 2))
    assert net.predict(X, out=out) is out
    assert np.array_equal(out, softmax(net(X)))


def test_activations_by_layer():
    net = MLP([3, 4, 5, 2], ["relu", "tanh"], dtype="float64")
    X = np.random.default_rng(0).normal(size=(6, 3))
    (W1, W2, W3), (b1, b2, b3) = net.weights, net.biases
    expected = np.tanh(np.maximum(X @ W1 + b1, 0) @ W2 + b2) @ W3 + b3
    np.testing.assert_allclose(net(X), expected)
    assert repr(net) == "reference.MLP(3 -> 4 relu 5 tanh 2 identity, 53 parameters)"


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(ValueError, match="unknown activation 'rleu'; did you mean 'relu'"):
        MLP([1, 1, 1], "rleu")
    with pytest.raises(ValueError, match="unknown loss 'crossentropy'; did you mean"):
        MLP([1, 1], loss="crossentropy")
    with pytest.raises(ValueError, match="unknown initializer 'he'"):
        MLP([1, 1], init="he")
    with pytest.raises(ValueError, match="unknown norm 'layr'; did you mean 'layer'"):
        MLP([1, 1], norm="layr")


# ---- training ----


def regression(rows=50):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(rows, 3))
    return X, X @ [[1.0], [-2.0], [0.5]] + 0.3


def test_fit_finds_the_affine_map():
    X, y = regression()
    net = MLP([3, 1], dtype="float64")
    history = net.fit(X, y, epochs=200, batch_size=10, optimizer=SGD(0.1), eval_set=(X, y))
    np.testing.assert_allclose(net.weights[0].ravel(), [1, -2, 0.5], atol=1e-10)
    np.testing.assert_allclose(net.biases[0], 0.3, atol=1e-10)
    assert history[-1]["eval_metric"] < 1e-10
    assert history[-1]["eval_loss"] == pytest.approx(history[-1]["eval_metric"] ** 2)


def test_epochs_go_on_where_the_last_fit_ended():
    X, y = regression()
    whole, parts = MLP([3, 4, 1], seed=5), MLP([3, 4, 1], seed=5)
    whole.fit(X, y, epochs=3, batch_size=8, optimizer=SGD(0.01))
    for epochs in (1, 2):
        parts.fit(X, y, epochs=epochs, batch_size=8, optimizer=SGD(0.01))
    assert np.array_equal(whole.parameters, parts.parameters)


def test_batches_are_slices_of_each_epochs_order():
    X, y = regression(10)
    net, by_hand = MLP([3, 1], dtype="float64"), MLP([3, 1], dtype="float64")
    history = net.fit(X, y, epochs=2, batch_size=4, optimizer=SGD(0.1))
    for epoch in range(2):
        order = shuffled(10, seed=0, epoch=epoch)
        losses = []
        for rows in (order[:4], order[4:8], order[8:]):
            loss, gradient = by_hand.gradients(X[rows], y[rows])
            by_hand.parameters -= 0.1 * gradient
            losses.append(loss)
        assert history["loss"][epoch] == pytest.approx(np.average(losses, weights=[4, 4, 2]))
    np.testing.assert_allclose(net.parameters, by_hand.parameters, rtol=20 * EPS)


def test_without_shuffle_rows_come_as_they_are():
    X, y = regression(10)
    net, by_hand = MLP([3, 1], dtype="float64"), MLP([3, 1], dtype="float64")
    net.fit(X, y, epochs=1, batch_size=5, optimizer=SGD(0.1), shuffle=False)
    for rows in (slice(0, 5), slice(5, 10)):
        by_hand.parameters -= 0.1 * by_hand.gradients(X[rows], y[rows])[1]
    np.testing.assert_allclose(net.parameters, by_hand.parameters, rtol=10 * EPS)


@pytest.mark.parametrize("loss", LOSSES)
def test_integer_weights_count_like_repeated_rows(loss):
    rng = np.random.default_rng(4)
    y, out = targets_of(loss, 6, rng)
    X, w = rng.normal(size=(6, 3)), np.array([0, 1, 2, 0, 3, 1])
    net = MLP([3, 4, out], loss=loss, dtype="float64")
    weighted = net.gradients(X, y, sample_weight=w)
    repeated = net.gradients(np.repeat(X, w, axis=0), np.repeat(y, w, axis=0))
    assert weighted[0] == pytest.approx(repeated[0])
    np.testing.assert_allclose(weighted[1], repeated[1], atol=100 * EPS)


def test_evaluation_counts_weights():
    X, y = regression(4)
    net = MLP([3, 1], dtype="float64")
    w = np.array([0, 1, 3, 0])
    loss, rmse = net.evaluate(X, y, sample_weight=w)
    assert loss == pytest.approx(np.average((net(X) - y)[:, 0] ** 2, weights=w))
    assert rmse == pytest.approx(math.sqrt(loss))
    history = net.fit(X, y, epochs=1, eval_set=(X, y, w))
    assert (history[0]["eval_loss"], history[0]["eval_metric"]) == net.evaluate(
        X, y, sample_weight=w
    )


def test_weights_of_zero_teach_nothing():
    X, y = regression(4)
    loss, gradient = MLP([3, 1]).gradients(X, y, sample_weight=np.zeros(4))
    assert loss == 0
    assert not gradient.any()


def test_a_diverging_loss_is_an_error():
    X, y = regression()
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(FloatingPointError, match=r"the loss became (inf|nan) in epoch \d+, step \d"),
    ):
        MLP([3, 1]).fit(X, y, epochs=100, batch_size=10, optimizer=SGD(1000))
