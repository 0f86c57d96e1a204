"""When to end a training for want of progress, and which parameters to keep."""

from __future__ import annotations

import math
import warnings

from ._callbacks import Callback, Training
from ._monitor import Monitor
from ._validate import positive_int, real_number


class EarlyStopping(Callback):
    """Ends a fit when a figure has stopped getting better, and keeps the best parameters.

    Parameters
    ----------
    patience
        How many epochs without progress to bear. None: all, and only the best parameters are kept.
        Default 10.
    monitor
        A column of the history: "loss", "eval_loss", "eval_metric" or one of the `metrics`.
        Default: "eval_loss", or "loss" if there is no evaluation set.
    min_delta
        Progress is what betters the figure by more than this. Default 0.
    mode
        "min" or "max": whether the figure is to fall or to rise. Default: known for losses and for
        metrics by name; a function of your own needs it.
    restore_best
        Whether the network gets the parameters from after the best epoch when the fit ends, be it
        by this, after the last epoch, by Ctrl-C or by a `DivergenceError`. Its `epochs_trained`
        then counts up to that epoch; the history keeps all. Default True.

    Attributes
    ----------
    best_epoch
        The best epoch of the latest fit, counted from 1 in its history; 0 before.
    best
        The figure then.
    stopped
        Whether patience ended it.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of its range; from `fit`, if there is no such figure.

    Examples
    --------
    >>> import numpy as np
    >>> import briskmlp as bm
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> y = X[:, 0] + np.random.default_rng(1).normal(size=60)
    >>> net = bm.MLP([5, 64, 1], seed=0)
    >>> stopping = bm.EarlyStopping(patience=5)
    >>> history = net.fit(
    ...     X[:40],
    ...     y[:40],
    ...     epochs=1000,
    ...     optimizer=bm.Adam(0.01),
    ...     eval_set=(X[40:], y[40:]),
    ...     callbacks=stopping,
    ... )
    >>> len(history) == stopping.best_epoch + 5 == net.epochs_trained + 5
    True
    >>> float(history["eval_loss"].min()) == net.evaluate(X[40:], y[40:]).loss
    True
    """

    def __init__(
        self,
        patience: int | None = 10,
        *,
        monitor: str | None = None,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore_best: bool = True,
    ) -> None:
        if patience is not None:
            patience = positive_int(patience, "patience")
        self.min_delta = real_number(min_delta, "min_delta")
        if self.min_delta < 0:
            raise ValueError(f"min_delta must not be negative, got {min_delta!r}")
        if patience is None and not restore_best:
            raise ValueError(
                "patience is None and restore_best False, so that nothing would be done"
            )
        self.patience, self.restore_best = patience, bool(restore_best)
        self.best, self.best_epoch, self.stopped = math.nan, 0, False
        self._monitor = Monitor(monitor, mode)
        self._best_cost = self._goal = math.inf
        self._progress_epoch, self._lost = 0, False  # `_lost`: the best parameters

    def on_fit_begin(self, training: Training) -> bool:
        self._monitor.begin(training)
        self.best, self.best_epoch, self.stopped = math.nan, 0, False
        self._best_cost = self._goal = math.inf
        self._progress_epoch, self._lost = 0, False
        for epoch, record in enumerate(training.history, 1):  # of the fit that this one resumes
            self._judge(epoch, record)
        if self.restore_best and self.best_epoch:
            self._lost = not training.keep_earlier(self, self.best_epoch)
        return self._out_of_patience(len(training.history))

    def on_epoch_end(self, training: Training) -> bool:
        epoch = len(training.history)
        if self._judge(epoch, training.history[-1]) and self.restore_best:
            training.keep(self)
            self._lost = False
        return self._out_of_patience(epoch)

    def on_fit_end(self, training: Training) -> None:
        training.restore(self)
        if self._lost:
            warnings.warn(
                f"the best epoch is {self.best_epoch}, from before this fit was resumed; the file "
                f"does not have its parameters, since no EarlyStopping took part then, and the "
                f"network stays as it is; best.npz of a Checkpoint of that time may have them",
                stacklevel=2,
            )

    def _out_of_patience(self, epoch: int) -> bool:
        self.stopped = self.patience is not None and epoch - self._progress_epoch >= self.patience
        return self.stopped

    def _judge(self, epoch: int, record: dict[str, float]) -> bool:
        """Note the figures of an epoch; true if it is the best so far."""
        cost = self._monitor.cost(record)
        better = cost < self._best_cost  # not if it is NaN
        if better:
            self._best_cost, self.best_epoch = cost, epoch
            self.best = record[self._monitor.column]
        if cost < self._goal:
            self._goal, self._progress_epoch = cost - self.min_delta, epoch
        return better
