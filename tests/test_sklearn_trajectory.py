"""Same seed, same training: the estimators go step by step where scikit-learn's installed ones go.

In float64, so that what differs is rounding: some 1e-16 a step, which ten epochs of a smooth
descent carry along. L-BFGS's line searches may magnify it; 1e-6 is what the project promises.
"""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import briskmlp as bm
import sklearn.neural_network as theirs
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning

pytestmark = pytest.mark.skipif(
    "loss" not in inspect.signature(theirs.MLPRegressor).parameters,
    reason="before scikit-learn 1.7 theirs take no weights of rows and know no loss but one",
)
PROMISE = 1e-6
SOLVERS = ("adam", "sgd", "lbfgs")
ACTIVATIONS = ("identity", "logistic", "tanh", "relu")


def digits():
    X, y = load_digits(return_X_y=True)
    return X[:500] / 16, y[:500]


def binary_digits():
    X, y = digits()
    return X, np.where(y < 5, "low", "high")


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X, (y - y.mean()) / y.std()


def two_targets():
    X, y = diabetes()
    return X, np.stack([y, X[:, 2] * 10], axis=1)


def counts():
    X, y = diabetes()
    return X, np.round(np.exp(y / 2))


def multilabel():
    X, y = make_multilabel_classification(n_samples=250, random_state=0)
    return X / 10, y


DATA = {
    "MLPClassifier": (digits, binary_digits, multilabel),
    "MLPRegressor": (diabetes, two_targets),
}
CASES = [(name, data) for name, sets in DATA.items() for data in sets]


def pair(name: str, **parameters):
    """The two estimators of a name, scikit-learn's and ours."""
    return [getattr(module, name)(**parameters) for module in (theirs, bm)]


def fit(estimators, *data, method="fit", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for estimator in estimators:
            getattr(estimator, method)(*data, **options)


def distance(a, b) -> float:
    """The largest relative difference of two estimators' weights or biases, by layer."""
    pairs = zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    return max(np.linalg.norm(p - q) / np.linalg.norm(p) for p, q in pairs)


def assert_same(a, b, promise: float = PROMISE) -> None:
    assert distance(a, b) < promise
    assert a.n_iter_ == b.n_iter_
    assert a.t_ == b.t_
    assert b.loss_ == pytest.approx(a.loss_, rel=promise)
    if a.solver != "lbfgs":
        np.testing.assert_allclose(b.loss_curve_, a.loss_curve_, rtol=promise)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("name", "data"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_ten_epochs(name, data, activation, solver):
    X, y = data()
    a, b = pair(
        name,
        hidden_layer_sizes=(20, 10),
        activation=activation,
        solver=solver,
        max_iter=10,
        random_state=3,
    )
    fit((a, b), X, y)
    assert a.n_iter_ == 10
    assert_same(a, b)
    np.testing.assert_allclose(
        *(e.predict_proba(X) if name == "MLPClassifier" else e.predict(X) for e in (a, b)),
        rtol=1e-5,
        atol=1e-7,
    )


@pytest.mark.parametrize("solver", SOLVERS)
def test_poisson(solver):
    X, y = counts()
    a, b = pair("MLPRegressor", loss="poisson", solver=solver, max_iter=10, random_state=0)
    fit((a, b), X, y)
    assert_same(a, b)


@pytest.mark.parametrize(
    "parameters",
    [
        {"learning_rate": "invscaling", "power_t": 0.3},
        {"learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
        {"nesterovs_momentum": False},
        {"momentum": 0.0},
        {"shuffle": False},
        {"alpha": 3.0, "batch_size": 64},
        {"batch_size": 250},
    ],
    ids=str,
)
def test_settings_of_sgd(parameters):
    X, y = binary_digits()
    a, b = pair(
        "MLPClassifier",
        solver="sgd",
        learning_rate_init=0.1,
        max_iter=12,
        random_state=0,
        **parameters,
    )
    fit((a, b), X, y)
    assert_same(a, b)
    assert b._optimizer.learning_rate == pytest.approx(a._optimizer.learning_rate, rel=1e-12)
    if parameters.get("learning_rate") == "adaptive":
        assert b._optimizer.learning_rate < 0.1


@pytest.mark.parametrize(
    "parameters",
    [
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"alpha": 5.0, "batch_size": 37},
        {"shuffle": False},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": 7},
    ],
    ids=str,
)
def test_settings_of_adam(parameters):
    X, y = digits()
    a, b = pair("MLPClassifier", max_iter=10, random_state=0, **parameters)
    fit((a, b), X, y)
    assert_same(a, b)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("name", "data"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_sample_weight(name, data, solver):
    X, y = data()
    weights = np.random.default_rng(0).uniform(0.1, 5, len(X))
    a, b = pair(name, solver=solver, max_iter=10, random_state=0, alpha=0.1)
    fit((a, b), X, y, weights)
    assert_same(a, b)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "data"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_early_stopping(name, data, weighted):
    X, y = data()
    weights = np.random.default_rng(0).uniform(0.1, 5, len(X)) if weighted else None
    a, b = pair(
        name,
        early_stopping=True,
        n_iter_no_change=3,
        max_iter=40,
        random_state=0,
        learning_rate_init=0.01,
    )
    fit((a, b), X, y, weights)
    assert_same(a, b)
    np.testing.assert_allclose(b.validation_scores_, a.validation_scores_, rtol=PROMISE)
    assert b.best_validation_score_ == pytest.approx(a.best_validation_score_, rel=PROMISE)
    assert a.best_loss_ is b.best_loss_ is None


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize(("name", "data"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_partial_fit(name, data, solver):
    X, y = data()
    a, b = pair(name, solver=solver, random_state=0)
    options = {"classes": np.unique(y)} if data in (digits, binary_digits) else {}
    if data is multilabel:
        options = {"classes": np.arange(y.shape[1])}
    for part in (slice(0, 100), slice(100, 230), slice(0, 50)):
        fit((a, b), X[part], y[part], method="partial_fit", **options)
        options = {}
        assert_same(a, b)


def test_partial_fit_takes_the_penalty_of_the_moment():
    X, y = diabetes()
    a, b = pair("MLPRegressor", random_state=0)
    for alpha in (0.0, 100.0, 1.0):
        for each in (a, b):
            each.set_params(alpha=alpha)
        fit((a, b), X, y, method="partial_fit")
        assert_same(a, b)


def test_partial_fit_goes_on_with_the_optimizer_of_fit():
    X, y = diabetes()
    a, b = pair("MLPRegressor", random_state=0, max_iter=3)
    fit((a, b), X, y)
    fit((a, b), X, y, method="partial_fit")
    assert_same(a, b)


@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start(solver):
    X, y = digits()
    a, b = pair("MLPClassifier", solver=solver, warm_start=True, random_state=0, max_iter=4)
    for _ in range(3):
        fit((a, b), X, y)
        assert_same(a, b)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "csr_array"])
def test_sparse_rows(kind, solver):
    sparse = pytest.importorskip("scipy.sparse")
    X, y = digits()
    a, b = pair("MLPClassifier", solver=solver, random_state=0, max_iter=10)
    fit((a, b), getattr(sparse, kind)(X), y)
    assert_same(a, b)
    dense = bm.MLPClassifier(**b.get_params())
    fit([dense], X, y)
    assert distance(dense, b) < 1e-12


def test_a_shared_random_state_is_drawn_from_alike():
    X, y = digits()
    states = [np.random.RandomState(5) for _ in range(2)]
    pairs = [pair("MLPClassifier", max_iter=2, random_state=state) for state in states]
    a, b = pairs[0][0], pairs[1][1]
    for _ in range(2):
        fit([a, b], X, y)
        assert_same(a, b)
    assert states[0].randint(1 << 30) == states[1].randint(1 << 30)


def test_single_precision_is_near():
    """In float32 each step rounds by 6e-8 of a weight's size, each of the two in its own way."""
    X, y = digits()
    a, b = pair("MLPClassifier", max_iter=10, random_state=0, activation="tanh")
    fit((a, b), X.astype("f4"), y)
    assert {array.dtype for array in b.coefs_ + b.intercepts_} == {np.dtype("f4")}
    assert distance(a, b) < 1e-3
