"""What scikit-learn's estimators do, done by ours: attributes, labels, types, warnings, errors."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn")

import briskmlp as bm
import sklearn.neural_network as theirs
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.*iprint:DeprecationWarning",  # of early versions of scikit-learn, by SciPy
)

X, y = load_digits(return_X_y=True)
X = X[:300] / 16
y = y[:300]
Xr, yr = load_diabetes(return_X_y=True)
NAMES = ("MLPClassifier", "MLPRegressor")
ATTRIBUTES = {
    "coefs_", "intercepts_", "loss_", "best_loss_", "loss_curve_", "validation_scores_",
    "best_validation_score_", "t_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_",
    "n_features_in_",
}  # fmt: skip


def make(name: str, **parameters):
    return getattr(bm, name)(**({"max_iter": 5, "random_state": 0} | parameters))


def target(name: str):
    return y if name == "MLPClassifier" else y.astype(float)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_theirs_in_their_order_and_then_ours(name):
    theirs_, ours = (inspect.signature(getattr(module, name)).parameters for module in (theirs, bm))
    if "sample_weight" not in inspect.signature(theirs.MLPRegressor.fit).parameters:
        pytest.skip("the order is that of scikit-learn 1.7 and later")
    assert [*ours][: len(theirs_)] == [*theirs_]
    for parameter in theirs_.values():
        assert ours[parameter.name].default == parameter.default
        assert ours[parameter.name].kind == parameter.kind
    added = [*ours.values()][len(theirs_) :]
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in added)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_attributes(name, solver):
    fitted = make(name, solver=solver).fit(X, target(name))
    reference = getattr(theirs, name)(solver=solver, max_iter=5, random_state=0)
    reference.fit(X, target(name))
    public = {key for key in vars(reference) if key.endswith("_") and not key.startswith("_")}
    assert public <= set(vars(fitted))
    assert solver == "lbfgs" or set(vars(fitted)) >= ATTRIBUTES
    for key in public - {"coefs_", "intercepts_", "classes_", "loss_curve_"}:
        mine, other = getattr(fitted, key), getattr(reference, key)
        assert mine == other or mine == pytest.approx(other, rel=1e-6), key
        assert type(mine) is type(other) or isinstance(mine, float)
    assert [c.shape for c in fitted.coefs_] == [c.shape for c in reference.coefs_]
    assert isinstance(fitted.coefs_, list)
    assert isinstance(fitted.intercepts_, list)


@pytest.mark.parametrize("name", NAMES)
def test_written_coefficients_count(name):
    fitted = make(name).fit(X, target(name))
    before = fitted.predict(X)
    fitted.coefs_[0][...] = 0
    fitted.coefs_[-1] *= 0
    fitted.intercepts_[-1] = np.arange(fitted.n_outputs_)[::-1] + 5.0
    assert len(np.unique(fitted.predict(X))) == 1
    if name == "MLPRegressor":
        assert fitted.predict(X[:1]) == [5]
    other = make(name, random_state=1).fit(X, target(name))
    fitted.coefs_, fitted.intercepts_ = other.coefs_, other.intercepts_
    np.testing.assert_array_equal(fitted.predict(X), other.predict(X))
    assert not np.array_equal(fitted.predict(X), before)
    other.coefs_[0][...] = 0  # of which fitted has no copy
    np.testing.assert_array_equal(fitted.predict(X), other.predict(X))


def test_coefficients_of_other_widths_count():
    fitted = make("MLPRegressor", hidden_layer_sizes=(8,)).fit(X, y)
    fitted.coefs_ = [array[:, :3] if i == 0 else array[:3] for i, array in enumerate(fitted.coefs_)]
    fitted.intercepts_ = [fitted.intercepts_[0][:3], fitted.intercepts_[1]]
    hidden = np.maximum(X @ fitted.coefs_[0] + fitted.intercepts_[0], 0)
    expected = (hidden @ fitted.coefs_[1] + fitted.intercepts_[1]).ravel()
    np.testing.assert_allclose(fitted.predict(X), expected)
    before = fitted.coefs_[0].copy()
    fitted.partial_fit(X, y)
    assert not (fitted.coefs_[0] == before).all()


def test_coefficients_from_elsewhere():
    """An estimator that was never fitted here, as programs make that have weights of their own."""
    source = theirs.MLPRegressor(max_iter=5, random_state=0).fit(X, y)
    filled = make("MLPRegressor")
    for name in ("coefs_", "intercepts_", "n_layers_", "n_outputs_", "out_activation_"):
        setattr(filled, name, getattr(source, name))
    filled.n_features_in_ = 64
    np.testing.assert_allclose(filled.predict(X), source.predict(X), rtol=1e-10)
    filled.set_params(warm_start=True).fit(X, y)
    assert filled.loss_ < source.loss_


def test_replaced_coefficients_are_trained_on():
    a, b = make("MLPRegressor").fit(X, y), make("MLPRegressor").fit(X, y)
    a.coefs_[0][...] = 0.01
    b.coefs_[0] = np.full(b.coefs_[0].shape, 0.01)
    for each in (a, b):
        each.partial_fit(X, y)
    np.testing.assert_array_equal(a.coefs_[0], b.coefs_[0])
    assert not (b.coefs_[0] == 0.01).any()


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["b", "a", "c"])[y % 3],
        np.array(["b", "a", "c"], dtype=object)[y % 3],
        y % 3 - 7,
        y % 3 == 1,
        (y % 2).astype(float) * 3,
        [["x", "y"][i] for i in y % 2],
    ],
    ids=["strings", "objects", "negative", "booleans", "floats", "list"],
)
def test_labels(labels):
    a = make("MLPClassifier", max_iter=30).fit(X, labels)
    b = theirs.MLPClassifier(max_iter=30, random_state=0).fit(X, labels)
    np.testing.assert_array_equal(a.classes_, b.classes_)
    assert a.classes_.dtype == b.classes_.dtype
    mine, other = a.predict(X), b.predict(X)
    assert mine.dtype == other.dtype
    np.testing.assert_array_equal(mine, other)
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(a.predict_log_proba(X), b.predict_log_proba(X), rtol=1e-6)


def test_one_class_only():
    a, b = (make("MLPClassifier"), theirs.MLPClassifier(max_iter=5, random_state=0))
    for each in (a, b):
        each.fit(X, np.full(len(X), "only"))
    np.testing.assert_array_equal(a.predict(X), b.predict(X))
    np.testing.assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-6)


def test_multilabel():
    Xm, ym = make_multilabel_classification(random_state=0)
    a = make("MLPClassifier").fit(Xm, ym)
    b = theirs.MLPClassifier(max_iter=5, random_state=0).fit(Xm, ym)
    np.testing.assert_array_equal(a.predict(Xm), b.predict(Xm))
    assert a.predict(Xm).dtype == b.predict(Xm).dtype
    assert a.out_activation_ == "logistic"
    sparse = pytest.importorskip("scipy.sparse")
    c = make("MLPClassifier").fit(Xm, sparse.csr_matrix(ym))
    np.testing.assert_array_equal(c.predict(Xm).toarray(), a.predict(Xm))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i8", "u1", "?"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_types(name, dtype, solver):
    rows = (X > 0.5) if dtype == "?" else (X * 16).astype(dtype)
    fitted = make(name, solver=solver).fit(rows, target(name))
    expected = "f4" if dtype == "f4" else "f8"
    assert {a.dtype for a in fitted.coefs_ + fitted.intercepts_} == {np.dtype(expected)}
    outputs = (fitted.predict_proba if name == "MLPClassifier" else fitted.predict)(rows)
    assert outputs.dtype == expected
    assert fitted.transform(rows).dtype == expected


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba", "transform"])
def test_a_row_has_the_same_bits_alone_in_every_layout(method):
    fitted = make("MLPClassifier").fit(X, y)
    function = getattr(fitted, method)
    expected = function(X)
    for rows in (
        X.tolist(),
        np.asfortranarray(X),
        np.repeat(X, 2, axis=1)[:, ::2],
        X.astype(X.dtype.newbyteorder()),
        np.flip(X, axis=0).copy()[::-1],
    ):
        np.testing.assert_array_equal(function(rows), expected)
    alone = np.concatenate([function(X[i : i + 1]) for i in range(20)])
    np.testing.assert_array_equal(alone, expected[:20])


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array"])
def test_sparse_rows_predict_as_dense_ones(kind):
    sparse = pytest.importorskip("scipy.sparse")
    rows = getattr(sparse, kind)(np.concatenate([X] * 10))  # more than are written out at a time
    fitted = make("MLPClassifier").fit(X, y)
    for method in ("predict", "predict_proba", "transform", "input_gradients"):
        dense = np.concatenate([getattr(fitted, method)(X)] * 10)
        np.testing.assert_allclose(getattr(fitted, method)(rows), dense, rtol=1e-12, atol=1e-14)


def test_data_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(Xr, columns=[f"c{i}" for i in range(10)])
    fitted = make("MLPRegressor").fit(frame, pandas.Series(yr, name="t"))
    assert [*fitted.feature_names_in_] == [*frame.columns]
    np.testing.assert_array_equal(
        fitted.predict(frame), make("MLPRegressor").fit(Xr, yr).predict(Xr)
    )
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        fitted.predict(Xr)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame[frame.columns[::-1]])
    out = fitted.set_output(transform="pandas").transform(frame)
    assert [*out.columns] == [*fitted.get_feature_names_out()]
    assert out.columns[0] == "mlpregressor0"
    assert out.shape == (442, 100)


def test_unfitted():
    for name in NAMES:
        for method in ("predict", "transform", "input_gradients"):
            with pytest.raises(NotFittedError):
                getattr(make(name), method)(X)
        with pytest.raises(NotFittedError):
            make(name).network_  # noqa: B018


@pytest.mark.parametrize(
    "rows", [X[:, :3], X[0], np.full_like(X, np.nan), X[:0], [["a"] * 64]], ids=str
)
def test_rows_that_do_not_fit_are_errors_as_theirs(rows):
    a = make("MLPClassifier").fit(X, y)
    b = theirs.MLPClassifier(max_iter=5, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r".") as expected:
        b.predict(rows)
    with pytest.raises(ValueError, match=re.escape(str(expected.value))):
        a.predict(rows)


def test_rows_need_not_be_finite_if_that_is_assumed():
    from sklearn import config_context

    fitted = make("MLPRegressor").fit(Xr, yr)
    with config_context(assume_finite=True):
        assert np.isnan(fitted.predict(np.full((2, 10), np.nan))).all()


@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "adamw"},
        {"activation": "step"},
        {"hidden_layer_sizes": (5, 0)},
        {"hidden_layer_sizes": -1},
        {"alpha": -1},
        {"learning_rate_init": 0},
        {"beta_1": 1.0},
        {"momentum": 2},
        {"n_iter_no_change": 0.5},
        {"batch_size": 0},
        {"verbose": -1},
        {"max_iter": "many"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", NAMES)
def test_invalid_parameters(name, parameters):
    for module in (theirs, bm):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            getattr(module, name)(**parameters).fit(X, target(name))


def test_convergence_warnings():
    text = "Maximum iterations .5. reached and the optimization hasn't converged yet"
    with pytest.warns(ConvergenceWarning, match=text):
        make("MLPClassifier").fit(X, y)
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge"):
        make("MLPClassifier", solver="lbfgs").fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make("MLPClassifier", max_iter=200, tol=10.0).fit(X, y)
        make("MLPClassifier").partial_fit(X, y, classes=np.arange(10))
    with pytest.warns(UserWarning, match="batch_size"):
        make("MLPClassifier", batch_size=301).fit(X, y)


def test_ctrl_c_leaves_a_fitted_estimator():
    fitted = make("MLPClassifier", max_iter=50)

    def interrupt(history):
        if len(history) == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Training interrupted by user"):
        fitted.fit(X, y, callbacks=interrupt)
    assert fitted.n_iter_ == 3
    assert fitted.predict(X).shape == (300,)


def test_partial_fit_is_not_there_for_lbfgs():
    for name in NAMES:
        assert hasattr(make(name), "partial_fit")
        assert not hasattr(make(name, solver="lbfgs"), "partial_fit")


def test_targets_that_do_not_fit():
    with pytest.raises(ValueError, match=r"y has -1.0 in row 0.*none below 0"):
        make("MLPRegressor", loss="poisson").fit(X, np.full(300, -1.0))
    with pytest.raises(ValueError, match="classes"):
        make("MLPClassifier").partial_fit(X, y)
    with pytest.raises(ValueError, match=r"sample_weight has -1.0 in row 3"):
        make("MLPClassifier").fit(X, y, np.where(np.arange(300) == 3, -1.0, 1.0))
    started = make("MLPClassifier").partial_fit(X, y % 2, classes=[0, 1])
    with pytest.raises(ValueError, match="classes not in"):
        started.partial_fit(X, y)


def test_verbose_lines_are_theirs(capsys):
    for early_stopping in (False, True):
        printed = []
        for module in (theirs, bm):
            module.MLPClassifier(
                max_iter=300, tol=0.1, n_iter_no_change=2, verbose=True, random_state=0,
                early_stopping=early_stopping,
            ).fit(X, y)  # fmt: skip
            printed.append(capsys.readouterr().out)
        assert printed[0] == printed[1]
        assert "Stopping" in printed[0]


def test_without_scikit_learn():
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import briskmlp as bm\n"
        "from briskmlp import *\n"
        "bm.MLP([1, 1])\n"
        "try:\n    bm.MLPClassifier\n"
        "except ImportError as error:\n    print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert "pip install scikit-learn" in run.stdout


def test_scikit_learn_is_loaded_only_when_it_is_needed():
    program = (
        "import sys, briskmlp as bm; bm.MLP([1, 1]).fit([[1.0]], [1.0]); dir(bm); "
        "assert 'sklearn' not in sys.modules; bm.MLPRegressor; assert 'sklearn' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
