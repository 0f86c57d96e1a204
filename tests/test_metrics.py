"""Figures of merit by name, beside scikit-learn's, and functions of one's own."""

from __future__ import annotations

from functools import partial

import briskmlp as bm
import numpy as np
import pytest
from briskmlp._metrics import OF_CLASSES, OF_NUMBERS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
LABELS = RNG.integers(3, size=60)
ANSWERS = RNG.integers(2, size=(60, 2))
NUMBERS = RNG.normal(size=(60, 2))

# Predictions are float32, which halves the digits of what is computed from them in float64.
ERROR = 1e-5


def scores(net: bm.MLP, y, metrics) -> dict[str, float]:
    """The figures after one epoch."""
    return net.fit(X, y, epochs=1, eval_set=(X, y), metrics=metrics)[-1]


@pytest.mark.parametrize("targets", ["labels", "one-hot"])
def test_classes_by_scikit_learn(targets: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    net = bm.MLP([3, 8, 3], loss="cross_entropy", seed=0)
    row = scores(net, LABELS if targets == "labels" else np.eye(3)[LABELS], [*OF_CLASSES])
    p = net.predict(X).astype("f8")
    guess = p.argmax(axis=1)
    assert row["eval_accuracy"] == metrics.accuracy_score(LABELS, guess)
    assert row["eval_accuracy"] == pytest.approx(row["eval_metric"])
    expected = metrics.balanced_accuracy_score(LABELS, guess)
    assert row["eval_balanced_accuracy"] == pytest.approx(expected, rel=1e-12)
    expected = metrics.f1_score(LABELS, guess, average="macro")
    assert row["eval_f1"] == pytest.approx(expected, rel=1e-12)
    by_class = [metrics.brier_score_loss(c == LABELS, p[:, c]) for c in range(3)]
    assert row["eval_brier"] == pytest.approx(sum(by_class), rel=ERROR)


def test_answers_by_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    net = bm.MLP([3, 8, 2], loss="binary_cross_entropy", seed=0)
    row = scores(net, ANSWERS, [*OF_CLASSES])
    p = net.predict(X).astype("f8")
    pairs = [(ANSWERS[:, k], p[:, k]) for k in range(2)]

    def mean(score, decided: bool = True) -> float:
        return np.mean([score(t, (q >= 0.5).astype(int) if decided else q) for t, q in pairs])

    assert row["eval_accuracy"] == pytest.approx(mean(metrics.accuracy_score), rel=1e-12)
    assert row["eval_accuracy"] == pytest.approx(row["eval_metric"], rel=1e-12)
    expected = mean(metrics.balanced_accuracy_score)
    assert row["eval_balanced_accuracy"] == pytest.approx(expected, rel=1e-12)
    assert row["eval_f1"] == pytest.approx(mean(metrics.f1_score), rel=1e-12)
    expected = mean(metrics.brier_score_loss, decided=False)
    assert row["eval_brier"] == pytest.approx(expected, rel=ERROR)


@pytest.mark.parametrize("loss", ["focal", bm.CrossEntropy(0.1)])
def test_one_hot_rows_have_their_class(loss: bm.Loss) -> None:
    rows = [
        scores(bm.MLP([3, 8, 3], loss=loss, seed=0), y, [*OF_CLASSES])
        for y in (LABELS, np.eye(3)[LABELS])
    ]
    names = [f"eval_{name}" for name in OF_CLASSES]
    assert [rows[0][name] for name in names] == pytest.approx([rows[1][name] for name in names])


@pytest.mark.parametrize("levels", [[0.3], [0.1, 0.5], [0.1, 0.5, 0.9], [0.1, 0.5, 0.8, 0.9]])
def test_quantiles_are_judged_by_the_middle_one(levels: list[float]) -> None:
    net = bm.MLP([3, 8, 2 * len(levels)], loss=bm.Quantile(levels), seed=0)
    row = scores(net, NUMBERS, ["mae"])
    middle = (len(levels) - 1) // 2
    p = net(X)[:, 2 * middle : 2 * middle + 2]  # which is a raw output
    assert row["eval_mae"] == pytest.approx(np.abs(NUMBERS - p).mean(), rel=ERROR)


@pytest.mark.parametrize("loss", ["mse", "gaussian_nll"])
def test_numbers_by_scikit_learn(loss: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    net = bm.MLP([3, 8, 2 if loss == "mse" else 4], loss=loss, seed=0)
    row = scores(net, NUMBERS, [*OF_NUMBERS])
    p = net.predict(X)[:, :2]
    for name, score in {
        "mae": metrics.mean_absolute_error,
        "mse": metrics.mean_squared_error,
        "rmse": lambda t, p: np.sqrt(metrics.mean_squared_error(t, p)),
        "r2": metrics.r2_score,
    }.items():
        assert row[f"eval_{name}"] == pytest.approx(score(NUMBERS, p), rel=ERROR)
    assert row["eval_max_error"] == pytest.approx(np.abs(NUMBERS - p).max(), rel=ERROR)
    assert row["eval_rmse"] == pytest.approx(row["eval_metric"], rel=ERROR)


def test_functions_see_what_was_given_and_predicted() -> None:
    net, seen = bm.MLP([3, 8, 3], loss="cross_entropy", seed=0), []
    names = np.array(["a", "b", "c"])

    def share(y, p):
        seen.append((y, p))
        return np.mean(names[y] == names[p.argmax(axis=1)])

    history = net.fit(X, LABELS, epochs=2, eval_set=(X, LABELS.tolist()), metrics=[share, "f1"])
    assert history.keys() == [
        "loss", "eval_loss", "eval_metric", "eval_f1", "eval_share", "seconds",
    ]  # fmt: skip
    np.testing.assert_array_equal(seen[1][0], LABELS)
    np.testing.assert_array_equal(seen[1][1], net.predict(X))
    np.testing.assert_allclose(history["eval_share"], history["eval_metric"])


@pytest.mark.parametrize(
    "metrics", ["mae", ["mae"], ("mae",), {"mae": "mae"}, {"mae": lambda *_: 0.0}]
)
def test_ways_to_name_one(metrics) -> None:
    net = bm.MLP([3, 1], seed=0)
    assert "eval_mae" in scores(net, X[:, 0], metrics)


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ("r_2", ValueError, "unknown metric 'r_2'; did you mean 'r2'"),
        ("f1", ValueError, "metric 'f1' is not for loss 'mse', which predicts numbers"),
        (lambda *_: 0.0, ValueError, "a metric has no name; pass a dict"),
        (partial(max, 1), ValueError, "a metric has no name"),
        (["mae", "mae"], ValueError, "metrics has two figures 'eval_mae'"),
        ({"loss": "mae"}, ValueError, "metrics has two figures 'eval_loss'"),
        ({"a": 3}, TypeError, "metrics must be names or functions, got 3"),
        (3, TypeError, "metrics must be names or functions, got 3"),
        ([3], TypeError, "metrics must be names or functions, got 3"),
    ],
)
def test_metrics_that_do_not_fit(metrics, error, message: str) -> None:
    net = bm.MLP([3, 1], seed=0)
    before = net.parameters.copy()
    with pytest.raises(error, match=message):
        net.fit(X, X[:, 0], eval_set=(X, X[:, 0]), metrics=metrics)
    np.testing.assert_array_equal(net.parameters, before)


def test_metrics_need_an_evaluation_set() -> None:
    with pytest.raises(ValueError, match="metrics are of the evaluation set: pass eval_set"):
        bm.MLP([3, 1]).fit(X, X[:, 0], metrics="mae")
    net = bm.MLP([3, 8, 3], loss="cross_entropy", seed=0)
    with pytest.raises(ValueError, match="metric 'mae' is not for loss 'cross_entropy', which"):
        scores(net, LABELS, "mae")


def test_a_metric_that_fails_ends_the_fit_with_its_error() -> None:
    calls = []

    def fail(y, p):
        calls.append(0)
        if len(calls) == 3:
            raise LookupError("mine")
        return 1.0

    net = bm.MLP([3, 1], seed=0)
    with pytest.raises(LookupError, match="mine"):
        net.fit(X, X[:, 0], epochs=9, eval_set=(X, X[:, 0]), metrics=fail)
    np.testing.assert_array_equal(net.history["eval_fail"], [1, 1, np.nan])
    assert net.epochs_trained == 3


def test_metrics_change_nothing() -> None:
    one, other = (bm.MLP([3, 8, 1], seed=0) for _ in range(2))
    one.fit(X, X[:, 0], epochs=3, eval_set=(X, X[:, 0]), metrics=[*OF_NUMBERS])
    other.fit(X, X[:, 0], epochs=3)
    np.testing.assert_array_equal(one.parameters, other.parameters)


@pytest.mark.parametrize("answer", [None, "good", [1.0, 2.0], np.ones(2), 1j, object()], ids=repr)
def test_metrics_that_return_no_number(answer) -> None:
    net = bm.MLP([1, 1], seed=0)
    with pytest.raises(TypeError, match="metric 'odd' must return a number, it returned "):
        net.fit([[1.0]], [1.0], eval_set=([[1.0]], [1.0]), metrics={"odd": lambda *_: answer})


@pytest.mark.parametrize("answer", [2, True, np.float32(2), np.full((1, 1), 2.0)], ids=repr)
def test_numbers_that_metrics_may_return(answer) -> None:
    net = bm.MLP([1, 1], seed=0)
    history = net.fit(
        [[1.0]], [1.0], epochs=1, eval_set=([[1.0]], [1.0]), metrics={"it": lambda *_: answer}
    )
    assert history["eval_it"][0] == float(np.asarray(answer).item())
