"""The estimators inside what scikit-learn's users build of them."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

import briskmlp as bm
import joblib
from sklearn import set_config
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingRegressor
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.*iprint:DeprecationWarning",  # of early versions of scikit-learn, by SciPy
    # Of a fork in a process with threads; the backend asked for it, and ours survive it.
    "ignore:This process .* is multi-threaded:DeprecationWarning",
)

X, y = load_iris(return_X_y=True)
names = load_iris().target_names[y]
Xr, yr = load_diabetes(return_X_y=True)


def classifier(**parameters) -> bm.MLPClassifier:
    defaults = {"hidden_layer_sizes": (16,), "max_iter": 60, "learning_rate_init": 0.02}
    return bm.MLPClassifier(**(defaults | {"random_state": 0} | parameters))


def regressor(**parameters) -> bm.MLPRegressor:
    defaults = {"hidden_layer_sizes": (16,), "max_iter": 100, "learning_rate_init": 0.01}
    return bm.MLPRegressor(**(defaults | {"random_state": 0} | parameters))


def test_pipeline():
    pipe = make_pipeline(StandardScaler(), classifier())
    assert pipe.fit(X, names).score(X, names) > 0.9
    assert pipe.transform(X).shape == (150, 16)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing", "sequential"])
def test_grid_search_with_every_backend(backend):
    search = GridSearchCV(classifier(), {"hidden_layer_sizes": [(4,), (16,)]}, cv=2, n_jobs=2)
    with joblib.parallel_backend(backend):
        search.fit(X, names)
    assert search.best_score_ > 0.9
    alone = GridSearchCV(classifier(), search.param_grid, cv=2).fit(X, names)
    for key in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(search.cv_results_[key], alone.cv_results_[key])


def test_calibrated_classifier():
    calibrated = CalibratedClassifierCV(classifier(), cv=3).fit(X, names)
    assert calibrated.score(X, names) > 0.9


def test_cross_val_predict():
    predicted = cross_val_predict(classifier(), X, names, method="predict_proba", cv=3)
    np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert np.mean(predicted.argmax(axis=1) == y) > 0.9


def test_bagging():
    bagged = BaggingClassifier(classifier(), n_estimators=3, random_state=0).fit(X, names)
    assert bagged.score(X, names) > 0.9


def test_permutation_importance():
    fitted = classifier().fit(X, names)
    found = permutation_importance(fitted, X, names, random_state=0)
    assert found.importances_mean[2:].min() > found.importances_mean[:2].max()


def test_stacking():
    stacked = StackingClassifier([("mlp", classifier()), ("line", LogisticRegression())], cv=3).fit(
        X, names
    )
    assert stacked.score(X, names) > 0.9


def test_transformed_target():
    scaled = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), regressor()), transformer=StandardScaler()
    ).fit(Xr, yr)
    assert scaled.score(Xr, yr) > 0.5


def test_voting_and_multi_output():
    assert VotingRegressor([("a", regressor()), ("b", regressor(random_state=1))]).fit(
        Xr, yr
    ).predict(Xr).shape == (442,)
    both = MultiOutputClassifier(classifier()).fit(X, np.stack([y, y > 1], axis=1))
    assert both.predict(X).shape == (150, 2)


def test_clone_is_unfitted_and_equal():
    loss = bm.Huber(2.0)
    fitted = regressor(loss=loss, dropout=[0.5]).fit(Xr, yr)
    twin = clone(fitted)
    assert not hasattr(twin, "coefs_")
    assert twin.get_params() == fitted.get_params()
    assert twin.set_params(loss="poisson").loss == "poisson"


@pytest.mark.parametrize(
    "copied",
    [
        lambda e: pickle.loads(pickle.dumps(e)),
        copy.deepcopy,
        copy.copy,
    ],
    ids=["pickle", "deepcopy", "copy"],
)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_copies_predict_and_go_on_alike(copied, solver):
    fitted = classifier(solver=solver, max_iter=3).fit(X, names)
    twin = copied(fitted)
    np.testing.assert_array_equal(twin.predict_proba(X), fitted.predict_proba(X))
    before = fitted.coefs_[0].copy()
    if solver == "lbfgs":
        twin.coefs_[0][:] = 0
        np.testing.assert_array_equal(fitted.coefs_[0], before)
        return
    # The optimizer's state is copied too, and is the copy's own.
    twin.partial_fit(X, names)
    np.testing.assert_array_equal(fitted.coefs_[0], before)
    state = fitted._random_state.get_state()
    fitted.partial_fit(X, names)
    assert state[0] == "MT19937"
    np.testing.assert_array_equal(twin.coefs_[0], fitted.coefs_[0])


def test_joblib_memory_maps(tmp_path):
    fitted = classifier().fit(X, names)
    joblib.dump(fitted, tmp_path / "m.joblib")
    loaded = joblib.load(tmp_path / "m.joblib", mmap_mode="r")
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
    loaded.partial_fit(X, names)  # writes to its parameters, which are not the file's


def test_a_pickle_loads_where_nothing_is_imported(tmp_path):
    fitted = regressor().fit(Xr, yr)
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(fitted))
    program = (
        f"import pickle; print(pickle.load(open({str(path)!r}, 'rb')).predict([[0.0] * 10])[0])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert float(run.stdout) == fitted.predict(np.zeros((1, 10)))[0]


@pytest.fixture
def routing():
    set_config(enable_metadata_routing=True)
    yield
    set_config(enable_metadata_routing=False)


@pytest.mark.usefixtures("routing")
def test_metadata_routing():
    weights = np.where(y == 2, 0.0, 1.0)
    asks = classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
    found = cross_validate(
        asks, X, names, params={"sample_weight": weights}, return_estimator=True, cv=3
    )
    for fitted in found["estimator"]:
        assert "virginica" not in fitted.predict(X[y == 1])
        assert np.mean(fitted.predict(X[y == 2]) == "virginica") < 0.1
    pipe = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False),
        classifier().set_fit_request(sample_weight=True, eval_set=True),
    )
    pipe.fit(X, names, sample_weight=weights, eval_set=(X, names))
    assert pipe[-1].validation_scores_


def test_cross_val_score_uses_the_default_score():
    scores = cross_val_score(regressor(), Xr, yr, cv=2)
    assert scores.shape == (2,)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_predicts_in_a_forked_child():
    fitted = classifier().fit(X, names)
    expected = fitted.predict_proba(X)
    child = os.fork()
    if child == 0:
        same = np.array_equal(fitted.predict_proba(X), expected)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)
