"""One training: the settings for the core, and what becomes of its reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ._algorithm import Algorithm, Report
from ._callbacks import Callback, Training, begin, end
from ._datasets import Dataset
from ._errors import DivergenceError
from ._history import History
from ._progress import Progress, Silent
from ._rates import RatesOfEpoch
from ._validate import positive_int

if TYPE_CHECKING:
    from ._metrics import Scorer
    from ._predictor import Predictor

BATCH_SIZE = 128  # rows of a minibatch unless told otherwise


def rows_per_step(batch_size: int | None, rows: int) -> int:
    """The batch size to use for a number of rows."""
    if batch_size is None:
        return min(BATCH_SIZE, rows)
    size = positive_int(batch_size, "batch_size")
    if size > rows:
        raise ValueError(f"batch_size is {size}, X has {rows} rows")
    return size


def make_scorer(
    metrics: object, net: Predictor, eval_data: Dataset | None, eval_set: object
) -> Scorer | None:
    """What evaluates the `metrics` of a fit, if there are any."""
    if metrics is None:
        return None
    if eval_data is None:
        raise ValueError("metrics are of the evaluation set: pass eval_set=(X, y) too")
    from ._metrics import Scorer

    return Scorer(metrics, net, eval_data, cast(Sequence[Any], eval_set)[1])


def columns(eval_data: Dataset | None, scorer: Scorer | None) -> tuple[str, ...]:
    """The figures that each epoch has in the history."""
    if eval_data is None:
        return ("loss", "seconds")
    return ("loss", "eval_loss", "eval_metric", *(scorer.columns if scorer else ()), "seconds")


def train(
    training: Training,
    data: Dataset,
    eval_data: Dataset | None,
    algorithm: Algorithm,
    *,
    rate: float | RatesOfEpoch,
    scorer: Scorer | None,
    display: Progress,
    callbacks: Sequence[Callback],
) -> None:
    """Train in place. Leaves the finished epochs, and what ended it early, in `training`."""
    history = training.history
    no_scores = dict.fromkeys(scorer.columns, math.nan) if scorer else {}

    def append(report: Report, scores: dict[str, float]) -> None:
        record = {"loss": report.loss}
        if eval_data is not None:
            record |= {"eval_loss": report.eval_loss, "eval_metric": report.eval_metric}
            record |= scores
        record["seconds"] = report.seconds
        history.append(record)

    def on_epoch(report: Report) -> bool:
        append(report, scorer() if scorer else no_scores)
        training.tell_net(len(history))
        display.update(report.epoch - 1, history[-1])
        wishes = [callback.on_epoch_end(training) for callback in callbacks]  # all are told
        return any(wishes)

    # Without anyone to tell, the core need not wait for the interpreter after each epoch.
    followed = callbacks or scorer or callable(rate) or not isinstance(display, Silent)
    with closing(display):
        begin(callbacks, training)
        try:
            outcome = algorithm(
                training.net._network, data, eval_data, on_epoch if followed else None
            )
            # Those that nobody followed, or that a metric failed on.
            for report in outcome.epochs[len(history) :]:
                append(report, no_scores)
            training.error = outcome.error
            if outcome.diverged and outcome.error is None:
                if callable(rate):
                    rate = float(rate(outcome.epoch - 1, training.batches)[outcome.step - 1])
                training.error = DivergenceError(outcome.epoch, outcome.step, history, rate)
            training.tell_net(epochs_kept(history, training.error))
        except BaseException as error:
            training.error = error
            raise
        finally:
            display.close()  # what callbacks print comes after it
            end(callbacks, training)


def epochs_kept(history: History, error: BaseException | None) -> int:
    """How many epochs the parameters have seen: after a divergence, those before the best."""
    if isinstance(error, DivergenceError) and len(history):
        return int(np.argmin(history["loss"]))
    return len(history)
