"""Gradients of every loss through every activation, by differences and by the reference."""

from __future__ import annotations

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import _briskmlp_core as core
from briskmlp import reference
from cases import (
    DTYPES,
    PROBLEMS,
    draw_data,
    draw_weights,
    dyadic,
    epsilon,
    make_network,
    roundings,
)

ROWS, INPUTS = 13, 4
HIDDEN = {1: (), 2: (7,), 3: (7, 5), 4: (7, 5, 6)}  # by depth
STEP = epsilon("float64") ** (1 / 3)
# Truncation, STEP^2 f''' / 6, and rounding, some eps f / STEP, are both of order eps^(2/3) = 4e-11
# for functions of order 1, of which there are some tens in a row.
DIFFERENCE_ERROR = 1e-8


def central_differences(function, x):
    """The gradient of a scalar function by x, which `function` reads and this moves in place."""
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        middle = x[i]
        x[i] = middle + STEP
        above = function()
        x[i] = middle - STEP
        below = function()
        x[i] = middle
        gradient[i] = (above - below) / (2 * STEP)
    return gradient


def reference_gradients(problem, X, y, weights, *, hidden, activation, dtype):
    """The reference's loss and gradient in float64, and the error that `dtype` may have.

    A sum is wrong by at most its roundings times the sum of its terms' sizes, and the terms here
    are the gradients of single rows.
    """
    net = make_network(
        reference.MLP, problem, X.shape[1], hidden, activation=activation, dtype="float64"
    )
    w = np.ones(len(X)) if weights is None else weights
    rows = [net.gradients(X[[i]], y[[i]]) for i in range(len(X))]
    sizes = np.average([[abs(loss), *np.abs(gradient)] for loss, gradient in rows], 0, weights=w)
    error = roundings(net, len(X)) * epsilon(dtype) * max(1, sizes.max())
    return *net.gradients(X, y, sample_weight=weights), error


def assert_far_from_kinks(net, X):
    """No z is as near to 0 as a difference could move it: by STEP times some inputs and weights."""
    oracle = reference.MLP(net.sizes, net.activations[:-1], dtype="float64")
    oracle.parameters[:] = net.parameters
    _, zs = oracle.forward(X)
    assert all(np.abs(z).min() > 1e-4 for z in zs)


def test_the_reference_has_every_kind():
    assert core.activation_names() == list(reference.ACTIVATIONS)
    assert core.initializer_names() == list(reference.INITIALIZERS)
    assert set(core.loss_names()) == set(reference.LOSSES)
    assert {problem.name for problem in PROBLEMS.values()} == set(reference.LOSSES)


# ---- every loss through every activation ----


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_gradient_by_differences(activation, problem, weighted):
    X, y = draw_data(problem, ROWS, INPUTS)
    w = draw_weights(ROWS) if weighted else None
    net = make_network(bm.MLP, problem, INPUTS, HIDDEN[3], activation=activation, dtype="float64")
    assert_far_from_kinks(net, X)
    _, gradient = net.gradients(X, y, sample_weight=w)
    by_differences = central_differences(
        lambda: net.gradients(X, y, sample_weight=w)[0], net.parameters
    )
    np.testing.assert_allclose(gradient, by_differences, rtol=0, atol=DIFFERENCE_ERROR)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_gradient_is_the_references(activation, problem, weighted, dtype):
    X, y = draw_data(problem, ROWS, INPUTS)
    w = draw_weights(ROWS) if weighted else None
    arguments = {"hidden": HIDDEN[3], "activation": activation, "dtype": dtype}
    loss, gradient, error = reference_gradients(problem, X, y, w, **arguments)
    net = make_network(bm.MLP, problem, INPUTS, **arguments)
    ours = net.gradients(X, y, sample_weight=w)
    assert ours[0] == pytest.approx(loss, rel=0, abs=error)
    assert ours[1].dtype == dtype
    np.testing.assert_allclose(ours[1], gradient, rtol=0, atol=error)
    assert net.evaluate(X, y, sample_weight=w).loss == pytest.approx(loss, rel=0, abs=error)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [bm.MLP, reference.MLP], ids=["briskmlp", "reference"])
def test_gradient_far_out(kind, dtype):
    """Outputs of 1000, whose exp overflows, right and wrong."""
    X, y = np.array([[1000.0], [-1000.0]]), np.array([0.0, 1.0])
    net = kind([1, 1], loss="binary_cross_entropy", dtype=dtype, init="zeros")
    net.weights[0][:] = 1
    loss, gradient = net.gradients(X, y)
    assert (loss, gradient.tolist()) == (1000, [1000, 0])
    loss, gradient = net.gradients(X, 1 - y)
    assert (loss, gradient.tolist()) == (0, [0, 0])


# ---- depth ----


@pytest.mark.parametrize("depth", HIDDEN)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_depth_by_differences(problem, depth):
    X, y = draw_data(problem, ROWS, INPUTS)
    activation = ["tanh", "mish", "sigmoid"][: depth - 1]
    net = make_network(
        bm.MLP, problem, INPUTS, HIDDEN[depth], activation=activation, dtype="float64"
    )
    _, gradient = net.gradients(X, y)
    by_differences = central_differences(lambda: net.gradients(X, y)[0], net.parameters)
    np.testing.assert_allclose(gradient, by_differences, rtol=0, atol=DIFFERENCE_ERROR)


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_activation_of_the_output_layer(activation):
    X, y = draw_data("mse", ROWS, INPUTS)
    names = ["tanh", activation]
    net = make_network(bm.MLP, "mse", INPUTS, (5,), activation=names, dtype="float64")
    assert_far_from_kinks(net, X)
    _, gradient = net.gradients(X, y)
    by_differences = central_differences(lambda: net.gradients(X, y)[0], net.parameters)
    np.testing.assert_allclose(gradient, by_differences, rtol=0, atol=DIFFERENCE_ERROR)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", [(), (130,), (33, 70), (1, 1), (17, 3, 65)])
@pytest.mark.parametrize("rows", [1, 2, 31, 300])
def test_other_sizes_are_the_references(rows, hidden, dtype):
    X, y = draw_data("labels", rows, 19)
    arguments = {"hidden": hidden, "activation": "silu", "dtype": dtype}
    loss, gradient, error = reference_gradients("labels", X, y, None, **arguments)
    ours = make_network(bm.MLP, "labels", 19, **arguments).gradients(X, y)
    assert ours[0] == pytest.approx(loss, rel=0, abs=error)
    np.testing.assert_allclose(ours[1], gradient, rtol=0, atol=error)


# ---- targets and weights ----


@pytest.mark.parametrize("dtype", DTYPES)
def test_labels_are_rows_with_a_single_one(dtype):
    X, y = draw_data("labels", ROWS, INPUTS)
    net = make_network(bm.MLP, "labels", INPUTS, HIDDEN[2], dtype=dtype)
    one_hot = np.eye(3)[y]
    loss, gradient = net.gradients(X, y)
    again = net.gradients(X, one_hot)
    error = 10 * epsilon(dtype)  # the losses are of order 1 and differ in their last sums
    assert again[0] == pytest.approx(loss, rel=0, abs=error)
    np.testing.assert_allclose(again[1], gradient, rtol=0, atol=error)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_whole_weights_count_like_repeated_rows(problem):
    X, y = draw_data(problem, 6, INPUTS)
    w = np.array([0, 1, 2, 0, 3, 1])
    net = make_network(bm.MLP, problem, INPUTS, HIDDEN[2], dtype="float64")
    loss, gradient = net.gradients(X, y, sample_weight=w)
    repeated = net.gradients(np.repeat(X, w, axis=0), np.repeat(y, w, axis=0))
    error = roundings(net, 7) * epsilon("float64")
    assert repeated[0] == pytest.approx(loss, rel=0, abs=error)
    np.testing.assert_allclose(repeated[1], gradient, rtol=0, atol=error)


# ---- the vector-Jacobian product ----


@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize("depth", [1, 3])
def test_backward_by_differences(depth, activation):
    X, _ = draw_data("mse", ROWS, INPUTS)
    dY = dyadic(np.random.default_rng(2).normal(size=(ROWS, 2)))
    net = make_network(bm.MLP, "mse", INPUTS, HIDDEN[depth], activation=activation, dtype="float64")
    assert_far_from_kinks(net, X)
    dX, gradient = net.backward(X, dY)
    np.testing.assert_allclose(
        dX, central_differences(lambda: np.sum(net(X) * dY), X), rtol=0, atol=DIFFERENCE_ERROR
    )
    by_differences = central_differences(lambda: np.sum(net(X) * dY), net.parameters)
    error = ROWS * DIFFERENCE_ERROR  # of a sum over the rows, not their mean
    np.testing.assert_allclose(gradient, by_differences, rtol=0, atol=error)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", [1, 13, 300, 2300])
def test_backward_of_a_loss_by_hand(rows, dtype):
    X, y = draw_data("mse", rows, 19)
    arguments = {"hidden": (33, 6), "activation": "gelu", "dtype": dtype}
    _, gradient, error = reference_gradients("mse", X, y, None, **arguments)
    net = make_network(bm.MLP, "mse", 19, **arguments)
    dX, ours = net.backward(X, 2 * (net(X) - y.astype(dtype)) / y.size)
    np.testing.assert_allclose(ours, gradient, rtol=0, atol=error)
    oracle = make_network(reference.MLP, "mse", 19, **{**arguments, "dtype": "float64"})
    d_x, _ = oracle.backward(X, 2 * (oracle(X) - y) / y.size)
    assert dX.dtype == dtype
    np.testing.assert_allclose(dX, d_x, rtol=0, atol=error)


def test_backward_of_one_row():
    X, _ = draw_data("mse", 1, INPUTS)
    net = make_network(bm.MLP, "mse", INPUTS, HIDDEN[2])
    dX, gradient = net.backward(X, [[1, -2]])
    dx, same = net.backward(X[0], [1, -2])
    assert dx.shape == (INPUTS,)
    assert np.array_equal(dx, dX[0])
    assert np.array_equal(same, gradient)
