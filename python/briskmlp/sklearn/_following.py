"""Who follows a fit: displays, briskmlp's callbacks and functions, and scikit-learn's callbacks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from .._callbacks import Training, begin, callback_list, end
from .._history import History
from .._progress import Progress, Silent, open_progress
from .._training import Start
from ._tasks import Tasks


class Followers:
    """All who are told of the epochs of one fit, and may end it."""

    def __init__(
        self,
        estimator: Any,
        callbacks: object,
        tasks: Tasks,
        *,
        rows: int,
        validated: bool,
    ) -> None:
        self.callbacks, self.tasks = callback_list(callbacks), tasks
        self.display = _display(estimator, rows)
        self.columns = ("loss", *(("eval_score",) if validated else ()), "seconds")
        net = estimator._net
        self.training = Training(
            net,
            Start(net.seed, net.epochs_trained, History("score")),
            epochs=estimator.max_iter,
            rows=rows,
            batch_size=rows,
            columns=self.columns,
        )
        self.training.state = lambda: None
        self.latest = time.perf_counter()

    def __bool__(self) -> bool:
        return bool(self.callbacks or self.tasks or not isinstance(self.display, Silent))

    def epoch_begins(self) -> None:
        """Tell those who want to know of the beginning."""
        if self.tasks:
            self.tasks.epoch_begins()

    def epoch_done(self, loss: float, score: float) -> bool:
        """Tell of an epoch; whether someone wants to stop."""
        if not self:
            return False
        now = time.perf_counter()
        figures = {"loss": loss, "eval_score": score, "seconds": now - self.latest}
        self.latest = now
        history = self.training.history
        history.append({name: figures[name] for name in self.columns})
        self.training.tell_net(len(history))
        self.display.update(len(history) - 1, history[-1])
        wishes = [callback.on_epoch_end(self.training) for callback in self.callbacks]
        return any([*wishes, self.tasks.epoch_done()])

    @contextmanager
    def following(self) -> Iterator[bool]:
        """Let them follow what is done inside the ``with`` block; whether one wants no epoch."""
        with closing(self.display):
            over = begin(self.callbacks, self.training)
            try:
                yield over
            except BaseException as error:
                self.training.error = error
                raise
            finally:
                self.display.close()
                end(self.callbacks, self.training)


def _display(estimator: Any, rows: int) -> Progress:
    """What shows progress, if `verbose` names a display; lines are printed elsewhere."""
    verbose = estimator.verbose
    if not isinstance(verbose, str):
        return Silent()
    return open_progress(
        True if verbose == "bar" else verbose,
        epochs=estimator.max_iter,
        rows=rows,
        metric_name="score",
    )
