"""Callbacks that write down each epoch's figures. Epochs are counted from the network's first."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path
from typing import Any, Literal, TextIO

from ._callbacks import Callback, Training

StrPath = str | os.PathLike[str]


class _FileLogger(Callback):
    """A text file that is open during a fit, and up to date after each epoch.

    A fit that is resumed goes on in the file: with `append` its rows of epochs to be trained again
    are taken off its end, without it is written anew, and what it lacks of the epochs before comes
    from the history.
    """

    def __init__(self, path: StrPath, *, append: bool = False) -> None:
        self.path, self.append = Path(path), append
        self._file: TextIO | None = None

    def on_fit_begin(self, training: Training) -> None:
        self._check(training)
        done, resumed = training.net.epochs_trained, len(training.history)
        start = done - resumed  # the network's epochs before those of the history
        logged = 0
        if resumed and self.append:
            logged = self._take_back(done)
        mode: Literal["a", "w"] = "a" if self.append else "w"
        self._file = file = self.path.open(mode, encoding="utf-8", newline="")
        if file.tell() == 0:
            self._start(file, training)
        for epoch in range(max(start, logged), done):
            self._write(file, {"epoch": epoch + 1} | training.history[epoch - start])
        file.flush()

    def on_epoch_end(self, training: Training) -> None:
        assert self._file is not None
        self._write(self._file, {"epoch": training.net.epochs_trained} | training.history[-1])
        self._file.flush()

    def on_fit_end(self, training: Training) -> None:  # noqa: ARG002 - the protocol's
        assert self._file is not None
        self._file.close()

    def _take_back(self, done: int) -> int:
        """Shorten the file by what follows epoch `done`; returns the last epoch that it has."""
        if not self.path.exists():
            return 0
        lines = self.path.read_bytes().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):  # cut short by whatever ended the fit
            lines.pop()
        while lines and (self._epoch_of(lines[-1].decode("utf-8", "replace")) or 0) > done:
            lines.pop()
        with self.path.open("r+b") as file:
            file.truncate(sum(map(len, lines)))
        return (self._epoch_of(lines[-1].decode("utf-8", "replace")) or 0) if lines else 0

    def _check(self, training: Training) -> None:
        """Raise ValueError if the file cannot be appended to."""

    def _start(self, file: TextIO, training: Training) -> None:
        """Write what precedes the first epoch."""

    def _write(self, file: TextIO, record: dict[str, float]) -> None:
        raise NotImplementedError

    def _epoch_of(self, line: str) -> int | None:
        """The epoch whose figures a line of the file has; None if it has none."""
        raise NotImplementedError


class CSVLogger(_FileLogger):
    """Writes a line of comma-separated figures after each epoch.

    Parameters
    ----------
    path
        The file. Its first line names the columns: ``epoch`` and those of the history.
    append
        Whether to add to a file with the same columns, say of an earlier fit. Default: write anew,
        but for a fit that is resumed: with the epochs before, so that it ends as if the fit had
        never stopped.

    Raises
    ------
    ValueError
        From `fit`, if the file to be added to has other columns.

    Examples
    --------
    >>> import pathlib
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 1], init="zeros", seed=0)
    >>> history = net.fit([[1.0]], [2.0], epochs=2, callbacks=bm.CSVLogger("log.csv"))
    >>> print(pathlib.Path("log.csv").read_text())
    epoch,loss,seconds
    1,4.0,...
    2,3.9...,...
    """

    def _start(self, file: TextIO, training: Training) -> None:
        csv.writer(file, lineterminator="\n").writerow(["epoch", *training.columns])

    def _write(self, file: TextIO, record: dict[str, float]) -> None:
        csv.writer(file, lineterminator="\n").writerow(record.values())

    def _epoch_of(self, line: str) -> int | None:
        first = line.split(",", 1)[0]
        return int(first) if first.isdecimal() else None

    def _check(self, training: Training) -> None:
        if not self.append or not self.path.exists():
            return
        with self.path.open(encoding="utf-8", newline="") as file:
            had = next(csv.reader(file), None)
        has = ["epoch", *training.columns]
        if had not in (None, has):
            raise ValueError(f"{self.path} has the columns {had}, this fit {has}")


class JSONLinesLogger(_FileLogger):
    """Writes a JSON object in a line of its own after each epoch.

    Parameters
    ----------
    path
        The file.
    append
        Whether to add to what it has. Default: write anew, but for a fit that is resumed as
        `CSVLogger` does.

    Examples
    --------
    >>> import pathlib
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 1], init="zeros", seed=0)
    >>> history = net.fit([[1.0]], [2.0], epochs=1, callbacks=bm.JSONLinesLogger("log.jsonl"))
    >>> print(pathlib.Path("log.jsonl").read_text())
    {"epoch": 1, "loss": 4.0, "seconds": ...}
    """

    def _write(self, file: TextIO, record: dict[str, float]) -> None:
        # JSON has no NaN.
        finite = {name: value if math.isfinite(value) else None for name, value in record.items()}
        file.write(json.dumps(finite) + "\n")

    def _epoch_of(self, line: str) -> int | None:
        try:
            epoch = json.loads(line)["epoch"]
        except (ValueError, TypeError, LookupError):
            return None
        return epoch if isinstance(epoch, int) else None


class TensorBoard(Callback):
    """Writes each epoch's figures for TensorBoard to read.

    Needs tensorboardX (``pip install "briskmlp[tensorboard]"``), or torch with tensorboard.

    Parameters
    ----------
    folder
        Where to write; ``tensorboard --logdir`` reads it. A fit that is resumed hides what is there
        of the epochs that it trains again.
    """

    def __init__(self, folder: StrPath) -> None:
        self.folder = Path(folder)
        self._open = _summary_writer()
        self._writer: Any = None

    def on_fit_begin(self, training: Training) -> None:
        again = training.net.epochs_trained + 1 if len(training.history) else None
        self._writer = self._open(str(self.folder), purge_step=again)

    def on_epoch_end(self, training: Training) -> None:
        for name, value in training.history[-1].items():
            self._writer.add_scalar(name, value, training.net.epochs_trained)
        self._writer.flush()

    def on_fit_end(self, training: Training) -> None:  # noqa: ARG002
        self._writer.close()


def _summary_writer() -> Any:
    """The class that writes TensorBoard's files, from whichever package has it."""
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            message = "TensorBoard needs tensorboardX: pip install 'briskmlp[tensorboard]'"
            raise ImportError(message) from error
    return SummaryWriter
