"""The display that `fit` updates after each epoch: tqdm's bar if it is installed, else a line.

Or rich's, if it is asked for.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

import numpy as np

from ._names import unknown_name

PATIENCE = 0.5  # seconds that a training may take before anything appears unasked
REDRAW = 0.1  # seconds between two states of one line on a terminal
NEW_LINE = 1.0  # seconds between two lines where the output is not a terminal


class Progress(Protocol):
    """What the training loop tells a display."""

    def update(self, epoch: int, record: dict[str, float]) -> None:
        """Epoch number `epoch`, counted from 0, has ended with the figures of `History`."""

    def close(self) -> None:
        """Training has ended, however it did."""


class Silent:
    """No display."""

    def update(self, epoch: int, record: dict[str, float]) -> None:
        pass

    def close(self) -> None:
        pass


def _duration(seconds: float) -> str:
    """Write a time as minutes and seconds, or hours, minutes and seconds.

    >>> _duration(9.6), _duration(75), _duration(3600)
    ('0:10', '1:15', '1:00:00')
    """
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _rate(value: float) -> str:
    """Write a rate to three digits, with its thousands named.

    >>> _rate(12.3), _rate(12345), _rate(3.4e6)
    ('12.3', '12.3k', '3.4M')
    """
    for factor, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g}{suffix}"
    return f"{value:.3g}"


def _figures(record: dict[str, float], metric_name: str) -> dict[str, str]:
    """Name and round the losses and the metric of an epoch for reading."""
    return {
        metric_name if name == "eval_metric" else name: f"{value:.4g}"
        for name, value in record.items()
        if name != "seconds"
    }


class Line:
    """A plain line, rewritten in place on a terminal and written anew, less often, elsewhere."""

    def __init__(
        self,
        epochs: int,
        rows: int,
        metric_name: str,
        stream: TextIO,
        delay: float = 0,
        before: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.epochs, self.rows, self.metric_name = epochs, rows, metric_name
        self.before = before
        self.stream, self.clock = stream, clock
        self.in_place = stream.isatty()
        self.interval = REDRAW if self.in_place else NEW_LINE
        self.start = clock()
        self.next_write = self.start + delay
        self.width = 0  # of the text that was written last
        self.pending = ""  # the newest text, if it was too early to write it

    def update(self, epoch: int, record: dict[str, float]) -> None:
        now = self.clock()
        text = self.text(epoch + 1, max(now - self.start, 1e-9), record)
        if now >= self.next_write:
            self.next_write = now + self.interval
            self.write(text)
            self.pending = ""
        else:
            self.pending = text

    def text(self, done: int, elapsed: float, record: dict[str, float]) -> str:
        """Write the line for `done` epochs in `elapsed` seconds."""
        figures, here = _figures(record, self.metric_name), done - self.before
        parts = [
            f"epoch {done:>{len(str(self.epochs))}}/{self.epochs}",
            f"{_rate(self.rows * here / elapsed)} rows/s",
            *(f"{name} {value}" for name, value in figures.items()),
            f"{_duration(elapsed / here * (self.epochs - done))} left"
            if done < self.epochs
            else f"{_duration(elapsed)} in all",
        ]
        return " | ".join(parts)

    def write(self, text: str) -> None:
        self.stream.write(f"\r{text:<{self.width}}" if self.in_place else f"{text}\n")
        self.stream.flush()
        self.width = len(text)

    def close(self) -> None:
        if self.pending and self.width:
            self.write(self.pending)
        if self.in_place and self.width:
            self.stream.write("\n")
            self.stream.flush()
        self.pending, self.width = "", 0


class Bar:
    """tqdm's bar, counting rows, so that its rate is rows per second."""

    def __init__(
        self,
        epochs: int,
        rows: int,
        metric_name: str,
        stream: TextIO,
        delay: float = 0,
        before: int = 0,
    ) -> None:
        try:
            from tqdm import tqdm
        except ImportError as error:
            message = "progress='tqdm' needs tqdm: pip install 'briskmlp[progress]'"
            raise ImportError(message) from error
        self.epochs, self.rows, self.metric_name = epochs, rows, metric_name
        self.bar = tqdm(
            total=epochs * rows,
            initial=before * rows,
            unit=" rows",
            unit_scale=True,
            file=stream,
            delay=delay,
            dynamic_ncols=True,
        )

    def update(self, epoch: int, record: dict[str, float]) -> None:
        self.bar.set_description(f"epoch {epoch + 1}/{self.epochs}", refresh=False)
        self.bar.set_postfix(_figures(record, self.metric_name), refresh=False)
        self.bar.update(self.rows)

    def close(self) -> None:
        self.bar.close()


class Rich:
    """The rich package's bar, with rate, time left and figures."""

    def __init__(
        self,
        epochs: int,
        rows: int,
        metric_name: str,
        stream: TextIO,
        delay: float = 0,
        before: int = 0,
    ) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
            from rich.table import Column
        except ImportError as error:
            message = "progress='rich' needs rich: pip install 'briskmlp[progress]'"
            raise ImportError(message) from error
        self.epochs, self.rows, self.metric_name = epochs, rows, metric_name
        self.before = before
        self.start = time.monotonic()
        self.bar = Progress(
            TextColumn("epoch {task.completed}/{task.total}"),
            BarColumn(bar_width=8),  # leaves room for the figures in 80 columns
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[figures]}", table_column=Column(ratio=1, no_wrap=True)),
            console=Console(file=stream),
            expand=True,
        )
        self.task = self.bar.add_task("", total=epochs, completed=before, figures="")
        self.shown_from = self.start + delay

    def update(self, epoch: int, record: dict[str, float]) -> None:
        now = time.monotonic()
        if now >= self.shown_from:
            self.bar.start()
        rate = _rate(self.rows * (epoch + 1 - self.before) / max(now - self.start, 1e-9))
        figures = _figures(record, self.metric_name).items()
        text = "  ".join([f"{rate} rows/s", *(f"{name} {value}" for name, value in figures)])
        self.bar.update(self.task, completed=epoch + 1, figures=text)

    def close(self) -> None:
        self.bar.stop()


DISPLAYS: dict[str, Callable[[int, int, str, TextIO, float, int], Progress]] = {
    "line": Line,
    "tqdm": Bar,
    "rich": Rich,
}


def open_progress(
    progress: bool | str | None,
    *,
    epochs: int,
    rows: int,
    metric_name: str,
    before: int = 0,
    stream: TextIO | None = None,
) -> Progress:
    """Open the display for a training of `epochs` epochs over `rows` rows each.

    Parameters
    ----------
    progress
        None, the default of `fit`: shown if `stream` is a terminal and training takes longer than
        half a second. True: shown at once, on anything; what is not a terminal gets plain lines,
        at most one a second. False: not shown. "line", "tqdm", "rich": shown at once, in this way.
    metric_name
        What to call the figure ``eval_metric``.
    before
        How many of the epochs are over already.
    stream
        Where to write. Default: standard error.
    """
    if progress is False:
        return Silent()
    if progress is not None and not isinstance(progress, (bool, np.bool_, str)):
        raise TypeError(f"progress must be True, False, None or a name, got {progress!r}")
    if isinstance(progress, str) and progress not in DISPLAYS:
        raise ValueError(unknown_name("progress", progress, DISPLAYS))
    stream = sys.stderr if stream is None else stream
    # Standard error is None under pythonw, and then there is nowhere to show anything.
    if stream is None or not (stream.isatty() if progress is None else progress):
        return Silent()
    delay = PATIENCE if progress is None else 0.0
    if isinstance(progress, str):
        return DISPLAYS[progress](epochs, rows, metric_name, stream, delay, before)
    if stream.isatty():
        try:
            return Bar(epochs, rows, metric_name, stream, delay, before)
        except ImportError:
            pass
    return Line(epochs, rows, metric_name, stream, delay, before)
