"""What callbacks make of a fit that is resumed: it ends as if it had never stopped."""

from __future__ import annotations

import json

import briskmlp as bm
import numpy as np
import pytest
from test_resume import CUT, figures, network, run, table


def overfitting():
    """Settings with which the evaluation loss soon rises."""
    X, _ = table(rows=40)
    return {
        "eval_set": table(rows=30, inputs=5),
        "optimizer": bm.Adam(0.03),
        "data": (X, np.random.default_rng(1).normal(size=(40, 1))),
    }


@pytest.mark.parametrize("order", [1, -1], ids=["checkpoint first", "stopping first"])
@pytest.mark.parametrize(
    "settings", [{}, {"average": 0.8}, {"standardize": True}, {"epochs": 7}], ids=str
)
def test_early_stopping(tmp_path, order, settings):
    """From before the best epoch, from there, from later on, and after the end: all end alike."""
    settings = {"epochs": 99} | overfitting() | settings
    X, y = settings.pop("data")

    def fit(folder, resume=None):
        net, stopping = network(), bm.EarlyStopping(3)
        followers = [bm.Checkpoint(tmp_path / folder, keep_last=None), stopping][::order]
        history = net.fit(X, y, callbacks=followers, batch_size=16, resume=resume, **settings)
        return net, stopping, history

    whole, stopping, in_one = fit("whole")
    best, last = stopping.best_epoch, len(in_one)
    assert 1 <= best < last == min(best + 3, settings["epochs"])
    for epoch in range(max(1, best - 1), last + 1):
        path = tmp_path / "whole" / f"epoch-{epoch:06}.npz"
        again, other, in_two = fit(f"from {epoch}", path)
        np.testing.assert_array_equal(again.parameters, whole.parameters)
        assert figures(in_two) == figures(in_one)
        assert again.epochs_trained == whole.epochs_trained == best
        assert vars(other) | {"_monitor": 0} == vars(stopping) | {"_monitor": 0}


def test_more_patience_after_the_end(tmp_path):
    settings = overfitting()
    stopping = bm.EarlyStopping(3)
    run(tmp_path, 99, callbacks=[stopping], **settings)
    best = stopping.best_epoch
    net, history = run(tmp_path, 99, resume=tmp_path, callbacks=[bm.EarlyStopping(5)], **settings)
    assert (len(history), net.epochs_trained) == (best + 5, best)


def test_early_stopping_twice(tmp_path):
    """Two that keep different epochs, in one file."""
    settings = overfitting()
    X, y = settings.pop("data")

    def fit(folder, resume=None):
        net, two = network(), [bm.EarlyStopping(None, monitor=m) for m in ("loss", "eval_loss")]
        one = bm.Checkpoint(tmp_path / folder, keep_last=None)
        net.fit(X, y, epochs=8, callbacks=[*two, one], batch_size=16, resume=resume, **settings)
        return net, [stopping.best_epoch for stopping in two]

    whole, best = fit("whole")
    assert best[1] < best[0]
    again, too = fit("again", tmp_path / "whole" / "epoch-000007.npz")
    assert best == too
    np.testing.assert_array_equal(again.parameters, whole.parameters)


def test_a_file_without_the_best_parameters(tmp_path):
    """No early stopping took part when it was written."""
    settings = overfitting()
    run(tmp_path, 9, **settings)
    best = 1 + int(np.argmin(bm.load(tmp_path / "epoch-000009.npz").history["eval_loss"]))
    assert best < 9
    with pytest.warns(UserWarning, match=f"best epoch is {best}, from before"):
        net, _ = run(tmp_path, 10, resume=tmp_path, callbacks=[bm.EarlyStopping(None)], **settings)
    assert net.epochs_trained == 10


def test_callbacks_of_a_finished_training_begin_and_end(tmp_path):
    class Count(bm.Callback):
        calls = 0

        def on_fit_begin(self, training):
            self.calls += 1

        def on_epoch_end(self, training):
            pytest.fail("there is none")

        def on_fit_end(self, training):
            self.calls += 10

    run(tmp_path, 2)
    count = Count()
    run(tmp_path, 2, resume=tmp_path, callbacks=[count])
    assert count.calls == 11


def test_a_callback_can_want_no_epoch():
    class Enough(bm.Callback):
        def on_fit_begin(self, training):
            return True

    net = network()
    before = net.parameters.copy()
    assert len(net.fit(*table(), callbacks=[Enough(), bm.EarlyStopping()])) == 0
    np.testing.assert_array_equal(net.parameters, before)


def test_best_file_stays_the_best(tmp_path):
    run(tmp_path, CUT, optimizer=bm.Adam(0.01))
    before = bm.load(tmp_path / "best.npz")
    run(tmp_path, CUT + 1, resume=tmp_path, optimizer=bm.Adam(0.5))
    assert bm.load(tmp_path / "best.npz").epochs_trained == before.epochs_trained == CUT


@pytest.mark.parametrize("logger", [bm.CSVLogger, bm.JSONLinesLogger])
def test_a_log_that_is_gone_is_written_anew(tmp_path, logger):
    """With the epochs before, from the history."""
    run(tmp_path / "run", 2)
    kept, path = tmp_path / "run" / "epoch-000002.npz", tmp_path / "log"
    _, history = run(tmp_path / "rest", 4, resume=kept, callbacks=[logger(path, append=True)])
    lines = path.read_text().splitlines()
    if logger is bm.CSVLogger:
        assert lines.pop(0) == "epoch,loss,seconds"
        found = [line.split(",")[:2] for line in lines]
    else:
        found = [[json.loads(line)[name] for name in ("epoch", "loss")] for line in lines]
    assert [int(epoch) for epoch, _ in found] == [1, 2, 3, 4]
    assert [float(loss) for _, loss in found] == history["loss"].tolist()
