"""Callbacks: who is called when and with what, and what the ready-made ones write."""

from __future__ import annotations

import csv
import json
import struct
from pathlib import Path
from unittest import mock

import briskmlp as bm
import numpy as np
import pytest

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=40)


@pytest.fixture
def net() -> bm.MLP:
    return bm.MLP([3, 4, 1], seed=0)


class Log(bm.Callback):
    """Writes down its calls; fails in the one called `where`."""

    def __init__(self, name: str, calls: list[str], where: str = "", stop_at: int = 0) -> None:
        self.name, self.calls, self.where, self.stop_at = name, calls, where, stop_at

    def note(self, what: str) -> None:
        self.calls.append(f"{self.name} {what}")
        if what == self.where:
            raise LookupError(f"{self.name} {what}")

    def on_fit_begin(self, training: bm.Training) -> None:
        self.note("begin")

    def on_epoch_end(self, training: bm.Training) -> bool:
        self.note(f"epoch {len(training.history)}")
        return len(training.history) == self.stop_at

    def on_fit_end(self, training: bm.Training) -> None:
        self.note(f"end {type(training.error).__name__}")


# --- The protocol ------------------------------------------------------------------------------


def test_order_of_calls(net: bm.MLP) -> None:
    calls: list[str] = []
    history = net.fit(
        X, Y, epochs=5, callbacks=[Log("a", calls, stop_at=2), Log("b", calls)]
    )  # all are told of the epoch in which one stops
    assert len(history) == 2
    assert calls == [
        "a begin", "b begin", "a epoch 1", "b epoch 1", "a epoch 2", "b epoch 2",
        "a end NoneType", "b end NoneType",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "calls"),
    [
        ("begin", ["a begin", "b begin", "a end LookupError"]),
        ("epoch 1", ["a begin", "b begin", "c begin", "a epoch 1", "b epoch 1",
                     "a end LookupError", "b end LookupError", "c end LookupError"]),
    ],
)  # fmt: skip
def test_who_began_is_ended(net: bm.MLP, where: str, calls: list[str]) -> None:
    before, seen = net.parameters.copy(), []
    followers = [Log("a", seen), Log("b", seen, where), Log("c", seen)]
    with pytest.raises(LookupError, match=f"b {where}"):
        net.fit(X, Y, epochs=3, callbacks=followers)
    assert seen == calls
    if where == "begin":
        np.testing.assert_array_equal(net.parameters, before)
        assert net.history is None


def test_an_error_at_the_end_hides_nothing(net: bm.MLP) -> None:
    calls: list[str] = []
    with pytest.raises(LookupError, match="a end NoneType"):
        net.fit(X, Y, epochs=1, callbacks=[Log("a", calls, "end NoneType"), Log("b", calls)])
    assert calls[-1] == "b end NoneType"
    assert net.epochs_trained == 1
    net.fit(X, Y, epochs=1)


def test_a_fit_that_is_refused_calls_no_callbacks(net: bm.MLP) -> None:
    calls: list[str] = []

    def again(_: bm.History) -> None:
        with pytest.raises(RuntimeError, match="being fitted already"):
            net.fit(X, Y, callbacks=Log("a", calls))

    net.fit(X, Y, epochs=1, callback=again)
    assert calls == []
    assert net.epochs_trained == 1


def test_what_a_training_shows(net: bm.MLP) -> None:
    net.fit(X, Y, epochs=2)
    seen = []

    class Look(bm.Callback):
        def on_epoch_end(self, training: bm.Training) -> None:
            assert training.net is net
            assert net.history is training.history
            assert training.history.keys() == list(training.columns)
            seen.append((len(training.history), net.epochs_trained, net.evaluate(X, Y).loss))
            assert (training.epochs, training.rows, training.batch_size) == (3, 40, 16)
            assert training.batches == 3

    history = net.fit(X, Y, epochs=3, batch_size=16, eval_set=(X, Y), metrics="mae",
                      callbacks=Look())  # fmt: skip
    assert [row[:2] for row in seen] == [(1, 3), (2, 4), (3, 5)]
    assert [row[2] for row in seen] == history["eval_loss"].tolist()


def test_functions_and_objects_together(net: bm.MLP) -> None:
    calls: list[str] = []

    def first(history: bm.History) -> None:
        calls.append(f"first {len(history)}")

    def second(history: bm.History) -> bool:
        calls.append(f"second {len(history)}")
        return True

    net.fit(X, Y, epochs=3, callback=first, callbacks=[second, Log("a", calls)])
    assert calls == ["a begin", "first 1", "second 1", "a epoch 1", "a end NoneType"]


@pytest.mark.parametrize(
    ("callbacks", "message"),
    [
        (3, "callbacks must be functions or Callbacks, got 3"),
        ("log", "callbacks must be functions or Callbacks, got 'log'"),
        ([None, 3], r"callbacks\[1\] must be functions or Callbacks, got 3"),
        ([bm.EarlyStopping], r"callbacks\[0\] has the class EarlyStopping; make one: call it"),
    ],
)
def test_callbacks_that_are_none(net: bm.MLP, callbacks, message: str) -> None:
    before = net.parameters.copy()
    with pytest.raises(TypeError, match=message):
        net.fit(X, Y, callbacks=callbacks)
    np.testing.assert_array_equal(net.parameters, before)


def test_callbacks_change_nothing(net: bm.MLP, tmp_path: Path) -> None:
    twin = net.copy()
    net.fit(X, Y, epochs=4, callbacks=[
        bm.Callback(), bm.CSVLogger(tmp_path / "a"), bm.Checkpoint(tmp_path),
        bm.EarlyStopping(restore_best=False),
    ])  # fmt: skip
    twin.fit(X, Y, epochs=4)
    np.testing.assert_array_equal(net.parameters, twin.parameters)


# --- Loggers -----------------------------------------------------------------------------------


def test_csv(net: bm.MLP, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    first = net.fit(X, Y, epochs=3, eval_set=(X, Y), callbacks=bm.CSVLogger(path))
    second = net.fit(X, Y, epochs=2, eval_set=(X, Y), callbacks=bm.CSVLogger(path, append=True))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row.pop("epoch") for row in rows] == ["1", "2", "3", "4", "5"]
    figures = [{name: float(value) for name, value in row.items()} for row in rows]
    assert figures == [*first, *second]
    with pytest.raises(ValueError, match=r"log.csv has the columns .*'eval_loss'.*, this fit"):
        net.fit(X, Y, epochs=2, callbacks=bm.CSVLogger(path, append=True))
    assert net.epochs_trained == 5
    net.fit(X, Y, epochs=1, callbacks=bm.CSVLogger(path))
    assert len(path.read_text().splitlines()) == 2


def test_json_lines(net: bm.MLP, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    metrics = {"odd": lambda *_: float("nan")}
    logger = bm.JSONLinesLogger(path, append=True)
    for _ in range(2):
        history = net.fit(X, Y, epochs=2, eval_set=(X, Y), metrics=metrics, callbacks=logger)
    rows = [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert rows[3]["loss"] == history[1]["loss"]
    assert rows[3]["eval_odd"] is None


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("logger", [bm.CSVLogger, bm.JSONLinesLogger])
@pytest.mark.parametrize("lost", [0, 1, 3, 6], ids=lambda n: f"{n} lines lost")
def test_a_resumed_fit_goes_on_in_the_log(tmp_path: Path, logger, append: bool, lost: int) -> None:
    """Whatever the log had, it ends as if the fit had never stopped."""
    path, earlier = tmp_path / "log", 2
    settings = {"batch_size": 8, "optimizer": bm.SGD(0.01)}

    def fit(net: bm.MLP, epochs: int, **others: object) -> bm.History:
        keep = bm.Checkpoint(tmp_path / "run", keep_last=None, overwrite=True)
        follow = [logger(path, append=append), keep]
        return net.fit(X, Y, epochs=epochs, callbacks=follow, **settings, **others)

    net = bm.MLP([3, 4, 1], seed=0)
    net.fit(X, Y, epochs=earlier, callbacks=logger(path, append=append), **settings)
    fit(net, 6)
    lines = path.read_bytes().splitlines(keepends=True)
    if lost:  # and the next one was cut short
        path.write_bytes(b"".join(lines[:-lost]) + lines[-lost][:-5])
    again = bm.MLP([3, 4, 1], seed=5)
    history = fit(again, 7, resume=tmp_path / "run" / "epoch-000006.npz")
    text = path.read_text()
    if logger is bm.CSVLogger:
        rows = list(csv.DictReader(text.splitlines()))
    else:
        rows = [json.loads(line) for line in text.splitlines()]
    epochs = [int(row["epoch"]) for row in rows]
    first = 1 if append else earlier + 1
    assert epochs == list(range(first, earlier + 8))
    assert [float(row["loss"]) for row in rows[-7:]] == history["loss"].tolist()


@pytest.mark.parametrize("line", ["a note", '["epoch", 9]', '{"epoch": "9"}', "{}", "9"])
def test_lines_that_are_no_epochs_stay_in_a_log(tmp_path: Path, line: str) -> None:
    path, keep = tmp_path / "log.jsonl", bm.Checkpoint(tmp_path / "run")
    bm.MLP([3, 1], seed=1).fit(X, Y, epochs=2, callbacks=keep)
    path.write_text(f"{line}\n")
    logger = bm.JSONLinesLogger(path, append=True)
    bm.MLP([3, 1], seed=1).fit(X, Y, epochs=3, callbacks=logger, resume=tmp_path / "run")
    first, *others = path.read_text().splitlines()
    assert first == line
    assert [json.loads(other)["epoch"] for other in others] == [1, 2, 3]


def test_a_log_of_several_fits_is_shortened_at_its_end_only(tmp_path: Path) -> None:
    path, keep = tmp_path / "log.csv", bm.Checkpoint(tmp_path / "run", keep_last=None)
    logger = bm.CSVLogger(path, append=True)
    bm.MLP([3, 1], seed=1).fit(X, Y, epochs=5, callbacks=logger)
    bm.MLP([3, 1], seed=2).fit(X, Y, epochs=4, callbacks=[logger, keep])
    keep.overwrite = True
    resume = tmp_path / "run" / "epoch-000002.npz"
    bm.MLP([3, 1], seed=2).fit(X, Y, epochs=3, callbacks=[logger, keep], resume=resume)
    epochs = [line.split(",")[0] for line in path.read_text().splitlines()]
    assert epochs == ["epoch", *"12345", *"123"]


def test_logs_are_up_to_date_and_closed_after_an_error(net: bm.MLP, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"

    def fail(history: bm.History) -> None:
        assert len(path.read_text().splitlines()) == 1 + len(history)
        if len(history) == 2:
            raise LookupError

    with pytest.raises(LookupError):
        net.fit(X, Y, callbacks=[bm.CSVLogger(path), fail])
    path.unlink()


def test_tensorboard(net: bm.MLP, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event

    history = net.fit(X, Y, epochs=3, callbacks=bm.TensorBoard(tmp_path / "run"))
    (path,) = (tmp_path / "run").iterdir()
    data, scalars = path.read_bytes(), {}
    while data:  # records: length, checksum, event, checksum
        (length,) = struct.unpack("<Q", data[:8])
        event, data = Event.FromString(data[12 : 12 + length]), data[16 + length :]
        for value in event.summary.value:
            scalars[value.tag, event.step] = value.simple_value
    losses = [scalars["loss", epoch] for epoch in (1, 2, 3)]
    np.testing.assert_array_equal(losses, history["loss"].astype("f4"))


def test_a_resumed_fit_hides_what_tensorboard_has_of_later_epochs(
    net: bm.MLP, tmp_path: Path, monkeypatch
) -> None:
    writer = mock.MagicMock()
    monkeypatch.setattr("briskmlp._loggers._summary_writer", lambda: writer)
    keep = bm.Checkpoint(tmp_path)
    net.fit(X, Y, epochs=3, callbacks=[keep, bm.TensorBoard("a")])
    net.fit(X, Y, epochs=4, callbacks=[keep, bm.TensorBoard("a")], resume=tmp_path)
    assert writer.call_args_list == [mock.call("a", purge_step=None), mock.call("a", purge_step=4)]


def test_tensorboard_that_is_not_installed(tmp_path: Path, monkeypatch) -> None:
    for name in ("tensorboardX", "torch", "torch.utils.tensorboard"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(ImportError, match="needs tensorboardX: pip install"):
        bm.TensorBoard(tmp_path)


# --- Checkpoints -------------------------------------------------------------------------------


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_checkpoints_are_the_network_then(net: bm.MLP, tmp_path: Path) -> None:
    parameters = [net.parameters.copy()]
    checkpoint = bm.Checkpoint(tmp_path / "a" / "b", every=2, keep_last=None, keep_best=False)

    def keep(_: bm.History) -> None:
        parameters.append(net.parameters.copy())

    history = net.fit(X, Y, epochs=5, callbacks=[keep, checkpoint])
    assert files(checkpoint.folder) == ["epoch-000002.npz", "epoch-000004.npz"]
    for epoch in (2, 4):
        saved = bm.load(checkpoint.folder / f"epoch-00000{epoch}.npz")
        np.testing.assert_array_equal(saved.parameters, parameters[epoch])
        assert saved.epochs_trained == epoch
        assert saved.history.to_dict() == history[:epoch].to_dict()
    assert checkpoint.latest_path == checkpoint.folder / "epoch-000004.npz"


def test_the_best_and_the_last_are_kept(net: bm.MLP, tmp_path: Path) -> None:
    script = iter([3.0, float("nan"), 1.0, 2.0, 2.0, 1.5, 0.5])
    checkpoint = bm.Checkpoint(tmp_path, keep_last=2, monitor="eval_score", mode="min")
    (tmp_path / "epoch-000000.npz").write_bytes(b"not ours")
    arguments = {"eval_set": (X, Y), "metrics": {"score": lambda *_: next(script)}}
    net.fit(X, Y, epochs=5, callbacks=checkpoint, **arguments)
    ours = ["best.npz", "epoch-000000.npz", "epoch-000004.npz", "epoch-000005.npz"]
    assert files(tmp_path) == ours
    assert bm.load(tmp_path / "best.npz").epochs_trained == 3
    net.fit(X, Y, epochs=1, callbacks=checkpoint, **arguments)  # 1.5 is not the best of both
    assert bm.load(tmp_path / "best.npz").epochs_trained == 3
    net.fit(X, Y, epochs=1, callbacks=checkpoint, **arguments)
    assert bm.load(tmp_path / "best.npz").epochs_trained == 7
    assert files(tmp_path)[2:] == ["epoch-000006.npz", "epoch-000007.npz"]


def test_training_goes_on_from_a_checkpoint_as_if_it_had_not_ended(tmp_path: Path) -> None:
    sgd = {"optimizer": bm.SGD(0.01), "batch_size": 8}  # has no state
    whole, parts = (bm.MLP([3, 4, 1], seed=0) for _ in range(2))
    whole.fit(X, Y, epochs=6, **sgd)
    checkpoint = bm.Checkpoint(tmp_path)

    def fail(history: bm.History) -> None:
        if len(history) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.fit(X, Y, epochs=6, callbacks=[checkpoint, fail], **sgd)
    resumed = bm.load(checkpoint.latest_path)
    resumed.fit(X, Y, epochs=6 - resumed.epochs_trained, **sgd)
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)


def test_a_checkpoint_that_cannot_be_written_ends_the_fit(net: bm.MLP, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        net.fit(X, Y, callbacks=bm.Checkpoint(tmp_path / "file"))
    assert net.history is None
    with pytest.raises(ValueError, match="every must be at least 1, got 0"):
        bm.Checkpoint(tmp_path, every=0)
    with pytest.raises(ValueError, match="keep_last must be at least 0, got -1"):
        bm.Checkpoint(tmp_path, keep_last=-1)


def test_files_of_later_epochs_are_an_error_unless_they_may_be_deleted(tmp_path: Path) -> None:
    def fit(epochs: int, resume: Path | None = None, **settings: object) -> None:
        net = bm.MLP([3, 4, 1], seed=0)
        net.fit(X, Y, epochs=epochs, resume=resume, callbacks=bm.Checkpoint(tmp_path, **settings))

    fit(4, keep_last=None)
    before = files(tmp_path)
    message = r"has epoch-000004\.npz, and this training begins after epoch 0: go on .*resume="
    with pytest.raises(FileExistsError, match=message):
        fit(2)
    with pytest.raises(FileExistsError, match="begins after epoch 2"):
        fit(3, resume=tmp_path / "epoch-000002.npz")
    fit(2, keep_last=0)  # which writes no such files
    assert files(tmp_path) == before
    fit(3, resume=tmp_path / "epoch-000002.npz", keep_last=None, overwrite=True)
    assert files(tmp_path) == ["best.npz", *(f"epoch-00000{epoch}.npz" for epoch in (1, 2, 3))]
    fit(1, overwrite=True)
    assert files(tmp_path) == ["best.npz", "epoch-000001.npz"]
    with pytest.raises(TypeError, match="overwrite must be True or False, got 1"):
        bm.Checkpoint(tmp_path, overwrite=1)


def test_a_resumed_fit_takes_over_the_files_that_it_deletes(tmp_path: Path) -> None:
    for epochs in (3, 5):
        keep = bm.Checkpoint(tmp_path, keep_last=2, keep_best=False)
        bm.MLP([3, 4, 1], seed=0).fit(X, Y, epochs=epochs, callbacks=keep, resume=tmp_path)
        assert files(tmp_path) == [f"epoch-00000{epoch}.npz" for epoch in (epochs - 1, epochs)]
        assert keep.latest_path == tmp_path / f"epoch-00000{epochs}.npz"
    other = tmp_path / "other"
    keep = bm.Checkpoint(other, keep_last=1, keep_best=False)
    other.mkdir()
    (other / "epoch-000002.npz").touch()  # not of the fit that is resumed
    bm.MLP([3, 4, 1], seed=0).fit(X, Y, epochs=7, callbacks=keep, resume=tmp_path)
    assert files(other) == ["epoch-000002.npz", "epoch-000007.npz"]
