"""Looking inside: gradients by inputs, outputs of layers, costs, importances, and the check-up."""

from __future__ import annotations

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import _briskmlp_core as core
from briskmlp import reference
from briskmlp._layerwise import gradient_sizes
from cases import DTYPES, PROBLEMS, draw_data, epsilon, make_network, roundings

STEP = epsilon("float64") ** (1 / 3)


# --- Gradients by the inputs -------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "gelu", "softplus"])
def test_input_gradients_by_differences(activation: str) -> None:
    X, _ = draw_data("mse", 6, 4)
    net = make_network(bm.MLP, "labels", 4, (7, 5), activation=activation, dtype="float64")
    for output in range(3):
        gradient = net.input_gradients(X, output)
        for column in range(4):
            step = STEP * np.eye(4)[column]
            slope = (net(X + step)[:, output] - net(X - step)[:, output]) / (2 * STEP)
            # Truncation and rounding, as in test_gradients.py.
            np.testing.assert_allclose(gradient[:, column], slope, rtol=0, atol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
def test_input_gradients_of_one_output_a_row(dtype: str) -> None:
    X, y = draw_data("labels", 9, 4)
    net = make_network(bm.MLP, "labels", 4, (7,), dtype=dtype)
    together = net.input_gradients(X, y)
    assert together.dtype == dtype
    for row, output in enumerate(y):
        np.testing.assert_array_equal(together[row], net.input_gradients(X[row], output))
    assert net.input_gradients(np.empty((0, 4)), 1).shape == (0, 4)


def test_input_gradients_of_a_single_output() -> None:
    net = bm.MLP([2, 3, 1], seed=0)
    np.testing.assert_array_equal(net.input_gradients([1, 2]), net.input_gradients([1, 2], 0))


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        (None, ValueError, "the network has 3 outputs; say which"),
        (3, ValueError, "output must be from 0 to 2, got 3"),
        (-1, ValueError, "output must be from 0 to 2, got -1"),
        (True, TypeError, "a whole number, or one for each row, got True"),
        (1.0, TypeError, "whole number"),
        ([0, 1], ValueError, r"output has shape \(2,\), expected \(\) or \(5,\)"),
    ],
)
def test_input_gradients_of_no_output(output, error, message: str) -> None:
    net = bm.MLP([2, 3], seed=0)
    with pytest.raises(error, match=message):
        net.input_gradients(np.ones((5, 2)), output)


# --- Outputs of the layers ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_layer_outputs_end_in_the_networks_own_bits(problem: str, dtype: str) -> None:
    X, _ = draw_data(problem, 70, 5)
    net = make_network(bm.MLP, problem, 5, (33, 6, 1), activation="gelu", dtype=dtype)
    outputs = net.layer_outputs(X)
    assert [output.shape for output in outputs[:-1]] == [(70, 33), (70, 6), (70, 1)]
    np.testing.assert_array_equal(outputs[-1], net(X))
    alone = net.layer_outputs(X[3])
    assert [output.shape for output in alone] == [(33,), (6,), (1,), outputs[-1].shape[1:]]
    for one, many in zip(alone, outputs, strict=True):
        np.testing.assert_array_equal(one, many[3])


@pytest.mark.parametrize("activation", core.activation_names())
def test_layer_outputs_by_hand(activation: str) -> None:
    X, _ = draw_data("mse", 11, 4)
    net = make_network(bm.MLP, "mse", 4, (7, 5), activation=activation, dtype="float64")
    h = X
    f = reference.ACTIVATIONS[activation].function
    for layer, output in enumerate(net.layer_outputs(X)[:-1]):
        h = f(h @ net.weights[layer] + net.biases[layer])
        # Sums of at most 8 terms of order 1, twice, and some ten roundings of the activation.
        np.testing.assert_allclose(output, h, rtol=0, atol=100 * epsilon("float64"))


def test_layer_outputs_leave_the_network_alone() -> None:
    net = bm.MLP([2, 3, 1], seed=0)
    net.layer_outputs([[1, 2]])[0][:] = 7
    np.testing.assert_array_equal(net.parameters, bm.MLP([2, 3, 1], seed=0).parameters)


# --- Summary -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[3, 1], [784, 256, 128, 10], [1, 64, 64, 1]])
@pytest.mark.parametrize("dtype", DTYPES)
def test_summary_by_the_core(sizes: list[int], dtype: str) -> None:
    net = bm.MLP(sizes, dtype=dtype, seed=0)
    summary = net.summary(batch_size=32)
    assert summary.parameters == net.num_parameters
    assert summary.parameter_bytes == net.parameters.nbytes
    assert summary.train_flops * 32 == core.plan(net._network, 32, 1).flops
    outputs = net.layer_outputs(np.zeros((32, sizes[0])))
    inputs = np.zeros((32, sizes[0]), dtype)
    assert summary.batch_bytes == inputs.nbytes + sum(output.nbytes for output in outputs)
    assert [layer.activation for layer in summary.layers] == list(net.activations)
    widths = {len(line) for line in str(summary).splitlines()[1:-3]}
    assert len(widths) == 1


# --- Permutation importance --------------------------------------------------------------------


def test_importance_of_a_linear_map() -> None:
    """Permuting column j of y = X w makes the mean square w_j^2 (x_ij - x_pi(i)j)^2, which over all
    orders is 2 w_j^2 var(x_j) on average."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 3)) * [1, 2, 1]
    net = bm.MLP([3, 1], init="zeros", dtype="float64")
    net.weights[0] = w = np.array([[3.0], [0.5], [0.0]])
    importance = net.permutation_importance(X, X @ w, repeats=20, seed=1)
    expected = 2 * w[:, 0] ** 2 * X.var(axis=0)
    # The mean product of 4000 permuted pairs has a spread of var / sqrt(4000), of 20 less.
    np.testing.assert_allclose(importance.mean, expected, rtol=5 / np.sqrt(4000 * 20), atol=1e-12)
    assert importance.loss < 1e-20
    assert importance.increases.shape == (3, 20)
    np.testing.assert_array_equal(importance.mean, importance.increases.mean(axis=1))
    np.testing.assert_array_equal(importance.std, importance.increases.std(axis=1))


def test_importance_by_scikit_learn() -> None:
    inspection = pytest.importorskip("sklearn.inspection")
    X, y = draw_data("mse", 300, 4)
    X[:, 3] = X[:, 0]
    net = make_network(bm.MLP, "mse", 4, (8,))
    ours = net.permutation_importance(X, y, repeats=40)
    theirs = inspection.permutation_importance(
        _Estimator(), X, y, scoring=lambda _, X, y: -net.evaluate(X, y).loss, n_repeats=40
    )
    error = 5 * (ours.std + theirs.importances_std) / np.sqrt(40)
    np.testing.assert_array_less(np.abs(ours.mean - theirs.importances_mean), error)


class _Estimator:
    def fit(self, *_):
        return self


def test_importance_is_repeatable_and_changes_nothing() -> None:
    X, y = draw_data("labels", 50, 4)
    before = X.copy()
    net = make_network(bm.MLP, "labels", 4, (8,))
    first = net.permutation_importance(X, y, seed=3)
    np.testing.assert_array_equal(first.increases, net.permutation_importance(X, y, seed=3)[2])
    assert (first.increases != net.permutation_importance(X, y, seed=4).increases).any()
    np.testing.assert_array_equal(X, before)
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        net.permutation_importance(X, y, repeats=0)
    with pytest.raises(ValueError, match="y has 49 rows, expected 50"):
        net.permutation_importance(X, y[1:])


# --- The check-up ------------------------------------------------------------------------------


def healthy(rows: int = 400, columns: int = 4) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(rows, columns))
    return X, np.sin(X[:, 0]) + X[:, 1]


def kinds(net: bm.MLP, X, y) -> list[str]:
    return [finding.kind for finding in net.check(X, y).findings]


def test_nothing_is_found_where_nothing_is_amiss() -> None:
    X, y = healthy()
    net = bm.MLP([4, 32, 32, 1], seed=0)
    checkup = net.check(X, y)
    assert not checkup
    assert str(checkup).startswith(
        "no findings\nlearning rate\n  of rates from 0.0001 to 0.1 try Adam"
    )
    assert checkup.learning_rate in (3e-3, 1e-2, 3e-2)
    net.fit(X, y, epochs=30, eval_set=(X, y), optimizer=bm.Adam(checkup.learning_rate))
    assert not net.check(X, y)
    labels = (y > 0).astype(int)
    assert not bm.MLP([4, 32, 2], "tanh", loss="cross_entropy", seed=0).check(X, labels)
    assert not bm.MLP([4, 32, 1], loss="binary_cross_entropy", seed=0).check(X, labels)
    assert not bm.MLP([4, 32, 2], loss="gaussian_nll", seed=0).check(X, y)


def test_check_leaves_the_network_alone() -> None:
    X, y = healthy()
    net = bm.MLP([4, 8, 1], seed=0)
    net.check(X, y)
    np.testing.assert_array_equal(net.parameters, bm.MLP([4, 8, 1], seed=0).parameters)
    assert (net.epochs_trained, net.history) == (0, None)


def test_scale_and_constant_columns() -> None:
    X, y = healthy()
    X[:, 2] = 7
    X[:, 3] = 1000 + X[:, 3]
    findings = bm.MLP([4, 8, 1], "leaky_relu", seed=0).check(X, 300 * y).findings
    assert [finding.kind for finding in findings] == [
        "constant columns",
        "scale of X",
        "scale of y",
    ]
    assert findings[0].what == "Column 2 of X: the same in every row."
    assert findings[1].what.startswith("Column 3 of X: ")
    assert "the mean is 1e+03 and the standard deviation" in findings[1].what
    assert kinds(bm.MLP([4, 8, 1], seed=0), healthy()[0] / 1000, y) == ["scale of X"]


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_scale_of_positive_targets(loss: str) -> None:
    X, y = healthy()
    net = bm.MLP([4, 8, 1], "leaky_relu", loss=loss, seed=0)
    assert kinds(net, X, np.full(len(X), 5)) == []  # far from 0 for their deviation, as they may
    (finding,) = net.check(X, 300 * np.exp(y)).findings
    assert finding.kind == "scale of y"
    assert "standardize=True" in finding.advice


@pytest.mark.parametrize(
    ("loss", "outputs", "activations", "advice"),
    [
        ("mae", 1, "tanh", "Train with fit(..., standardize=True), which scales them."),
        ("log_cosh", 1, "tanh", "Scale them: (y - y.mean(axis=0)) / y.std(axis=0), "),
        ("quantile", 3, "tanh", "Scale them: (y - y.mean(axis=0)) / y.std(axis=0), "),
        ("mse", 1, ["tanh", "softplus"], "Scale them: (y - y.mean(axis=0)) / y.std(axis=0), "),
        ("gamma", 1, ["tanh", "tanh"], "Scale them: y / y.mean(axis=0), "),
    ],
)
def test_advice_on_targets_is_what_can_be_done(loss, outputs, activations, advice: str) -> None:
    X, y = healthy()
    net = bm.MLP([4, 8, outputs], activations, loss=loss, seed=0)
    found = {finding.kind: finding.advice for finding in net.check(X, 300 * np.exp(y)).findings}
    assert found["scale of y"].startswith(advice)


def test_class_imbalance() -> None:
    X, _ = healthy(200)
    labels = (np.arange(200) % 20 == 0).astype(int)
    net = bm.MLP([4, 8, 2], loss="cross_entropy", seed=0)
    (finding,) = net.check(X, labels).findings
    assert finding.what == "Of the classes, class 1 has 10 rows, class 0 190."
    assert "class_weight='balanced'" in finding.advice
    assert kinds(net, X, np.eye(2)[labels]) == ["class imbalance"]
    focal = bm.MLP([4, 8, 2], loss="focal", seed=0)
    smoothed = bm.MLP([4, 8, 2], loss=bm.CrossEntropy(0.1), seed=0)
    assert kinds(focal, X, labels) == kinds(smoothed, X, labels) == ["class imbalance"]
    (finding,) = bm.MLP([4, 8, 2], loss="binary_cross_entropy", seed=0).check(
        X, np.stack([np.arange(200) % 2, labels], axis=1)
    ).findings  # fmt: skip
    assert finding.what.startswith("Of output 1, class 1 has 10")
    (finding,) = bm.MLP([4, 8, 3], loss="cross_entropy", seed=0).check(X, labels).findings
    assert "never learnt" in finding.advice


def test_dead_units() -> None:
    X, y = healthy()
    net = bm.MLP([4, 8, 8, 1], seed=0)
    net.biases[1][:3] = -100
    (finding,) = net.check(X, y).findings
    assert finding.kind == "dead units"
    assert finding.what.startswith("Layer 2 (relu): 3 of 8 units")


@pytest.mark.parametrize(
    ("activation", "low", "high"), [("tanh", -0.99, 0.99), ("sigmoid", 0.01, 0.99)]
)
def test_saturation(activation: str, low: float, high: float) -> None:
    X, y = healthy()
    net = bm.MLP([4, 8, 1], activation, seed=0)
    net.weights[0] *= 30
    (finding,) = net.check(X, y).findings
    assert finding.kind == "saturation"
    output = net.layer_outputs(X)[0]
    share = np.mean((output < low) | (output > high))
    assert finding.what.startswith(f"Layer 1 ({activation}): {share:.0%} of the outputs")


def test_vanishing_and_exploding_gradients() -> None:
    X, y = healthy()
    deep = bm.MLP([4, *[8] * 20, 1], "sigmoid", seed=0)
    assert "vanishing gradient" in kinds(deep, X, y)
    deep = bm.MLP([4, *[32] * 8, 1], "leaky_relu", seed=0)
    assert kinds(deep, X, y) == []
    deep.parameters *= 4
    assert "exploding gradient" in kinds(deep, X, y)


def test_gradient_sizes_by_hand() -> None:
    X, _ = draw_data("mse", 20, 4)
    net = make_network(bm.MLP, "mse", 4, (7, 5), activation="tanh", dtype="float64")
    outputs = net.layer_outputs(X)
    gradient = np.random.default_rng(0).standard_normal((20, 2))
    expected = [gradient]
    for layer in (2, 1):
        slope = 1 - outputs[layer] ** 2 if layer < 2 else 1.0
        expected.append((expected[-1] * slope) @ net.weights[layer].T)
    sizes = [np.sqrt(np.mean(g**2)) for g in reversed(expected)]
    error = roundings(net, 20) * epsilon("float64")
    np.testing.assert_allclose(gradient_sizes(net._network, X), sizes, rtol=error)


def test_what_the_history_tells() -> None:
    X, y = healthy()
    net = bm.MLP([4, 8, 1], seed=0)

    def history(losses, held_out=None) -> bm.History:
        history = bm.History("rmse")
        for epoch, loss in enumerate(losses):
            more = {} if held_out is None else {"eval_loss": held_out[epoch]}
            history.append({"loss": loss} | more)
        return history

    net.history = history([3, 1, 2])
    (finding,) = net.check(X, y).findings
    assert finding.kind == "rising loss"
    assert "lowest in epoch 2, 1, and 2 at the end" in finding.what
    net.history = history([3, 2, 1], [3, 2, 4])
    assert kinds(net, X, y) == ["overfitting"]
    net.history = history([3, 2, 1], [3, 2, 2.1])
    assert kinds(net, X, y) == []


def test_parameters_that_are_not_finite() -> None:
    X, y = healthy()
    net = bm.MLP([4, 8, 1], seed=0)
    net.parameters[:2] = np.nan, np.inf
    checkup = net.check(X, y)
    assert checkup.findings[0].what == "2 of 49 parameters are NaN or infinite."
    assert checkup.learning_rate is None


def test_rates_are_those_of_a_fit() -> None:
    X, y = healthy()
    net = bm.MLP([4, 8, 1], seed=0)
    checkup = net.check(X, y)
    twin = net.copy()
    twin.fit(X, y, epochs=1, batch_size=64, optimizer=bm.Adam(1e-2))
    assert checkup.losses[1e-2] == twin.evaluate(X, y).loss
    assert checkup.loss == net.evaluate(X, y).loss
    gains = {rate: checkup.loss - loss for rate, loss in checkup.losses.items()}
    enough = [rate for rate, gain in gains.items() if gain >= 0.8 * max(gains.values())]
    assert checkup.learning_rate == min(enough)


def test_no_rate_lowers_a_loss_of_nothing() -> None:
    X, _ = healthy()
    checkup = bm.MLP([4, 1], init="zeros", seed=0).check(X, np.zeros(len(X)))
    assert checkup.loss == 0
    assert checkup.learning_rate is None
    assert str(checkup).endswith("learning rate\n  no rate from 0.0001 to 0.1 lowers the loss")


def test_few_and_odd_rows() -> None:
    net = bm.MLP([4, 8, 1], seed=0)
    net.check(np.ones((1, 4)), [1.0])
    net.check(np.ones((3, 4), dtype=bool), [1, 2, 3], sample_weight=[0, 0, 1])
    huge = bm.MLP([4, 8, 1], dtype="float64", seed=0).check(1e160 * healthy()[0], healthy()[1])
    assert "scale of X" in [finding.kind for finding in huge.findings]
    with pytest.raises(ValueError, match="X has 3 columns"):
        net.check(np.ones((3, 3)), [1, 2, 3])
