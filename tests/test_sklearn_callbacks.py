"""Who follows the estimators' epochs: functions, briskmlp's callbacks, scikit-learn's protocol."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")

import briskmlp as bm
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, y = load_digits(return_X_y=True)
X, y = X[:300] / 16, y[:300]


def make(solver: str = "adam", **parameters) -> bm.MLPClassifier:
    defaults = {"hidden_layer_sizes": (8,), "max_iter": 6, "random_state": 0}
    return bm.MLPClassifier(solver=solver, **(defaults | parameters))


SOLVERS = pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])


@SOLVERS
def test_functions_see_the_figures_and_may_stop(solver):
    seen = []

    def watch(history):
        seen.append(history[-1]["loss"])
        return len(history) == 4

    fitted = make(solver).fit(X, y, callbacks=watch)
    assert fitted.n_iter_ == len(seen) == 4
    assert fitted.loss_ == pytest.approx(seen[-1])
    if solver != "lbfgs":
        assert fitted.loss_curve_ == seen


@SOLVERS
def test_a_callback_may_want_no_epoch(solver):
    class Over(bm.Callback):
        ended = 0

        def on_fit_begin(self, training):
            return True

        def on_fit_end(self, training):
            self.ended += 1

    over, fitted = Over(), make(solver, warm_start=True)
    fitted.fit(X, y, callbacks=over)
    assert (fitted.n_iter_, fitted.t_, over.ended) == (0, 0, 1)
    assert np.isnan(fitted.loss_)
    assert fitted.predict(X).shape == (300,)
    fitted.fit(X, y)
    coefs, loss = fitted.coefs_[0].copy(), fitted.loss_
    fitted.fit(X, y, callbacks=over)
    np.testing.assert_array_equal(fitted.coefs_[0], coefs)
    assert (fitted.n_iter_, fitted.loss_) == (0, loss)


def test_a_network_that_no_epoch_trained_is_what_partial_fit_trains():
    """Not the one before, nor by the optimizer that knows that one."""

    class Over(bm.Callback):
        def on_fit_begin(self, training):
            return True

    fitted = make().fit(X, y)
    fitted.set_params(hidden_layer_sizes=(5,)).fit(X, y, callbacks=Over())
    assert np.isnan(fitted.loss_)
    before = fitted.coefs_[0].copy()
    fitted.partial_fit(X, y)
    assert fitted.coefs_[0].shape == (64, 5)
    assert (fitted.coefs_[0] != before).any(axis=0).all()
    loss = fitted.loss_
    assert pickle.loads(pickle.dumps(fitted)).partial_fit(X, y).loss_ < loss


def test_partial_fit_after_another_solver_begins_anew():
    fitted = make().fit(X, y).set_params(solver="lbfgs").fit(X, y).set_params(solver="adam")
    before = fitted.coefs_[0].copy()
    fitted.partial_fit(X, y)
    assert (fitted.coefs_[0] != before).any(axis=0).all()


@SOLVERS
def test_callbacks_are_told_of_all(solver):
    class Record(bm.Callback):
        def __init__(self):
            self.events = []

        def on_fit_begin(self, training):
            self.events.append(("begin", training.columns, training.epochs))

        def on_epoch_end(self, training):
            self.events.append((len(training.history), training.net.parameters.sum()))

        def on_fit_end(self, training):
            self.events.append(("end", training.error))

    record = Record()
    fitted = make(solver).fit(X, y, callbacks=[record], eval_set=(X, y))
    assert record.events[0] == ("begin", ("loss", "eval_score", "seconds"), 6)
    assert record.events[-1] == ("end", None)
    assert [event[0] for event in record.events[1:-1]] == [1, 2, 3, 4, 5, 6]
    assert len({event[1] for event in record.events[1:-1]}) == 6  # the parameters go on
    assert fitted.n_iter_ == 6


def test_early_stopping_by_a_callback_restores():
    stopping = bm.EarlyStopping(patience=None, monitor="loss")
    fitted = make("sgd", learning_rate_init=3.0, max_iter=20).fit(X, y, callbacks=stopping)
    assert stopping.best == min(fitted.loss_curve_)
    best = make("sgd", learning_rate_init=3.0, max_iter=stopping.best_epoch).fit(X, y)
    np.testing.assert_array_equal(fitted.coefs_[0], best.coefs_[0])
    np.testing.assert_array_equal(fitted.predict_proba(X), best.predict_proba(X))


def test_an_error_in_a_callback_passes_on():
    def fail(history):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        make().fit(X, y, callbacks=fail)
    with pytest.raises(TypeError, match="callbacks"):
        make().fit(X, y, callbacks=3)


def test_loggers(tmp_path):
    make().fit(X, y, callbacks=bm.CSVLogger(tmp_path / "log.csv"), eval_set=(X, y))
    lines = (tmp_path / "log.csv").read_text("utf-8").splitlines()
    assert len(lines) == 7
    assert "eval_score" in lines[0]


# --- scikit-learn's own protocol ---------------------------------------------------------------


class Recorder:
    """What a callback of scikit-learn's must have; notes what it is told."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stop_after, self.events = stop_after, []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None):
        self.events.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.events.append(f"end {context.task_name} {context.task_id}")
        self.scores = [*getattr(self, "scores", []), fitted_estimator.score(X, y)]
        return context.task_id + 1 == self.stop_after


needs_protocol = pytest.mark.skipif(
    not hasattr(bm.MLPClassifier, "set_callbacks"), reason="scikit-learn has no callbacks yet"
)


@needs_protocol
@SOLVERS
def test_tasks(solver):
    recorder = Recorder()
    fitted = make(solver, max_iter=3).set_callbacks(recorder).fit(X, y)
    expected = ["setup", "begin fit 0"]
    for epoch in range(3):
        expected += [f"begin epoch {epoch}", f"end epoch {epoch}"]
    assert recorder.events == [*expected, "end fit 0", "teardown"]
    assert recorder.scores[-1] == fitted.score(X, y)
    assert recorder.scores[0] != recorder.scores[-1]


@needs_protocol
@SOLVERS
def test_a_task_may_end_the_fit(solver):
    fitted = make(solver).set_callbacks(Recorder(stop_after=2)).fit(X, y)
    assert fitted.n_iter_ == 2


@needs_protocol
def test_callbacks_of_scikit_learn_itself():
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    make(max_iter=4).set_callbacks(monitor).fit(X, y, np.ones(300))
    logged = monitor.get_logs().data
    assert [row["task_name"] for row in logged].count("epoch") == 4
    assert all(0 <= row["accuracy"] <= 1 for row in logged)


@needs_protocol
def test_a_progress_bar_goes_down_to_the_epochs_of_a_search(capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    search = GridSearchCV(make(max_iter=3), {"alpha": [0.1, 1.0]}, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None))
    search.fit(X, y)
    assert "MLPClassifier" in capsys.readouterr().out
    assert clone(search).estimator.get_params() == search.estimator.get_params()
