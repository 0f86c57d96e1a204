"""What the estimators do at the edges of what scikit-learn's do: asked again, changed, diverged."""

from __future__ import annotations

import briskmlp as bm
import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn.neural_network as theirs
from briskmlp import MLPClassifier, MLPRegressor
from sklearn.datasets import load_digits, make_multilabel_classification

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = load_digits(return_X_y=True)
X, LABELS = X[:400] / 16, LABELS[:400]
SETTINGS = {"hidden_layer_sizes": (12,), "max_iter": 3, "random_state": 0}


def fitted(kind, y, **settings):
    return kind(**SETTINGS | settings).fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_warm_start_takes_up_a_changed_activation(solver):
    results = []
    for kind in (MLPRegressor, theirs.MLPRegressor):
        net = fitted(kind, LABELS, warm_start=True, solver=solver)
        net.set_params(activation="tanh")
        results.append(net.fit(X, LABELS).predict(X))
    np.testing.assert_allclose(*results, rtol=1e-6, atol=1e-8)


def test_a_warm_start_with_a_changed_loss():
    net = fitted(MLPRegressor, LABELS, warm_start=True)
    net.set_params(loss="absolute_error")
    assert net.fit(X, LABELS).network_.loss == "mae"
    net.set_params(loss="gaussian_nll")
    with pytest.raises(ValueError, match=r"needs 2 raw outputs, the network .* has 1"):
        net.fit(X, LABELS)


def test_a_classifier_that_diverges_has_its_best_epoch():
    y = np.random.default_rng(0).integers(0, 2, len(X))
    net = MLPClassifier(
        solver="sgd", learning_rate_init=1e30, early_stopping=True, random_state=0, max_iter=5
    )
    with pytest.warns(UserWarning, match="not finite any more"):
        net.fit(X, y)
    assert all(np.isfinite(W).all() for W in net.coefs_)


def test_a_limit_of_threads_is_the_estimators_alone():
    seen = []
    before = bm.get_num_threads()
    net = MLPClassifier(**SETTINGS | {"n_threads": 1})
    net.fit(X, LABELS, callbacks=lambda _: seen.append(bm.get_num_threads()))
    assert seen == [before] * 3
    with bm.threads(2):
        many = net.predict_proba(X)
    assert np.array_equal(many, net.predict_proba(X))


def test_early_stopping_looks_at_the_evaluation_set():
    stopper = bm.EarlyStopping(patience=50)
    net = MLPClassifier(**SETTINGS)
    net.fit(X[:300], LABELS[:300], eval_set=(X[300:], LABELS[300:]), callbacks=stopper)
    assert stopper.best == max(net.validation_scores_)


def test_input_gradients_of_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=[f"p{i}" for i in range(X.shape[1])])
    net = MLPClassifier(**SETTINGS).fit(frame, LABELS)
    assert net.input_gradients(frame).shape == X.shape


@pytest.mark.parametrize("sizes", [[20.9], (True,), ("5",), [[5, 6]], (np.nan,)])
def test_widths_that_are_no_whole_numbers(sizes):
    with pytest.raises(TypeError, match="hidden_layer_sizes must be whole numbers"):
        MLPClassifier(hidden_layer_sizes=sizes).fit(X, LABELS)


def test_weights_for_other_features():
    net = fitted(MLPClassifier, LABELS)
    net.coefs_[0] = np.zeros((63, 12))
    with pytest.raises(ValueError, match=r"coefs_\[0\] has 63 rows, expected 64"):
        net.predict(X)


@pytest.mark.parametrize("module", [theirs, bm], ids=["theirs", "ours"])
def test_refusals_are_theirs(module):
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        module.MLPRegressor(early_stopping=True).partial_fit(X, LABELS)
    few = module.MLPRegressor(early_stopping=True, validation_fraction=0.02)
    with pytest.raises(ValueError, match=r"validation set is too small\. Increase 'validation_fr"):
        few.fit(X[:50], LABELS[:50])
    wild = module.MLPClassifier(solver="sgd", learning_rate_init=1e300, max_iter=3)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="Solver produced non-finite parameter weights"),
    ):
        wild.fit(X, LABELS)
    warm = module.MLPClassifier(**SETTINGS | {"warm_start": True}).fit(X, LABELS % 3)
    for classes in (2, 4):  # one too few, one too many
        with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
            warm.fit(X, LABELS % classes)


def test_logarithms_of_probabilities_of_several_labels():
    rows, y = make_multilabel_classification(random_state=0)
    ours, other = (
        kind(max_iter=20, random_state=0) for kind in (MLPClassifier, theirs.MLPClassifier)
    )
    logs = ours.fit(rows, y).predict_log_proba(rows)
    np.testing.assert_allclose(logs, np.log(ours.predict_proba(rows)), rtol=1e-12)
    np.testing.assert_allclose(logs, other.fit(rows, y).predict_log_proba(rows), rtol=1e-6)
    # Where probabilities round to 0 theirs is infinite, and warns.
    assert np.isfinite(ours.predict_log_proba(-1e4 * rows)).all()


def test_a_rate_that_is_too_small_to_be_divided_ends_the_training(capsys):
    said = []
    for kind in (MLPClassifier, theirs.MLPClassifier):
        net = kind(
            solver="sgd", learning_rate="adaptive", learning_rate_init=4e-6, tol=10.0,
            n_iter_no_change=1, verbose=True, max_iter=30, random_state=0,
        ).fit(X, LABELS)  # fmt: skip
        assert net.n_iter_ < 30
        said.append(capsys.readouterr().out)
    assert said[0].endswith("Learning rate too small. Stopping.\n")
    assert said[0] == said[1]


def test_scores_of_predictions_that_overflow_are_nan():
    """Finite parameters, rows so large that no number holds what they lead to."""
    net = MLPRegressor(**SETTINGS)
    with np.errstate(all="ignore"):
        net.fit(X, LABELS, eval_set=(np.full((4, 64), 1.7e308), LABELS[:4]))
    assert np.isnan(net.validation_scores_).all()
    assert len(net.validation_scores_) == net.n_iter_ == 3
    assert all(np.isfinite(W).all() for W in net.coefs_)


# --- Rows that need no check -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_plain_rows_are_learnt_as_checked_ones_are(kind, monkeypatch):
    """Lists go through scikit-learn's checks, arrays of the usual kind do not."""
    plain, checked = fitted(kind, LABELS), fitted(kind, LABELS)
    for rows in (slice(0, 1), slice(1, 40), slice(0, 400)):
        checked.partial_fit(X[rows].tolist(), LABELS[rows].tolist())
    monkeypatch.setattr(f"{kind.__module__}.validate_data", None)
    for rows in (slice(0, 1), slice(1, 40), slice(0, 400)):
        plain.partial_fit(X[rows], LABELS[rows])
    assert all(map(np.array_equal, plain.coefs_, checked.coefs_))
    assert plain.loss_curve_ == checked.loss_curve_


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize(
    ("rows", "y", "message"),
    [
        (X[:2, 1:], LABELS[:2], "63 features"),
        (np.full((2, 64), np.nan), LABELS[:2], "NaN"),
        (X[:2], LABELS[:3], "inconsistent numbers of samples"),
        (X[:2], np.array([0.0, np.nan]), "NaN"),
        (X[:0], LABELS[:0], "0 sample"),
    ],
)
def test_others_are_checked(kind, rows, y, message):
    with pytest.raises(ValueError, match=message):
        fitted(kind, LABELS).partial_fit(rows, y)


def test_labels_are_known_or_an_error():
    y = 3 * LABELS - 5
    net = fitted(MLPClassifier, y)
    net.partial_fit(X[:1], y[:1])
    for label in (0, -6, 100):
        with pytest.raises(ValueError, match="classes not in"):
            net.partial_fit(X[:1], np.array([label]))


def test_a_warm_start_asks_for_the_same_classes_of_plain_rows_too():
    net = fitted(MLPClassifier, LABELS, warm_start=True)
    with pytest.raises(ValueError, match="same classes"):
        net.partial_fit(X[:1], LABELS[:1])
