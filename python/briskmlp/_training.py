"""One training: the settings for the core, and what becomes of its reports."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import numpy as np

from . import _briskmlp_core as core
from ._config import SGD, Adam, AdamW, Optimizer
from ._errors import DivergenceError
from ._history import History
from ._names import unknown_name
from ._progress import Silent, open_progress
from ._validate import Dataset, positive_int

BATCH_SIZE = 128  # rows of a minibatch unless told otherwise
OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}


def optimizer_spec(optimizer: object) -> core.OptimizerSpec:
    """The core's settings for an optimizer, for the name of one, or for None: `Adam()`."""
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise ValueError(unknown_name("optimizer", optimizer, OPTIMIZERS))
        if optimizer == "sgd":
            raise ValueError("optimizer 'sgd' needs a learning rate: pass SGD(learning_rate)")
        optimizer = AdamW() if optimizer == "adamw" else Adam()
    settings = Adam() if optimizer is None else optimizer
    for name, kind in OPTIMIZERS.items():
        if isinstance(settings, kind):
            return core.OptimizerSpec(name, **vars(settings))
    raise TypeError(f"optimizer must be SGD, Adam, AdamW or a name, got {optimizer!r}")


def rows_per_step(batch_size: int | None, rows: int) -> int:
    """The batch size to use for a number of rows."""
    if batch_size is None:
        return min(BATCH_SIZE, rows)
    size = positive_int(batch_size, "batch_size")
    if size > rows:
        raise ValueError(f"batch_size is {size}, X has {rows} rows")
    return size


def train(
    network: core.Network,
    data: Dataset,
    eval_data: Dataset | None,
    options: core.FitOptions,
    progress: bool | None,
    callback: Callable[[History], object] | None,
) -> tuple[History, BaseException | None]:
    """Train in place. Returns the figures of the finished epochs, and what ended it early."""
    rows, metric = len(data[0]), network.metric
    history = History(metric)

    def append(report: core.EpochReport) -> None:
        record = {"loss": report.loss}
        if eval_data is not None:
            record |= {"eval_loss": report.eval_loss, "eval_metric": report.eval_metric}
        history.append(record | {"seconds": report.seconds})

    display = open_progress(progress, epochs=options.epochs, rows=rows, metric_name=metric)
    with closing(display):

        def on_epoch(report: core.EpochReport) -> bool:
            append(report)
            display.update(report.epoch - 1, history[-1])
            return callback is not None and bool(callback(history))

        # Without anyone to tell, the core need not wait for the interpreter after each epoch.
        followed = callback is not None or not isinstance(display, Silent)
        outcome = core.fit(network, data, eval_data, options, on_epoch if followed else None)
    for report in outcome.epochs[len(history) :]:
        append(report)
    if outcome.diverged and outcome.error is None:
        rate = options.learning_rate
        return history, DivergenceError(outcome.epoch, outcome.step, history, rate)
    return history, outcome.error


def epochs_kept(history: History, error: BaseException | None) -> int:
    """How many epochs the parameters have seen: after a divergence, those before the best."""
    if isinstance(error, DivergenceError) and len(history):
        return int(np.argmin(history["loss"]))
    return len(history)
