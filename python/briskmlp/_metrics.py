"""Figures of merit on the evaluation set beyond the loss: some by name, and functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._datasets import CLASS_LOSSES, Dataset
from ._losses import middle_columns
from ._names import unknown_name
from ._validate import Array

if TYPE_CHECKING:
    from ._predictor import Predictor

Metric = Callable[[Array, Array], float]


def _decided(t: Array, p: Array) -> tuple[Array, Array]:
    """Classes in truth and predicted, a column for each question.

    One column (M, 1) of class numbers, from labels or probabilities of classes; or (M, D) answers
    to D yes-or-no questions, from probabilities of yes.
    """
    if t.ndim == 1:
        return t.reshape(-1, 1), p.argmax(axis=1)[:, np.newaxis]
    return (t >= 0.5).astype(int), (p >= 0.5).astype(int)


def accuracy(t: Array, p: Array) -> float:
    """Share of right answers."""
    truth, guess = _decided(t, p)
    return float(np.mean(truth == guess))


def balanced_accuracy(t: Array, p: Array) -> float:
    """Share of right answers by class, and then the mean over the classes that occur."""

    def recall(truth: Array, guess: Array) -> float:
        return float(np.mean([np.mean(guess[truth == c] == c) for c in np.unique(truth)]))

    truth, guess = _decided(t, p)
    return float(np.mean([recall(a, b) for a, b in zip(truth.T, guess.T, strict=True)]))


def f1(t: Array, p: Array) -> float:
    """2 hits / (2 hits + misses + false alarms), the mean over classes (van Rijsbergen 1979).

    Of yes-or-no questions only "yes" counts as a class, and the mean is over the questions.
    """

    def score(truth: Array, guess: Array, c: int) -> float:
        both = np.sum((truth == c) & (guess == c))
        either = np.sum(truth == c) + np.sum(guess == c)
        return float(2 * both / either) if either else 0.0

    truth, guess = _decided(t, p)
    if t.ndim > 1:
        return float(np.mean([score(a, b, 1) for a, b in zip(truth.T, guess.T, strict=True)]))
    return float(np.mean([score(truth, guess, c) for c in np.union1d(truth, guess)]))


def brier(t: Array, p: Array) -> float:
    """Mean square of the probabilities' errors, summed over the classes (Brier 1950)."""
    if t.ndim > 1:
        return float(np.mean((p - t) ** 2))
    return float(np.mean(np.sum((p - np.eye(p.shape[1])[t]) ** 2, axis=1)))


def mae(t: Array, p: Array) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(t - p)))


def mse(t: Array, p: Array) -> float:
    """Mean square error."""
    return float(np.mean((t - p) ** 2))


def rmse(t: Array, p: Array) -> float:
    """Root of the mean square error."""
    return float(np.sqrt(mse(t, p)))


def r2(t: Array, p: Array) -> float:
    """1 less the error's share of the variance, the mean over the targets."""
    error, spread = np.sum((t - p) ** 2, axis=0), np.sum((t - t.mean(axis=0)) ** 2, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(1 - error / spread))


def max_error(t: Array, p: Array) -> float:
    """The largest absolute error."""
    return float(np.max(np.abs(t - p)))


OF_CLASSES: dict[str, Metric] = {
    function.__name__: function for function in (accuracy, balanced_accuracy, f1, brier)
}
OF_NUMBERS: dict[str, Metric] = {
    function.__name__: function for function in (mae, mse, rmse, r2, max_error)
}
RISING = {"accuracy", "balanced_accuracy", "f1", "r2"}
HIGHER_IS_BETTER = {name: name in RISING for name in ("loss", *OF_CLASSES, *OF_NUMBERS)}


class Scorer:
    """Evaluates metrics on an evaluation set.

    Parameters
    ----------
    metrics
        What `fit` was given: a name or a function, several of them, or a dict of functions by name.
    net
        The network to be trained.
    data
        The evaluation set, validated.
    y
        Its targets as they were given, for functions.
    functions_only
        Whether `data` has targets of another kind than the network's loss takes.
    """

    def __init__(
        self, metrics: object, net: Predictor, data: Dataset, y: Any, *, functions_only: bool
    ) -> None:
        self.net, self.x, self.given = net, data[0], np.asarray(y)
        self.of_classes = net._network.metric == "accuracy"
        targets = np.empty(0) if functions_only else data[1]
        if net._network.loss in CLASS_LOSSES and targets.ndim == 2:
            targets = targets.argmax(axis=1)  # the likeliest class
        self.targets = targets if targets.ndim == 1 else targets.astype("f8")
        self.named: dict[str, Metric] = {}
        self.functions: dict[str, Metric] = {}
        for name, metric in _pairs(metrics):
            column = f"eval_{name}"
            if column in self.columns or column in ("eval_loss", "eval_metric"):
                raise ValueError(f"metrics has two figures {column!r}; a dict can name them")
            if callable(metric):
                self.functions[column] = metric
            elif functions_only:
                raise ValueError(
                    f"metric {name!r} is for MLP's losses; pass functions beside yours"
                )
            else:
                self.named[column] = self._known(metric)

    @property
    def columns(self) -> list[str]:
        """What the figures are called in the history."""
        return [*self.named, *self.functions]

    def _known(self, name: object) -> Metric:
        ours, others = (OF_CLASSES, OF_NUMBERS) if self.of_classes else (OF_NUMBERS, OF_CLASSES)
        if not isinstance(name, str):
            raise TypeError(f"metrics must be names or functions, got {name!r}")
        if name in others:
            kind = "classes" if self.of_classes else "numbers"
            raise ValueError(
                f"metric {name!r} is not for loss {self.net.loss!r}, which predicts {kind}"
            )
        if name not in ours:
            raise ValueError(unknown_name("metric", name, ours))
        return ours[name]

    def __call__(self) -> dict[str, float]:
        """The figures of the network as it is."""
        prediction = self.net.predict(self.x)
        scores = {}
        if self.named:
            p = prediction.astype("f8")
            if not self.of_classes:
                p = p[:, middle_columns(self.net._network)]
            scores = {name: metric(self.targets, p) for name, metric in self.named.items()}
        for name, function in self.functions.items():
            scores[name] = _number(function(self.given, prediction), name.removeprefix("eval_"))
        return scores


def _number(value: object, name: str) -> float:
    """What a metric returned, if it is one real number, be it in an array."""
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biuf":
        raise TypeError(f"metric {name!r} must return a number, it returned {value!r:.200}")
    return float(array.item())


def _pairs(metrics: object) -> Iterable[tuple[str, Any]]:
    """Names and metrics."""
    if isinstance(metrics, Mapping):
        yield from metrics.items()
        return
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        metrics = [metrics]
    for metric in metrics:
        if not isinstance(metric, str) and not callable(metric):
            raise TypeError(f"metrics must be names or functions, got {metric!r}")
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", None)
        if name is None or name == "<lambda>":
            raise ValueError("a metric has no name; pass a dict: metrics={'name': function}")
        yield name, metric
