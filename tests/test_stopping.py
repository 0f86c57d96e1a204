"""When a fit ends and which parameters it leaves: early stopping, time budgets, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import briskmlp as bm
import numpy as np
import pytest

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=40)
NAN = float("nan")


class Recorder(bm.Callback):
    """Keeps the parameters after each epoch."""

    def on_fit_begin(self, training: bm.Training) -> None:
        self.parameters = [training.net.parameters.copy()]

    def on_epoch_end(self, training: bm.Training) -> None:
        self.parameters.append(training.net.parameters.copy())


def fit(figures: list[float], stopping: bm.EarlyStopping, *others, net: bm.MLP | None = None):
    """A fit whose column eval_score has these figures, whatever the network does."""
    net = bm.MLP([3, 4, 1], seed=0) if net is None else net
    script = iter(figures)
    recorder = Recorder()
    try:
        net.fit(
            X,
            Y,
            epochs=len(figures),
            eval_set=(X, Y),
            metrics={"score": lambda *_: next(script)},
            callbacks=[stopping, recorder, *others],
        )
    finally:
        assert net.history["eval_score"].tolist() == figures[: len(net.history)] or NAN in figures
    return net, recorder.parameters


def scored(patience: int | None = 10, **settings) -> bm.EarlyStopping:
    return bm.EarlyStopping(patience, monitor="eval_score", **{"mode": "min"} | settings)


@pytest.mark.parametrize(
    ("figures", "settings", "epochs", "best"),
    [
        ([5, 4, 3, 2, 1], {"patience": 1}, 5, 5),
        ([5, 4, 4, 1, 1], {"patience": 1}, 3, 2),
        ([5, 4, 6, 7, 3, 8], {"patience": 2}, 4, 2),
        ([5, 4, 6, 7, 3, 8], {"patience": 3}, 6, 5),
        ([1, 2, 3, 4, 5], {"patience": 2, "mode": "max"}, 5, 5),
        ([1, 3, 2, 2, 9], {"patience": 2, "mode": "max"}, 4, 2),
        # Better by less than min_delta is no progress, and yet the best.
        ([5, 4.9, 4.8, 4.7, 1], {"patience": 3, "min_delta": 0.5}, 4, 4),
        ([5, 4.9, 4.4, 4.3, 4.2, 1], {"patience": 2, "min_delta": 0.5}, 5, 5),
        ([5, 3, 4, 6, 9, 8], {"patience": None}, 6, 2),
        ([NAN, 5, NAN, NAN, 1], {"patience": 2}, 4, 2),
        ([-1, -2, -3, -2.5, -2.5, -9], {"patience": 2}, 5, 3),
    ],
)
def test_early_stopping(figures, settings, epochs: int, best: int) -> None:
    stopping = scored(**settings)
    net, parameters = fit(figures, stopping)
    assert len(net.history) == epochs
    assert stopping.best_epoch == net.epochs_trained == best
    assert stopping.best == figures[best - 1]
    assert stopping.stopped == (epochs < len(figures))
    np.testing.assert_array_equal(net.parameters, parameters[best])


def test_without_restoring() -> None:
    net, parameters = fit([3, 1, 2, 2, 0], scored(2, restore_best=False))
    np.testing.assert_array_equal(net.parameters, parameters[4])
    assert net.epochs_trained == 4


def test_a_fit_goes_on_from_the_best_epoch() -> None:
    """Stopped after the fourth and back to the second, it shuffles as after two epochs."""
    sgd, net = bm.SGD(0.01), bm.MLP([3, 4, 1], seed=0)
    script = iter([3, 1, 2, 2])
    net.fit(X, Y, epochs=9, batch_size=8, optimizer=sgd, eval_set=(X, Y), callbacks=scored(2),
            metrics={"score": lambda *_: next(script)})  # fmt: skip
    twin = bm.MLP([3, 4, 1], seed=0)
    twin.fit(X, Y, epochs=2, batch_size=8, optimizer=sgd)
    assert net.epochs_trained == twin.epochs_trained
    for one in (net, twin):
        one.fit(X, Y, epochs=1, batch_size=8, optimizer=sgd)
    np.testing.assert_array_equal(net.parameters, twin.parameters)


def test_one_object_serves_several_fits() -> None:
    stopping = scored(2)
    fit([3, 1, 2, 2, 0], stopping)
    net, parameters = fit([9, 8, 8.5, 8.7, 0], stopping)
    assert (stopping.best_epoch, stopping.best, len(net.history)) == (2, 8, 4)
    np.testing.assert_array_equal(net.parameters, parameters[2])


@pytest.mark.parametrize(
    ("monitor", "eval_set", "column", "sign"),
    [
        (None, None, "loss", 1),
        (None, (X, Y), "eval_loss", 1),
        ("loss", (X, Y), "loss", 1),
        ("eval_metric", (X, Y), "eval_metric", 1),  # rmse
        ("eval_mae", (X, Y), "eval_mae", 1),
        ("eval_r2", (X, Y), "eval_r2", -1),
    ],
)
def test_what_is_monitored(monitor, eval_set, column: str, sign: int) -> None:
    metrics = ["mae", "r2"] if monitor in ("eval_mae", "eval_r2") else None
    stopping, net = bm.EarlyStopping(None, monitor=monitor), bm.MLP([3, 4, 1], seed=0)
    history = net.fit(X, Y, epochs=8, eval_set=eval_set, metrics=metrics, callbacks=stopping)
    assert stopping.best_epoch == 1 + int(np.argmin(sign * history[column]))
    assert stopping.best == history[column][stopping.best_epoch - 1]


def test_accuracy_is_to_rise() -> None:
    net = bm.MLP([3, 16, 2], loss="cross_entropy", seed=0)
    stopping = bm.EarlyStopping(None, monitor="eval_metric")
    history = net.fit(
        X, Y > 0, epochs=8, optimizer=bm.Adam(0.03), eval_set=(X, Y > 0), callbacks=stopping
    )
    assert stopping.best == history["eval_metric"].max() == net.evaluate(X, Y > 0).metric
    assert history["eval_metric"].min() < stopping.best


def test_coverage_has_no_better() -> None:
    net = bm.MLP([3, 16, 3], loss="quantile", seed=0)
    message = "say whether 'eval_metric' is to fall or rise"
    with pytest.raises(ValueError, match=message):
        net.fit(X, Y, eval_set=(X, Y), callbacks=bm.EarlyStopping(monitor="eval_metric"))
    stopping = bm.EarlyStopping(None, monitor="eval_metric", mode="max")
    history = net.fit(X, Y, epochs=3, eval_set=(X, Y), callbacks=stopping)
    assert history.metric_name == "coverage"
    assert stopping.best == history["eval_metric"].max()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"patience": 0}, ValueError, "patience must be at least 1, got 0"),
        ({"patience": 1.5}, TypeError, "patience must be a whole number"),
        ({"min_delta": -1}, ValueError, "min_delta must not be negative, got -1"),
        ({"min_delta": NAN}, ValueError, "min_delta must be finite"),
        ({"min_delta": "1"}, TypeError, "min_delta must be a real number"),
        ({"mode": "up"}, ValueError, "mode must be 'min' or 'max', got 'up'"),
        ({"monitor": 3}, TypeError, "monitor must be the name of a figure, got 3"),
        ({"patience": None, "restore_best": False}, ValueError, "nothing would be done"),
    ],
)
def test_settings_that_do_not_fit(settings, error, message: str) -> None:
    with pytest.raises(error, match=message):
        bm.EarlyStopping(**settings)


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        ("eval_los", "unknown figure to monitor 'eval_los'; did you mean 'eval_loss'"),
        ("seconds", "unknown figure to monitor 'seconds'"),
        ("eval_score", "say whether 'eval_score' is to fall or rise: mode='min', say"),
    ],
)
def test_figures_that_cannot_be_monitored(monitor: str, message: str) -> None:
    net = bm.MLP([3, 1], seed=0)
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=message):
        net.fit(X, Y, eval_set=(X, Y), metrics={"score": lambda *_: 0.0},
                callbacks=bm.EarlyStopping(monitor=monitor))  # fmt: skip
    with pytest.raises(ValueError, match="those of an eval_set need one"):
        net.fit(X, Y, callbacks=bm.EarlyStopping(monitor="eval_loss"))
    np.testing.assert_array_equal(net.parameters, before)
    assert net.history is None


# --- However it ends ---------------------------------------------------------------------------


def interrupt(history: bm.History) -> None:
    if len(history) == 4:
        signal.raise_signal(signal.SIGINT)


def fail(history: bm.History) -> None:
    if len(history) == 4:
        raise LookupError("mine")


@pytest.mark.parametrize(("how", "error"), [(interrupt, KeyboardInterrupt), (fail, LookupError)])
def test_the_best_parameters_are_kept_after_an_error(how, error) -> None:
    stopping, net, recorder = scored(9), bm.MLP([3, 4, 1], seed=0), Recorder()
    script = iter([3, 1, 2, 2, 0])
    with pytest.raises(error):
        net.fit(X, Y, epochs=5, eval_set=(X, Y), metrics={"score": lambda *_: next(script)},
                callbacks=[recorder, stopping, how])  # fmt: skip
    np.testing.assert_array_equal(net.parameters, recorder.parameters[2])
    assert (net.epochs_trained, len(net.history)) == (2, 4)


def test_the_best_parameters_are_kept_after_a_divergence() -> None:
    net, recorder, stopping = bm.MLP([3, 1], seed=0), Recorder(), bm.EarlyStopping()

    def spoil(history: bm.History) -> None:
        if len(history) == 3:
            net.parameters *= 1e30

    with pytest.raises(bm.DivergenceError):
        net.fit(X, Y, epochs=9, optimizer=bm.SGD(0.01), callbacks=[recorder, stopping, spoil])
    assert net.epochs_trained == stopping.best_epoch == 3
    np.testing.assert_array_equal(net.parameters, recorder.parameters[3])


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_within_an_epoch_restores_the_best() -> None:
    program = """if True:
        import os, signal, threading
        import numpy as np
        import briskmlp as bm

        X = np.random.default_rng(0).normal(size=(200_000, 64)).astype("f4")
        net = bm.MLP([64, 64, 1], seed=0)
        kept = []
        def follow(history):
            kept.append(net.parameters.copy())
            if len(kept) == 3:
                threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
        scores = iter([2.0, 1.0, *[3.0] * 10_000])
        stopping = bm.EarlyStopping(None, monitor="eval_score", mode="min")
        try:
            net.fit(X, X[:, 0], epochs=10_000, eval_set=(X[:9], X[:9, 0]),
                    metrics={"score": lambda y, p: next(scores)}, callbacks=[follow, stopping])
        except KeyboardInterrupt:
            print("interrupted")
        print(net.epochs_trained, bool((net.parameters == kept[1]).all()))
    """
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["interrupted", "2 True"]


# --- Time --------------------------------------------------------------------------------------


def test_time_budget() -> None:
    net = bm.MLP([3, 4, 1], seed=0)
    start = time.perf_counter()
    history = net.fit(
        X, Y, epochs=100_000, time_budget=0.3, callback=lambda _: time.sleep(0.02)
    )  # epochs of 20 ms, the callback counted
    took = time.perf_counter() - start
    assert 1 < len(history) <= 15
    assert took >= 0.02 * len(history)
    # No epoch was begun that the pace of the last one would have carried beyond the end.
    assert took < 0.3 + 0.5  # which is for a busy machine


def test_a_budget_too_small_for_two_epochs() -> None:
    net = bm.MLP([3, 4, 1], seed=0)
    assert len(net.fit(X, Y, time_budget=1e-9)) == 1
    assert len(net.fit(X, Y, epochs=3, time_budget=1e9)) == 3


@pytest.mark.parametrize(
    ("seconds", "error", "message"),
    [
        (0, ValueError, "time_budget must be positive, got 0"),
        (float("inf"), ValueError, "time_budget must be finite, got inf"),
        ("1", TypeError, "time_budget must be a real number, got '1'"),
        (True, TypeError, "time_budget must be a real number, got True"),
    ],
)
def test_budgets_that_are_none(seconds, error, message: str) -> None:
    with pytest.raises(error, match=message):
        bm.MLP([3, 1]).fit(X, Y, time_budget=seconds)
