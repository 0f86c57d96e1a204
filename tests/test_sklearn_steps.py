"""The solvers adam and sgd take scikit-learn's steps: the same weights and losses, to rounding.

Both start from the weights that scikit-learn draws, see the rows in the order that it shuffles them
into, and train for ten epochs in float64.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from briskmlp import _briskmlp_core as core
from briskmlp._sparse import csr_parts

pytest.importorskip("sklearn")
from briskmlp.sklearn._stochastic import SolverSettings, StochasticSolver
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils import check_random_state, shuffle

pytestmark = pytest.mark.skipif(
    "loss" not in inspect.signature(MLPRegressor).parameters,
    reason="before scikit-learn 1.7 theirs take no weights of rows and know no loss but one",
)
EPOCHS = 10
ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
# 1e-6 is promised. Sums of a few hundred terms in another order differ by some 1e-15; ten epochs
# magnify that, most where Adam divides small gradients by their roots: 10,000 times is allowed.
RTOL = 1e-11


class Problem:
    """Rows to learn, as scikit-learn and as the core take them."""

    def __init__(self, kind: str, dtype: str, rows: int = 157) -> None:
        rng = np.random.default_rng(5)
        self.kind, self.dtype = kind, dtype
        self.X = rng.normal(size=(rows, 11)).astype(dtype)
        hidden = np.tanh(self.X @ rng.normal(size=(11, 4)))
        self.y: Any
        if kind == "multiclass":
            self.y = hidden.argmax(axis=1)
        elif kind == "binary":
            self.y = (hidden[:, 0] > 0).astype(int)
        elif kind == "multilabel":
            self.y = (hidden > 0.2).astype(int)
        elif kind == "poisson":
            self.y = rng.poisson(np.exp(hidden[:, :3])).astype(float)
        else:
            self.y = hidden[:, 0] if kind == "regression" else hidden
        self.weights = rng.uniform(0.1, 3, size=rows).astype(dtype)

    @property
    def is_classifier(self) -> bool:
        return self.kind in ("multiclass", "binary", "multilabel")

    @property
    def loss(self) -> str:
        if self.kind in ("multilabel", "binary"):
            return "binary_cross_entropy"
        return {"multiclass": "cross_entropy", "poisson": "poisson"}.get(self.kind, "mse")

    @property
    def targets(self) -> Any:
        if self.kind == "multiclass":
            return self.y.astype(np.int32)
        return np.ascontiguousarray(self.y.reshape(len(self.y), -1), dtype=self.dtype)


def scikit(problem: Problem, X: Any, weights: Any, **settings: Any) -> tuple[Any, Any]:
    """scikit-learn's estimator, trained, and the same before its first step."""
    kind = MLPClassifier if problem.is_classifier else MLPRegressor
    if problem.kind == "poisson":
        settings["loss"] = "poisson"
    estimators = []
    for rate, epochs in ((settings.pop("learning_rate_init", 1e-3), EPOCHS), (1e-300, 1)):
        estimator = kind(
            hidden_layer_sizes=(16, 9),
            learning_rate_init=rate,
            max_iter=epochs,
            random_state=3,
            **settings,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            estimators.append(estimator.fit(X, problem.y, sample_weight=weights))
    trained, start = estimators
    return trained, start


def orders(start: Any, rows: int) -> Iterator[np.ndarray]:
    """The order of the rows in each epoch: what is drawn after the initial weights."""
    state = check_random_state(3)
    for coefs, intercepts in zip(start.coefs_, start.intercepts_, strict=True):
        state.uniform(size=coefs.shape)
        state.uniform(size=len(intercepts))
    numbers = np.arange(rows)
    while True:
        numbers = shuffle(numbers, random_state=state)
        yield numbers.astype(np.uint32)


def flat(coefs: Any, intercepts: Any) -> np.ndarray:
    """Parameters laid out as the core has them."""
    return np.concatenate(
        [np.vstack([w, b]).ravel() for w, b in zip(coefs, intercepts, strict=True)]
    )


def network_of(problem: Problem, start: Any, activation: str) -> core.Network:
    """A network with scikit-learn's weights."""
    sizes = [problem.X.shape[1], *(len(b) for b in start.intercepts_)]
    activations = [ACTIVATIONS[activation]] * 2 + ["identity"]
    network = core.Network(sizes, activations, problem.loss, [], problem.dtype)
    network.parameters[...] = flat(start.coefs_, start.intercepts_)
    return network


def compare(
    kind: str,
    *,
    activation: str = "relu",
    weighted: bool = False,
    batch_size: int = 50,
    schedule: str = "constant",
    runs: int = 1,
    sparse: bool = False,
    threads: int | None = None,
    dtype: str = "float64",
    rtol: float = RTOL,
    **settings: Any,
) -> None:
    """Train both and compare weights and losses."""
    problem = Problem(kind, dtype)
    weights = problem.weights if weighted else None
    X: Any = problem.X
    if sparse:
        X = pytest.importorskip("scipy.sparse").csr_matrix(np.where(X > 0.3, X, 0))
    rate = settings.get("learning_rate_init", 1e-3)
    trained, start = scikit(
        problem,
        X,
        weights,
        activation=activation,
        batch_size=batch_size,
        learning_rate=schedule,
        # Then no epoch but the first improves, and "adaptive" divides after every second.
        tol=1e9 if schedule == "adaptive" else 0.0,
        n_iter_no_change=1 if schedule == "adaptive" else 1000,
        **settings,
    )
    network = network_of(problem, start, activation)
    solver = StochasticSolver(network, SolverSettings(threads=threads, **settings))
    losses: list[float] = []

    def on_epoch(loss: float) -> bool:
        losses.append(loss)
        if schedule == "invscaling":
            solver.learning_rate = rate / (len(losses) * len(problem.X) + 1) ** 0.5
        elif schedule == "adaptive" and len(losses) in (3, 5, 7, 9):
            solver.learning_rate /= 5
        return False

    numbers = orders(start, len(problem.X))
    for _ in range(runs):
        solver.run(
            (csr_parts(X) if sparse else X, problem.targets, weights),
            batch_size=batch_size,
            epochs=EPOCHS // runs,
            order=lambda: next(numbers),
            on_epoch=on_epoch,
        )
        solver = StochasticSolver(
            network, SolverSettings(threads=threads, **settings), solver.state
        )
    assert solver.learning_rate == pytest.approx(
        trained._optimizer.learning_rate if settings.get("solver") == "sgd" else rate
    )
    expected = flat(trained.coefs_, trained.intercepts_)
    moved = np.abs(expected - flat(start.coefs_, start.intercepts_)).max()
    assert moved > 1e-3
    np.testing.assert_allclose(network.parameters, expected, rtol=rtol, atol=rtol * 0.01)
    np.testing.assert_allclose(losses, trained.loss_curve_, rtol=rtol)


KINDS = ["multiclass", "binary", "multilabel", "regression", "outputs", "poisson"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_weights_and_losses_are_scikit_learns(kind: str, activation: str, solver: str) -> None:
    rate = 1e-2 if solver == "adam" else 0.05
    if kind == "poisson" and solver == "sgd":
        rate = 1e-3
    compare(kind, activation=activation, solver=solver, learning_rate_init=rate)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.0, 1e-2])
@pytest.mark.parametrize("batch_size", [1, 31, 157])
def test_penalty_weights_and_batches(kind: str, alpha: float, batch_size: int) -> None:
    compare(kind, alpha=alpha, weighted=True, batch_size=batch_size, learning_rate_init=1e-3)


@pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive"])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 1e-2])
def test_velocities(schedule: str, momentum: float, nesterov: bool, alpha: float) -> None:
    compare(
        "multiclass",
        solver="sgd",
        schedule=schedule,
        momentum=momentum,
        nesterovs_momentum=nesterov,
        alpha=alpha,
        learning_rate_init=0.1,
        weighted=alpha != 0,
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"epsilon": 1e-2},
        {"beta_1": 0.5, "beta_2": 0.9},
        {"beta_1": 0.0, "beta_2": 0.0, "epsilon": 0.1},
    ],
)
def test_adams_settings(settings: dict[str, float]) -> None:
    compare("multiclass", learning_rate_init=1e-2, **settings)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("runs", [1, 5])
def test_sparse_rows_and_training_in_pieces(solver: str, runs: int) -> None:
    compare("multiclass", solver=solver, sparse=True, runs=runs, learning_rate_init=1e-2)
    compare("poisson", solver=solver, runs=runs, learning_rate_init=1e-3)


@pytest.mark.parametrize("threads", [1, 2])
def test_threads(threads: int) -> None:
    compare("outputs", threads=threads, alpha=1e-2, learning_rate_init=1e-2)


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision(kind: str) -> None:
    # Roundings are 2^29 times as large, and so might be the tolerance, 5e-3.
    compare(kind, dtype="float32", rtol=1e-3, learning_rate_init=1e-3)
