"""One training: the settings for the core, and what becomes of its reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from . import _briskmlp_core as core
from ._algorithm import Algorithm, Report, TrainingState
from ._callbacks import Callback, Training, begin, end
from ._datasets import Dataset
from ._errors import DivergenceError
from ._history import History
from ._progress import Progress, Silent
from ._validate import Array, positive_int

if TYPE_CHECKING:
    from ._metrics import Scorer
    from ._network import Network
    from ._predictor import Predictor

BATCH_SIZE = 128  # rows of a minibatch unless told otherwise


class Start(NamedTuple):
    """Where a fit begins."""

    seed: int
    epochs_trained: int
    history: History  # of the fit that it resumes, else empty
    training: TrainingState | None = None  # where that one stood
    parameters: Array | None = None  # that the network is to have; None: it is as it is to be
    init: str = ""

    def give(self, net: Network) -> Callable[[], None]:
        """Let the network, of the same layers, be as it was then; returns what undoes that.

        For whom the network belongs to, see `sole_fit`.
        """
        if self.parameters is None:
            return lambda: None
        parameters, history = net.parameters.copy(), net.history
        others = net.seed, net.init, net.epochs_trained

        def undo() -> None:
            net.parameters, net.history = parameters, history
            net.seed, net.init, net.epochs_trained = others

        net.parameters, net.history = self.parameters, self.history
        net.seed, net.init, net.epochs_trained = self.seed, self.init, self.epochs_trained
        return undo


def fresh(net: Network) -> Start:
    """The start of a fit of its own."""
    return Start(net.seed, net.epochs_trained, History(net._network.metric))


_fits: dict[core.Network, object] = {}  # each network that is being fitted, and by what


@contextmanager
def sole_fit(network: core.Network) -> Iterator[None]:
    """Keep a network to oneself: RuntimeError if another fit has it.

    The core knows of its own loop only, not of what changes the parameters from here.
    """
    this = object()
    try:
        if _fits.setdefault(network, this) is not this:
            raise RuntimeError(
                "this network is being fitted already; wait for that fit to end, or fit a copy"
            )
        yield
    finally:
        if _fits.get(network) is this:
            del _fits[network]


def rows_per_step(batch_size: int | None, rows: int, *, normalized: bool = False) -> int:
    """The batch size to use for a number of rows; with batch norm two rows are a batch's least."""
    size = min(BATCH_SIZE, rows) if batch_size is None else positive_int(batch_size, "batch_size")
    if size > rows:
        raise ValueError(f"batch_size is {size}, X has {rows} rows")
    while normalized and batch_size is None and size > 2 and rows % size == 1:
        size -= 1
    if normalized and (size == 1 or rows % size == 1):
        raise ValueError(
            f"batch_norm needs two rows or more in each batch; {rows} rows in batches of {size} "
            f"leave one with a single row: choose another batch_size"
        )
    return size


def make_scorer(
    metrics: object, net: Predictor, eval_data: Dataset | None, eval_set: object, own: bool
) -> Scorer | None:
    """What evaluates the `metrics` of a fit, if there are any; with a loss of its own or not."""
    if metrics is None:
        return None
    if eval_data is None:
        raise ValueError("metrics are of the evaluation set: pass eval_set=(X, y) too")
    from ._metrics import Scorer

    return Scorer(metrics, net, eval_data, cast(Sequence[Any], eval_set)[1], functions_only=own)


def columns(eval_data: Dataset | None, scorer: Scorer | None, own: bool) -> tuple[str, ...]:
    """The figures that each epoch has in the history; a loss of one's own has no metric."""
    if eval_data is None:
        return ("loss", "seconds")
    metric = () if own else ("eval_metric",)
    return ("loss", "eval_loss", *metric, *(scorer.columns if scorer else ()), "seconds")


def train(
    training: Training,
    start: Start,
    data: Dataset,
    eval_data: Dataset | None,
    algorithm: Algorithm,
    *,
    scorer: Scorer | None,
    display: Progress,
    callbacks: Sequence[Callback],
) -> None:
    """Train in place, from `start`. Leaves epochs, and what ended it early, in `training`.

    Should a callback fail to begin, the network is as it was.
    """
    with closing(display), sole_fit(training.net._network):
        undo = start.give(training.net)
        try:
            over = begin(callbacks, training)
        except BaseException:
            undo()
            raise
        try:
            if not over and len(training.history) < training.epochs:
                _run(training, data, eval_data, algorithm, scorer, display, callbacks)
        except BaseException as error:
            training.error = error
            raise
        finally:
            display.close()  # what callbacks print comes after it
            end(callbacks, training)


def _run(
    training: Training,
    data: Dataset,
    eval_data: Dataset | None,
    algorithm: Algorithm,
    scorer: Scorer | None,
    display: Progress,
    callbacks: Sequence[Callback],
) -> None:
    """The epochs that are left."""
    history = training.history
    done = len(history)  # before
    no_scores = dict.fromkeys(scorer.columns, math.nan) if scorer else {}

    def append(report: Report, scores: dict[str, float]) -> None:
        figures = {
            "loss": report.loss,
            "eval_loss": report.eval_loss,
            "eval_metric": report.eval_metric,
            "seconds": report.seconds,
        } | scores
        history.append({name: figures[name] for name in training.columns})

    def on_epoch(report: Report) -> bool:
        append(report, scorer() if scorer else no_scores)
        training.tell_net(len(history))
        display.update(len(history) - 1, history[-1])
        training.state = algorithm.state
        try:
            wishes = [callback.on_epoch_end(training) for callback in callbacks]  # all are told
        finally:
            del training.state
        return any(wishes)

    # Without anyone to tell, the core need not wait for the interpreter after each epoch.
    followed = callbacks or scorer or algorithm.has_schedule or not isinstance(display, Silent)
    network = training.net._network
    outcome = algorithm.run(network, data, eval_data, on_epoch if followed else None)
    # Those that nobody followed, or that a metric failed on.
    for report in outcome.epochs[len(history) - done :]:
        append(report, no_scores)
    training.error = outcome.error
    if outcome.diverged and outcome.error is None:
        rate = algorithm.learning_rate(outcome.epoch, outcome.step)
        epoch = done + outcome.epoch
        training.error = DivergenceError(epoch, outcome.step, history, rate)
    training.tell_net(epochs_kept(history, done, training.error))


def epochs_kept(history: History, done: int, error: BaseException | None) -> int:
    """How many epochs the parameters have seen: after a divergence, those before the best.

    The best of those that came after the first `done`, whose parameters are not known.
    """
    if isinstance(error, DivergenceError) and len(history) > done:
        return done + int(np.argmin(history["loss"][done:]))
    return len(history)
