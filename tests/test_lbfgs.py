"""L-BFGS against SciPy on the reference, scikit-learn, and solutions in closed form."""

from __future__ import annotations

import os
import signal
import sys

import briskmlp as bm
import numpy as np
import pytest

pytest.importorskip("scipy", minversion="1.11")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 5))
Y = np.sin(X[:, :2]) + 0.1 * RNG.normal(size=(200, 2))
LABELS = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int) + (X[:, 2] > 1)
WEIGHTS = RNG.uniform(0.1, 2, 200)


def make(dtype: str = "float64", **settings) -> bm.MLP:
    return bm.MLP([5, 12, 2], "tanh", dtype=dtype, seed=1, **settings)


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_each_iteration_is_scipys_on_the_reference(decay: float) -> None:
    from scipy.optimize import minimize

    net = make()
    oracle = bm.reference.MLP(net.sizes, "tanh", dtype="float64")
    losses = []

    def objective(p: np.ndarray) -> tuple[float, np.ndarray]:
        oracle.parameters[:] = p
        loss, gradient = oracle.gradients(X, Y)
        return loss + decay / 2 * p @ p, gradient + decay * p

    def note(p: np.ndarray) -> None:
        oracle.parameters[:] = p
        losses.append(oracle.gradients(X, Y)[0])

    settings = {"maxiter": 15, "maxcor": 4, "ftol": 0, "gtol": 0}
    want = minimize(
        objective, net.parameters, jac=True, method="L-BFGS-B", callback=note, options=settings
    )
    history = net.fit(
        X, Y, epochs=15, optimizer=bm.LBFGS(tolerance=0, memory=4, weight_decay=decay)
    )
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-8)
    np.testing.assert_allclose(net.parameters, want.x, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("decay_biases", [False, True])
def test_ridge_regression_in_closed_form(weighted: bool, decay_biases: bool) -> None:
    w = WEIGHTS if weighted else np.ones(200)
    net = bm.MLP([5, 2], dtype="float64", seed=0)
    optimizer = bm.LBFGS(tolerance=1e-10, weight_decay=0.3, decay_biases=decay_biases)
    history = net.fit(X, Y, epochs=200, optimizer=optimizer, sample_weight=w)
    A = np.column_stack([X, np.ones(200)])
    # The mean over rows and two outputs of (y - z)^2 plus 0.15 |p|^2 has its minimum here.
    share = w[:, np.newaxis] / w.sum()
    penalty = np.diag([0.3] * 5 + [0.3 if decay_biases else 0.0])
    best = np.linalg.solve(A.T @ (A * share) + penalty, A.T @ (Y * share))
    np.testing.assert_allclose(net.parameters.reshape(6, 2), best, atol=1e-9)
    assert len(history) < 200
    assert history["loss"][-1] == pytest.approx(net.evaluate(X, Y, sample_weight=w).loss, rel=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_elastic_net_is_scikit_learns(decay: float, weighted: bool) -> None:
    """Lasso, and with weight decay the elastic net: the same minimum, zeros included."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    w, y, l1 = WEIGHTS if weighted else None, Y[:, 0], 0.15
    # Half of our loss is their (y - z)^2 / 2 + alpha (ratio |p| + (1 - ratio) p^2 / 2).
    alpha = (l1 + decay) / 2
    theirs = linear_model.ElasticNet(alpha=alpha, l1_ratio=l1 / (l1 + decay), tol=1e-12)
    theirs.fit(X, y, sample_weight=w)
    net = bm.MLP([5, 1], dtype="float64", seed=0)
    optimizer = bm.LBFGS(tolerance=1e-10, l1=l1, weight_decay=decay, decay_biases=False)
    history = net.fit(X, y, epochs=300, optimizer=optimizer, sample_weight=w)
    np.testing.assert_allclose(net.weights[0][:, 0], theirs.coef_, atol=1e-7)
    np.testing.assert_allclose(net.biases[0][0], theirs.intercept_, atol=1e-7)
    assert 0 < np.sum(theirs.coef_ == 0) < 5
    np.testing.assert_array_equal(net.weights[0][:, 0] == 0, theirs.coef_ == 0)
    assert history["loss"][-1] == pytest.approx(net.evaluate(X, y, sample_weight=w).loss, rel=1e-12)


def test_l1_makes_a_network_sparse() -> None:
    net = make("float32")
    net.fit(X, Y, epochs=200, optimizer=bm.LBFGS(l1=0.01), standardize=True)
    # Of three inputs that do not matter nearly all weights are 0, and many of the others.
    assert np.mean(net.weights[0][2:] == 0) > 0.9
    assert net.evaluate(X, Y).loss < 0.3 * Y.var()
    penalized = make()
    penalized.fit(X, Y, epochs=50, optimizer=bm.LBFGS(l1=10))
    assert not penalized.parameters.any()  # biases too


@pytest.mark.parametrize("l1", [0, 1e-4])
def test_frozen_layers(l1: float) -> None:
    net = make()
    start = net.weights[0].copy()
    groups = bm.ParameterGroups(layer_rates=(0, 1), decay_biases=False)
    history = net.fit(
        X,
        Y,
        epochs=500,
        optimizer=bm.LBFGS(tolerance=1e-9, weight_decay=0.01, groups=groups, l1=l1),
    )
    np.testing.assert_array_equal(net.weights[0], start)
    assert not net.biases[0].any()
    if l1 == 0:  # ridge regression on what the first layer gives
        A = np.column_stack([np.tanh(X @ start), np.ones(200)])
        penalty = np.diag([0.01] * 12 + [0.0])
        best = np.linalg.solve(A.T @ A / 200 + penalty, A.T @ Y / 200)
        np.testing.assert_allclose(net.parameters[-26:].reshape(13, 2), best, atol=1e-7)
    assert history["loss"][-1] == pytest.approx(net.evaluate(X, Y).loss, rel=1e-12)


def test_logistic_regression_is_scikit_learns() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    C = 0.7
    theirs = linear_model.LogisticRegression(C=C, tol=1e-10, max_iter=1000).fit(X, LABELS)
    net = bm.MLP([5, 3], loss="cross_entropy", dtype="float64", seed=0)
    decay = 1 / (C * len(X))
    net.fit(
        X, LABELS, epochs=500,
        optimizer=bm.LBFGS(tolerance=1e-10, weight_decay=decay, decay_biases=False),
    )  # fmt: skip
    np.testing.assert_allclose(net.predict(X), theirs.predict_proba(X), atol=1e-7)


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_a_network_like_scikit_learns() -> None:
    neural = pytest.importorskip("sklearn.neural_network")
    theirs = neural.MLPRegressor(
        hidden_layer_sizes=(12,),
        activation="tanh",
        solver="lbfgs",
        alpha=0,
        tol=1e-7,
        max_iter=600,
        random_state=0,
    )
    theirs.fit(X, Y)
    net = make()
    net.fit(X, Y, epochs=600, optimizer=bm.LBFGS(tolerance=1e-7))
    # Minima differ; this one must be about as deep.
    assert net.evaluate(X, Y).loss < 2 * np.mean((theirs.predict(X) - Y) ** 2) + 1e-3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["mse", "gaussian_nll", "binary_cross_entropy", bm.Huber(0.5)])
def test_losses_fall_in_every_iteration(dtype: str, loss: bm.Loss) -> None:
    outputs = 4 if loss == "gaussian_nll" else 2
    net = bm.MLP([5, 12, outputs], "tanh", loss=loss, dtype=dtype, seed=1)
    y = (Y > 0) * 1.0 if loss == "binary_cross_entropy" else Y
    metric = "accuracy" if loss == "binary_cross_entropy" else "r2"
    history = net.fit(X, y, epochs=20, optimizer="lbfgs", eval_set=(X, y), metrics=metric)
    assert net.dtype == dtype
    assert len(history) == net.epochs_trained == 20
    slack = {"float32": 1e-5, "float64": 0}[dtype]
    assert (np.diff(history["loss"]) <= slack).all()
    np.testing.assert_allclose(history["loss"], history["eval_loss"], atol=max(slack, 1e-12))
    adam = bm.MLP([5, 12, outputs], "tanh", loss=loss, dtype=dtype, seed=1)
    assert history["loss"][-1] < adam.fit(X, y, epochs=20, batch_size=200)["loss"][-1]


def test_it_works_on_standardized_data() -> None:
    far = X * [1, 10, 100, 1000, 0.01] + [0, 50, -100, 2000, 0]
    ours, plain = make(), make()
    z = (far - far.mean(0)) / far.std(0)
    shared = np.sqrt(Y.var(0).mean())
    got = ours.fit(far, Y, epochs=30, optimizer="lbfgs", standardize=True, eval_set=(far, Y))
    want = plain.fit(z, (Y - Y.mean(0)) / shared, epochs=30, optimizer="lbfgs")
    np.testing.assert_allclose(got["loss"][:10], want["loss"][:10] * shared**2, rtol=1e-6)
    np.testing.assert_allclose(got["loss"], got["eval_loss"], rtol=1e-6)


def test_callbacks_end_it_and_early_stopping_restores() -> None:
    net = make()
    assert len(net.fit(X, Y, epochs=50, optimizer="lbfgs", callback=lambda h: len(h) == 4)) == 4
    stopping = bm.EarlyStopping(5)
    net = bm.MLP([5, 64, 2], "tanh", dtype="float64", seed=0)
    history = net.fit(
        X[:60], Y[:60], epochs=500, optimizer="lbfgs", eval_set=(X[60:], Y[60:]), callbacks=stopping
    )
    assert stopping.stopped
    assert net.evaluate(X[60:], Y[60:]).loss == history["eval_loss"].min()
    endless = bm.LBFGS(tolerance=0)
    assert 1 < len(make().fit(X, Y, epochs=10**6, optimizer=endless, time_budget=0.1)) < 10**5


def test_parameters_changed_by_a_callback_are_where_it_goes_on() -> None:
    def reset(history: bm.History) -> None:
        if len(history) == 3:
            net.parameters = start

    net = make()
    start = net.parameters.copy()
    history = net.fit(X, Y, epochs=6, optimizer="lbfgs", callback=reset)
    np.testing.assert_array_equal(history["loss"][:3], history["loss"][3:])


def test_interrupts_leave_the_last_finished_step() -> None:
    seen = []

    def follow(history: bm.History) -> None:
        seen.append(net.parameters.copy())
        if len(history) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    net = make()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y, epochs=1000, optimizer="lbfgs", callback=follow)
    assert (net.parameters == seen[-1]).all()
    assert net.epochs_trained == len(net.history) == 3


def test_what_it_refuses() -> None:
    net = make()
    start = net.parameters.copy()
    with pytest.raises(ValueError, match="batch_size is 20, LBFGS takes all 200 rows at once"):
        net.fit(X, Y, optimizer="lbfgs", batch_size=20)
    with pytest.raises(ValueError, match="batches_per_step is 2, LBFGS takes 1 only"):
        net.fit(X, Y, optimizer="lbfgs", batches_per_step=2)
    with pytest.raises(ValueError, match=r"average is 0\.5"):
        net.fit(X, Y, optimizer="lbfgs", average=0.5)
    with pytest.raises(ValueError, match="LBFGS takes no input_noise: it compares losses"):
        net.fit(X, Y, optimizer="lbfgs", input_noise=[0.1] * 5)
    with pytest.raises(ValueError, match="LBFGS takes no dropout"):
        net.fit(X, Y, optimizer="lbfgs", dropout=0.1)
    for rates in ((0.1, 1), (0, 0)):
        with pytest.raises(ValueError, match="LBFGS: groups must have layer_rates of 0 and 1"):
            bm.LBFGS(groups=bm.ParameterGroups(layer_rates=rates))
    with pytest.raises(ValueError, match="layer_rates has 3 entries, the network has 2 layers"):
        net.fit(X, Y, optimizer=bm.LBFGS(groups=bm.ParameterGroups(layer_rates=(0, 1, 1))))
    with pytest.raises(TypeError, match="LBFGS: groups must be ParameterGroups, got 3"):
        bm.LBFGS(groups=3)
    with pytest.raises(ValueError, match="LBFGS: l1 must not be negative"):
        bm.LBFGS(l1=-1)
    with pytest.raises(ValueError, match="LBFGS: tolerance must not be negative"):
        bm.LBFGS(tolerance=-1)
    with pytest.raises(ValueError, match="LBFGS: memory must be at least 1"):
        bm.LBFGS(memory=0)
    with pytest.raises(ValueError, match="did you mean 'lbfgs'"):
        net.fit(X, Y, optimizer="lbfg")
    with pytest.raises(ValueError, match="the loss is inf to begin with"):
        make("float32").fit(X, Y * 1e30, optimizer="lbfgs")
    assert (net.parameters == start).all()


def test_without_scipy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match=r"LBFGS needs SciPy: pip install 'briskmlp\[lbfgs\]'"):
        make().fit(X, Y, optimizer="lbfgs")
