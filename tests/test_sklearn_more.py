"""What the estimators have beyond scikit-learn's."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

import briskmlp as bm
from briskmlp import _briskmlp_core as core
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.metrics import make_scorer, mean_absolute_error, mean_pinball_loss

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X, Xv, y, yv = X[:600] / 16, X[600:800] / 16, y[:600], y[600:800]
RNG = np.random.default_rng(0)
x = RNG.uniform(-1, 1, (1000, 1))
signal = np.sin(3 * x[:, 0])


def classifier(**parameters) -> bm.MLPClassifier:
    return bm.MLPClassifier(**({"hidden_layer_sizes": (32,), "random_state": 0} | parameters))


def regressor(**parameters) -> bm.MLPRegressor:
    defaults = {"hidden_layer_sizes": (32,), "activation": "tanh", "learning_rate_init": 0.03}
    return bm.MLPRegressor(**(defaults | {"max_iter": 100, "random_state": 0} | parameters))


# --- An evaluation set -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        (None, lambda e: e.score(Xv, yv)),
        ("neg_log_loss", lambda e: -e_log_loss(e)),
        (
            lambda e, rows, labels: -np.mean(e.predict(rows) != labels),
            lambda e: e.score(Xv, yv) - 1,
        ),
    ],
    ids=["default", "name", "function"],
)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_best_epoch_is_restored(solver, scoring, score):
    fitted = classifier(
        solver=solver, scoring=scoring, learning_rate_init=0.05, n_iter_no_change=5, max_iter=60
    ).fit(X, y, eval_set=(Xv, yv))
    assert len(fitted.validation_scores_) == fitted.n_iter_
    assert fitted.best_validation_score_ == max(fitted.validation_scores_)
    assert score(fitted) == pytest.approx(fitted.best_validation_score_, rel=1e-12)
    assert fitted.best_loss_ is None
    if fitted.n_iter_ < 60 and solver != "lbfgs":  # no progress by tol since then
        assert all(
            s < fitted.best_validation_score_ + fitted.tol for s in fitted.validation_scores_[-6:]
        )


def e_log_loss(estimator) -> float:
    p = estimator.predict_proba(Xv)
    return float(-np.mean(np.log(p[np.arange(len(yv)), yv])))


def test_all_rows_are_trained_on_with_an_evaluation_set():
    plain = classifier(max_iter=4).fit(X, y)
    judged = classifier(max_iter=4, early_stopping=True).fit(X, y, eval_set=(Xv, yv))
    assert judged.t_ == plain.t_ == 4 * 600
    np.testing.assert_array_equal(judged.loss_curve_, plain.loss_curve_)


def test_an_evaluation_set_with_weights():
    weights = (yv == 3).astype(float)
    fitted = classifier(max_iter=3).fit(X, y, eval_set=(Xv, yv, weights))
    assert fitted.best_validation_score_ == pytest.approx(fitted.score(Xv[yv == 3], yv[yv == 3]))


def test_an_evaluation_set_of_frames():
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(a).rename(columns=str) for a in (X, Xv)]
    fitted = classifier(max_iter=3, scoring="balanced_accuracy")
    fitted.fit(frames[0], y, eval_set=(frames[1], pandas.Series(yv)))
    assert len(fitted.validation_scores_) == 3


@pytest.mark.parametrize(
    ("eval_set", "error"),
    [
        (Xv, TypeError),
        ((Xv,), TypeError),
        ((Xv[:, :3], yv), ValueError),
        ((Xv, yv[:3]), ValueError),
        ((np.full_like(Xv, np.nan), yv), ValueError),
    ],
    ids=["array", "single", "columns", "rows", "nan"],
)
def test_evaluation_sets_that_do_not_fit(eval_set, error):
    with pytest.raises(error):
        classifier().fit(X, y, eval_set=eval_set)


def test_scoring_goes_with_early_stopping_too():
    scorer = make_scorer(mean_absolute_error, greater_is_better=False)
    fitted = regressor(early_stopping=True, scoring=scorer).fit(x, signal)
    assert -0.4 < fitted.best_validation_score_ <= 0


# --- Layers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", core.activation_names())
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_every_activation(activation, solver):
    fitted = regressor(activation=activation, solver=solver, max_iter=300, n_iter_no_change=30)
    fitted.fit(x, signal)
    nearly_linear = activation in ("identity", "softplus")
    assert fitted.score(x, signal) > (0.6 if nearly_linear else 0.9)
    assert fitted.network_.activations == (activation, "identity")


def test_an_activation_for_each_layer():
    fitted = regressor(hidden_layer_sizes=(8, 4), activation=["gelu", "logistic"], max_iter=2)
    fitted.fit(x, signal)
    assert fitted.network_.activations == ("gelu", "sigmoid", "identity")
    bounds = [np.sqrt(6 / 9), np.sqrt(2 / 12), np.sqrt(2 / 5)]
    drawn = regressor(hidden_layer_sizes=(8, 4), activation=["gelu", "logistic"], max_iter=1,
                      learning_rate_init=1e-12).fit(x, signal)  # fmt: skip
    for weights, bound in zip(drawn.coefs_, bounds, strict=True):
        assert bound * 0.5 < np.abs(weights).max() < bound + 1e-9
    with pytest.raises(ValueError, match="activation has 1 names, expected 2"):
        regressor(hidden_layer_sizes=(8, 4), activation=["gelu"]).fit(x, signal)
    with pytest.raises(ValueError, match="'step'"):
        regressor(activation=["step"]).fit(x, signal)


def test_dropout():
    plain = regressor(max_iter=30).fit(x, signal)
    dropped = regressor(max_iter=30, dropout=0.5).fit(x, signal)
    assert dropped.loss_ > 1.1 * plain.loss_  # while it trains
    assert dropped.score(x, signal) > 0.7  # with all units
    again = regressor(max_iter=30, dropout=[0.5]).fit(x, signal)
    np.testing.assert_array_equal(again.coefs_[0], dropped.coefs_[0])
    with pytest.raises(ValueError, match="hidden layers"):
        regressor(dropout=[0.5, 0.5]).fit(x, signal)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_weight_decay_is_decoupled(solver):
    """Where the gradient is 0, each step takes rate * decay off the weights."""
    rate, decay = 1e-3, 0.1
    parameters = {"solver": solver, "alpha": 0.0, "batch_size": 100, "activation": "identity"}
    zeros = np.zeros((300, 2))  # so that the first layer's weights have no gradient
    drawn, pulled = (
        regressor(**parameters, learning_rate_init=rate, weight_decay=d, max_iter=7, tol=0.0).fit(
            zeros, np.zeros(300)
        )
        for d in (0.0, decay)
    )
    assert pulled.n_iter_ == 7
    np.testing.assert_allclose(pulled.coefs_[0], drawn.coefs_[0] * (1 - rate * decay) ** 21)


@pytest.mark.parametrize("name", ["dropout", "weight_decay"])
def test_lbfgs_has_neither_dropout_nor_decay(name):
    with pytest.raises(ValueError, match=name):
        regressor(solver="lbfgs", **{name: 0.1}).fit(x, signal)


# --- Losses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "log_cosh", bm.Huber(0.3)], ids=str)
def test_robust_losses(loss, solver):
    spoilt = signal.copy()
    spoilt[::20] += 30
    fitted = regressor(loss=loss, solver=solver, max_iter=300).fit(x, spoilt)
    assert mean_absolute_error(signal, fitted.predict(x)) < 0.2


def test_quantiles():
    noisy = signal + (0.3 + 0.2 * x[:, 0]) * RNG.standard_normal(1000)
    levels = [0.1, 0.5, 0.9]
    fitted = regressor(loss=bm.Quantile(levels), max_iter=200).fit(x, noisy)
    quantiles = fitted.predict_quantiles(x)
    assert quantiles.shape == (1000, 3)
    assert np.all(np.diff(quantiles) >= 0)
    np.testing.assert_array_equal(fitted.predict(x), quantiles[:, 1])
    for level, quantile in zip(levels, quantiles.T, strict=True):
        assert np.mean(noisy <= quantile) == pytest.approx(level, abs=0.05)
        constant = mean_pinball_loss(noisy, np.full(1000, np.quantile(noisy, level)), alpha=level)
        assert mean_pinball_loss(noisy, quantile, alpha=level) < 0.8 * constant
    single = regressor(loss=bm.Quantile([0.9])).fit(x, noisy)
    assert np.mean(noisy <= single.predict(x)) == pytest.approx(0.9, abs=0.05)
    two = regressor(loss="quantile", max_iter=3).fit(x, np.stack([noisy, -noisy], axis=1))
    assert two.predict(x).shape == (1000, 2)
    assert two.predict_quantiles(x).shape == (1000, 3, 2)
    assert two.score(x, np.stack([noisy, -noisy], axis=1)) < 1
    assert not hasattr(regressor(), "predict_quantiles")


def test_means_and_deviations():
    noisy = signal + 0.3 * RNG.standard_normal(1000)
    fitted = regressor(loss="gaussian_nll", max_iter=200).fit(x, noisy)
    mean, deviation = fitted.predict(x, return_std=True)
    assert mean.shape == deviation.shape == (1000,)
    assert np.abs(mean - signal).mean() < 0.15
    assert deviation.mean() == pytest.approx(0.3, abs=0.05)
    np.testing.assert_array_equal(fitted.predict(x), mean)
    with pytest.raises(ValueError, match="gaussian_nll"):
        regressor(max_iter=1).fit(x, noisy).predict(x, return_std=True)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie", bm.Tweedie(1.2)], ids=str)
def test_losses_of_positive_numbers(loss):
    positive = RNG.gamma(5, np.exp(signal) / 5)
    fitted = regressor(loss=loss).fit(x, positive)
    assert fitted.out_activation_ == "exp"
    assert fitted.predict(x).min() > 0
    assert np.abs(fitted.predict(x) - np.exp(signal)).mean() < 0.2


def test_losses_of_classes():
    plain = classifier(max_iter=30).fit(X, y)
    smooth = classifier(max_iter=30, loss=bm.CrossEntropy(label_smoothing=0.2)).fit(X, y)
    focal = classifier(max_iter=30, loss="focal").fit(X, y)
    top = [e.predict_proba(X).max(axis=1).mean() for e in (plain, smooth, focal)]
    assert top[0] > top[1]
    assert top[0] > top[2]
    assert min(e.score(X, y) for e in (plain, smooth, focal)) > 0.8


def test_a_loss_of_several_classes_for_two():
    fitted = classifier(loss="focal", max_iter=30).fit(X, np.where(y > 4, "high", "low"))
    assert fitted.out_activation_ == "softmax"
    assert fitted.predict_proba(X).shape == (600, 2)
    assert fitted.score(X, np.where(y > 4, "high", "low")) > 0.85
    with pytest.raises(ValueError, match="focal"):
        classifier(loss="focal").fit(*make_multilabel_classification(random_state=0))


def test_class_weight():
    rare = np.where(y == 8, "yes", "no")
    noisy = X + np.random.default_rng(1).normal(0, 0.5, X.shape)
    recalls = []
    for weight in (None, "balanced", {"yes": 9.0}):
        fitted = classifier(class_weight=weight, max_iter=10).fit(noisy, rare)
        recalls.append(np.mean(fitted.predict(noisy[rare == "yes"]) == "yes"))
    assert recalls[0] < 0.5 < min(recalls[1:])
    a = classifier(class_weight={"yes": 2.0}, max_iter=3).fit(X, rare)
    b = classifier(max_iter=3).fit(X, rare, np.where(rare == "yes", 2.0, 1.0))
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])
    a.partial_fit(X, rare)
    with pytest.raises(ValueError, match="balanced"):
        classifier(class_weight="balanced").partial_fit(X, rare, classes=["no", "yes"])


# --- The rest ----------------------------------------------------------------------------------


def test_transform_is_the_last_hidden_layer():
    fitted = classifier(hidden_layer_sizes=(32, 8), activation=["relu", "gelu"]).fit(X, y)
    hidden = fitted.transform(X)
    np.testing.assert_array_equal(hidden, fitted.network_.layer_outputs(X)[1])
    scores = hidden @ fitted.coefs_[-1] + fitted.intercepts_[-1]
    np.testing.assert_array_equal(scores.argmax(axis=1), fitted.predict(X))
    np.testing.assert_array_equal(
        regressor(hidden_layer_sizes=(), max_iter=1).fit(x, signal).transform(x), x
    )
    fitted.coefs_[1][:, 0] = 1e308  # a unit that overflows keeps it to itself
    overflowing = fitted.transform(X)
    assert np.isinf(overflowing[:, 0]).any()
    np.testing.assert_array_equal(overflowing[:, 1:], hidden[:, 1:])


def test_input_gradients():
    fitted = classifier().fit(X, y)
    found = fitted.input_gradients(X[:5])
    step = 1e-6
    logits = lambda rows: fitted.network_(rows)[np.arange(5), y_hat]  # noqa: E731
    y_hat = fitted.predict(X[:5])
    for column in (10, 20, 30):
        d = np.zeros(64)
        d[column] = step
        numeric = (logits(X[:5] + d) - logits(X[:5] - d)) / (2 * step)
        np.testing.assert_allclose(found[:, column], numeric, rtol=1e-5, atol=1e-7)
    two = classifier().fit(X, y > 4)
    np.testing.assert_array_equal(two.input_gradients(X), two.network_.input_gradients(X))
    both = regressor(max_iter=1).fit(x, np.stack([signal, signal], axis=1))
    assert both.input_gradients(x, output=1).shape == x.shape
    with pytest.raises(ValueError, match="output"):
        both.input_gradients(x)


def test_threads_change_nothing():
    before = bm.get_num_threads()
    one, two = (classifier(n_threads=n, max_iter=5).fit(X, y) for n in (1, 2))
    assert bm.get_num_threads() == before
    for a, b in zip(one.coefs_, two.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_the_network_is_at_hand():
    fitted = classifier(max_iter=3).fit(X, y)
    np.testing.assert_array_equal(fitted.network_.predict(X), fitted.predict_proba(X))
    fitted.network_.weights[0][...] = 0
    assert not fitted.coefs_[0].any()


@pytest.mark.parametrize("verbose", ["line", "bar", "tqdm", "rich"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_displays(verbose, solver, capsys):
    if verbose in ("tqdm", "rich"):
        pytest.importorskip(verbose)
    classifier(verbose=verbose, solver=solver, max_iter=5).fit(X, y)
    out, err = capsys.readouterr()
    assert not out
    assert "loss" in err
    with pytest.raises(ValueError, match="verbose"):
        classifier(verbose="loud").fit(X, y)


# --- Between layers ----------------------------------------------------------------------------


DEEP = {"hidden_layer_sizes": (12, 12, 7), "norm": "layer", "residual": True}


def test_norm_and_residual_are_part_of_the_gradient():
    """One step of SGD is one along the network's own gradient, halved as scikit-learn has it."""
    step = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "batch_size": 1000, "max_iter": 1}
    before = regressor(**DEEP, **(step | {"learning_rate_init": 1e-300})).fit(x, signal)
    after = regressor(**DEEP, **(step | {"learning_rate_init": 0.01})).fit(x, signal)
    net = before.network_._network
    assert (net.norm, net.residual_layers) == ("layer", [False, True, False, False])
    _, gradient = net.gradients((x, signal[:, np.newaxis], None))
    expected = net.parameters - 0.01 / 2 * gradient
    np.testing.assert_allclose(after.network_.parameters, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_norm_and_residual_stay_with_the_estimator(solver):
    settings = DEEP | {"solver": solver, "max_iter": 30}
    fitted = regressor(**settings, tol=0.0).fit(x, signal)
    assert fitted.score(x, signal) > 0.9
    features = fitted.transform(x)
    read = features @ fitted.coefs_[-1] + fitted.intercepts_[-1]
    np.testing.assert_allclose(read[:, 0], fitted.predict(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(features.mean(axis=1), 0, atol=1e-12)  # as the norm left them
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(x), fitted.predict(x))
    assert clone(fitted).get_params()["norm"] == "layer"
    fitted.coefs_[0] = 2 * fitted.coefs_[0]  # a view no more
    assert fitted.network_.norm == "layer"
    assert not np.array_equal(again.predict(x), fitted.predict(x))
    if solver == "adam":
        assert fitted.partial_fit(x, signal).network_.norm == "layer"


def test_a_warm_start_takes_up_a_changed_norm():
    fitted = regressor(hidden_layer_sizes=(9, 9), warm_start=True, max_iter=2).fit(x, signal)
    weights = fitted.coefs_[0].copy()
    fitted.set_params(norm="layer", residual=True, max_iter=1, learning_rate_init=1e-300)
    fitted.fit(x, signal)
    assert (fitted.network_.norm, fitted.network_.residual) == ("layer", True)
    np.testing.assert_array_equal(fitted.coefs_[0], weights)


def test_unknown_norms_are_errors():
    with pytest.raises(ValueError, match="'norm' parameter of MLPRegressor must be"):
        regressor(norm="batch").fit(x, signal)
