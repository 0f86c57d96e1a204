"""Losses as settings, against scikit-learn and PyTorch, far out, and with weights of classes.

Their gradients are in test_gradients.py, their trajectories in test_trajectories.py.
"""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import briskmlp as bm
import numpy as np
import pytest
from briskmlp._loss_settings import KINDS
from briskmlp._losses import DEFAULTS, from_plain, named_numbers, plain
from briskmlp.reference import MLP, loss_from
from cases import DTYPES, epsilon

SETTINGS = [
    (bm.Huber(2), "Huber(delta=2.0)"),
    (bm.Quantile([0.25, 0.75]), "Quantile(levels=(0.25, 0.75))"),
    (bm.CrossEntropy(0.1), "CrossEntropy(label_smoothing=0.1)"),
    (bm.Focal(0), "Focal(gamma=0.0)"),
    (bm.Tweedie(1.9), "Tweedie(power=1.9)"),
]


def linear(loss: bm.Loss, z: np.ndarray, dtype: str = "float64", kind: Any = bm.MLP) -> Any:
    """A network whose raw outputs for rows of np.eye are the rows of z."""
    net = kind(list(z.shape), loss=loss, dtype=dtype, init="zeros")
    net.weights[0][:] = z
    return net


# ---- settings ----


def test_a_name_stands_for_the_defaults() -> None:
    assert {name: named_numbers(kind()) for name, kind in KINDS.items()} == {
        name: (name, numbers) for name, numbers in DEFAULTS.items()
    }
    numbers = named_numbers("quantile")[1]
    numbers.clear()  # a list of its own
    assert len(named_numbers("quantile")[1]) == 3


@pytest.mark.parametrize(("loss", "text"), SETTINGS)
def test_a_network_keeps_its_settings(loss: bm.Loss, text: str) -> None:
    net = bm.MLP([3, 6], loss=loss, seed=0)
    assert net.loss == loss
    assert f"loss={text}, dtype" in repr(net)
    for twin in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert twin.loss == loss
    assert from_plain(json.loads(json.dumps(plain(loss)))) == loss


@pytest.mark.parametrize("name", KINDS)
def test_default_settings_are_the_name(name: str) -> None:
    net = bm.MLP([3, 6], loss=KINDS[name]())
    assert net.loss == name
    assert plain(name) == name
    assert from_plain(name) == name
    assert from_plain({"name": name, **vars(KINDS[name]())}) == name


@pytest.mark.parametrize(
    "value", [None, 3, [], {}, {"name": "mse"}, {"name": "huber"}, {"name": ["huber"], "delta": 1}]
)
def test_what_is_not_a_loss(value: object) -> None:
    with pytest.raises((TypeError, ValueError), match="loss"):
        from_plain(value)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: bm.Huber(0), ValueError, "^Huber: delta must be positive, got 0.0$"),
        (lambda: bm.Huber("1"), TypeError, "^Huber: delta must be a real number, got '1'$"),
        (lambda: bm.Focal(-1), ValueError, "^Focal: gamma must not be negative, got -1.0$"),
        (lambda: bm.CrossEntropy(1), ValueError, "label_smoothing must be below 1, got 1.0$"),
        (lambda: bm.CrossEntropy(-0.1), ValueError, "label_smoothing must not be negative"),
        (lambda: bm.Tweedie(1), ValueError, "^Tweedie: power must lie between 1 and 2, got 1.0$"),
        (lambda: bm.Tweedie(np.nan), ValueError, "^Tweedie: power must be finite, got nan$"),
        (lambda: bm.Quantile([]), ValueError, r"levels must ascend between 0 and 1, got \[\]$"),
        (lambda: bm.Quantile([0.5, 0.5]), ValueError, "levels must ascend between 0 and 1"),
        (lambda: bm.Quantile([0, 0.5]), ValueError, "levels must ascend between 0 and 1"),
        (lambda: bm.Quantile(0.5), TypeError, "levels must be a list of numbers, got 0.5$"),
        (lambda: bm.Quantile(["a"]), TypeError, "levels must be a list of numbers"),
        (
            lambda: bm.MLP([1, 101], loss=bm.Quantile(np.linspace(0.001, 0.999, 101))),
            ValueError,
            "takes from 1 to 100 settings, got 101",
        ),
    ],
)
def test_settings_out_of_range(make, error, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# ---- other libraries ----


def test_deviances_are_half_of_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20, 1))
    counts = rng.poisson(2, size=20)
    for loss, y, theirs in (
        ("poisson", counts, metrics.mean_poisson_deviance),
        ("gamma", counts + 0.5, metrics.mean_gamma_deviance),
        (
            bm.Tweedie(1.2),
            counts,
            lambda y, mean: metrics.mean_tweedie_deviance(y, mean, power=1.2),
        ),
    ):
        ours = linear(loss, z).evaluate(np.eye(20), y).loss
        assert ours == pytest.approx(theirs(y, np.exp(z[:, 0])) / 2, rel=1e-13)


def test_quantile_is_scikit_learns_pinball_loss() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    y = rng.normal(size=20)
    levels = [0.1, 0.3, 0.8]
    net = linear(bm.Quantile(levels), rng.normal(size=(20, 3)))
    q = net.predict(np.eye(20))
    assert (np.diff(q) > 0).all()
    theirs = [metrics.mean_pinball_loss(y, q[:, k], alpha=t) for k, t in enumerate(levels)]
    assert net.evaluate(np.eye(20), y).loss == pytest.approx(np.mean(theirs), rel=1e-13)


@pytest.mark.parametrize("levels", [[0.1, 0.9], [0.1, 0.3, 0.8], [0.4]])
@pytest.mark.parametrize("kind", [bm.MLP, MLP])
def test_coverage_is_the_share_of_targets_inside(kind: Any, levels: list[float]) -> None:
    """Between the outer quantiles, or below the only one."""
    rng = np.random.default_rng(0)
    y, w = rng.normal(size=20), rng.uniform(size=20)
    net = linear(bm.Quantile(levels), rng.normal(size=(20, len(levels))), kind=kind)
    q = net.predict(np.eye(20))
    inside = (y <= q[:, -1]) & ((y >= q[:, 0]) | (len(levels) == 1))
    assert 0 < inside.sum() < 20
    metric = net.evaluate(np.eye(20), y, sample_weight=w)[1]
    assert metric == pytest.approx(np.average(inside, weights=w), rel=1e-12)


@pytest.mark.torch
def test_class_weight_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    z, y, weight = rng.normal(size=(20, 3)), rng.integers(3, size=20), np.array([1, 2.5, 0.25])
    theirs = torch.nn.functional.cross_entropy(
        torch.tensor(z), torch.tensor(y), torch.tensor(weight)
    )
    net = linear("cross_entropy", z)
    history = net.fit(np.eye(20), y, epochs=1, class_weight=weight)
    assert history["loss"][0] == pytest.approx(theirs.item(), rel=1e-13)


# ---- far out ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("loss", "z", "y", "expected"),
    [
        ("log_cosh", 1e4, 0, 1e4 - np.log(2)),
        ("log_cosh", 1e-4, 0, np.log1p(2 * np.sinh(0.5e-4) ** 2)),
        (bm.Huber(2), -1e30, 0, 2e30),
        ("poisson", -1e4, 0, 0),
        ("poisson", -1e4, 3, 3 * (1e4 + np.log(3) - 1)),
        ("poisson", 80, 1e-6, np.exp(80)),
        ("poisson", np.log(1000.0) + 2**-10, 1000, 1000 * (np.expm1(2**-10) - 2**-10)),
        ("gamma", 1e4, 2, 1e4 - np.log(2) - 1),
        ("gamma", -80, 1, np.exp(80) - 81),
        (bm.Tweedie(1.5), -1e4, 0, 0),
        (bm.Tweedie(1.5), 170, 0, 2 * np.exp(85)),
    ],
)
def test_large_and_small_raw_outputs(loss: bm.Loss, z: float, y: float, expected, dtype) -> None:
    net = linear(loss, np.array([[z]]), dtype)
    got, gradient = net.gradients([[1]], [y])
    # Rounding z and y to the dtype moves the loss by its slope; e^80 has 80 times z's error.
    error = 200 * epsilon(dtype) * abs(expected)
    error += abs(float(gradient[0])) * epsilon(dtype) * (1 + abs(z))
    assert got == pytest.approx(expected, rel=0, abs=error)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_focal_of_sure_answers(dtype) -> None:
    z = np.array([[200.0, 0, -200]])
    for gamma in (0, 0.5, 2):
        net = linear(bm.Focal(gamma), z, dtype)
        right, by_right = net.gradients([[1]], [0])
        assert right == 0
        np.testing.assert_allclose(by_right, 0, atol=1e-80)
        wrong, by_wrong = net.gradients([[1]], [1])
        assert wrong == 200
        np.testing.assert_allclose(by_wrong[:3], [1, -1, 0], atol=1e-80)


@pytest.mark.parametrize("gamma", [0, 0.5, 1, 3])
def test_focal_is_the_references(gamma: float) -> None:
    rng = np.random.default_rng(0)
    z, y = 3 * rng.normal(size=(20, 4)), rng.integers(4, size=20)
    loss, gradient = linear(bm.Focal(gamma), z).gradients(np.eye(20), y)
    expected = linear(bm.Focal(gamma), z, kind=MLP).gradients(np.eye(20), y)
    assert loss == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=1e-14)
    if gamma == 0:
        plain_loss, plain_gradient = linear("cross_entropy", z).gradients(np.eye(20), y)
        assert loss == pytest.approx(plain_loss, rel=1e-14)
        np.testing.assert_allclose(gradient, plain_gradient, rtol=0, atol=1e-15)


def test_the_reference_takes_settings() -> None:
    assert loss_from("huber").delta == 1
    assert loss_from(bm.Huber(3)).delta == 3
    assert loss_from(bm.Quantile([0.2, 0.5])).levels.tolist() == [0.2, 0.5]


# ---- weights of classes ----

X = np.random.default_rng(0).normal(size=(12, 4))
LABELS = np.array([0, 1, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0])


def outcome(y: np.ndarray, loss: bm.Loss = "cross_entropy", **arguments: Any) -> np.ndarray:
    outputs = 1 if loss == "binary_cross_entropy" else 3
    net = bm.MLP([4, 5, outputs], loss=loss, dtype="float64", seed=0)
    net.fit(X, y, epochs=2, batch_size=5, **arguments)
    return net.parameters


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_class_weight_is_a_weight_of_rows(loss: str) -> None:
    by_class = np.array([0.5, 2, 1])
    expected = outcome(LABELS, loss, sample_weight=by_class[LABELS])
    for given in ([0.5, 2, 1], by_class, {0: 0.5, 1: 2}):
        np.testing.assert_array_equal(outcome(LABELS, loss, class_weight=given), expected)
    one_hot = np.eye(3)[LABELS]
    close = {"rtol": 0, "atol": 1e-14}
    np.testing.assert_allclose(outcome(one_hot, loss, class_weight=by_class), expected, **close)
    twice = outcome(LABELS, loss, class_weight=by_class, sample_weight=np.arange(12))
    product = outcome(LABELS, loss, sample_weight=np.arange(12) * by_class[LABELS])
    np.testing.assert_allclose(twice, product, **close)


def test_balanced_classes_count_the_same() -> None:
    expected = outcome(LABELS, class_weight=[1 / 9, 1 / 2, 1])
    for y in (LABELS, np.eye(3)[LABELS]):
        np.testing.assert_allclose(
            outcome(y, class_weight="balanced"), expected, rtol=0, atol=1e-14
        )
    two = np.minimum(LABELS, 1)  # the third class does not occur
    ours = outcome(two, class_weight="balanced")
    np.testing.assert_allclose(ours, outcome(two, class_weight=[1 / 9, 1 / 3, 7]), atol=1e-14)


def test_class_weight_of_yes_and_no() -> None:
    y = np.minimum(LABELS, 1)
    expected = outcome(y, "binary_cross_entropy", sample_weight=np.where(y == 1, 3, 1))
    for given in ({1: 3}, [1, 3], "balanced"):
        ours = outcome(y, "binary_cross_entropy", class_weight=given)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("loss", "class_weight", "error", "message"),
    [
        ("cross_entropy", [1, 2], ValueError, r"class_weight has shape \(2,\), expected \(3,\)"),
        ("cross_entropy", {3: 1}, ValueError, "class_weight has the class 3; .* from 0 to 2"),
        ("cross_entropy", {-1: 1}, ValueError, "class_weight has the class -1; .* from 0 to 2"),
        ("cross_entropy", {"a": 1}, ValueError, "class_weight has the class 'a'; .* from 0 to 2"),
        ("cross_entropy", {1: "a"}, TypeError, r"class_weight\[1\] must be a real number, got 'a'"),
        (
            "cross_entropy",
            {1: None},
            TypeError,
            r"class_weight\[1\] must be a real number, got None",
        ),
        ("cross_entropy", "equal", ValueError, "class_weight is 'equal', expected 'balanced'"),
        ("cross_entropy", [1, -1, 1], ValueError, "class_weight has -1.* in row 1, expected none"),
        ("cross_entropy", [1, np.nan, 1], ValueError, "class_weight has nan in row 1"),
        ("cross_entropy", [0, 0, 0], ValueError, "class_weight is 0 in every row"),
        ("mse", [1, 1, 1], ValueError, "class_weight needs classes: loss 'mse' with 3 outputs"),
    ],
)
def test_class_weights_that_make_no_sense(loss, class_weight, error, message: str) -> None:
    net = bm.MLP([4, 3], loss=loss, seed=0)
    before = net.parameters.copy()
    with pytest.raises(error, match=message):
        net.fit(X, LABELS if loss != "mse" else np.eye(3)[LABELS], class_weight=class_weight)
    np.testing.assert_array_equal(net.parameters, before)


def test_classes_of_class_weight_may_be_given_as_labels_are() -> None:
    labels = LABELS > 0
    nets = [bm.MLP([4, 2], loss="cross_entropy", seed=0) for _ in range(3)]
    for net, weights in zip(nets, ({1: 3.0}, {True: 3}, {1.0: np.float32(3)}), strict=True):
        net.fit(X, labels, class_weight=weights, epochs=1)
        np.testing.assert_array_equal(net.parameters, nets[0].parameters)
