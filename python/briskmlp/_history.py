"""What `fit` returns: the figures of every epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from ._names import unknown_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Evaluation(NamedTuple):
    """Loss and metric (see `History.metric_name`) on a data set."""

    loss: float
    metric: float


class History:
    """The figures of every epoch of a training, as columns or as rows.

    `history["loss"]` is a column, an array with an entry an epoch; `history[-1]` is a row, a dict
    with the figures of one epoch; `history[2:5]` is a shorter history. Length and iteration count
    epochs. The columns are

    - ``loss``: mean loss over the epoch's batches, each taken before its step, weighted by rows;
    - ``eval_loss``, ``eval_metric``: on the evaluation set after the epoch, where there is one;
    - ``seconds``: wall-clock time of the epoch, its evaluation included.

    Attributes
    ----------
    metric_name
        What ``eval_metric`` is: "accuracy" (a share of 1) for the losses of classification,
        "rmse" (root mean square error, in the target's unit) for those of regression, but for
        "quantile" "coverage" (the share of targets between the outermost quantiles).

    Examples
    --------
    >>> history = History("accuracy")
    >>> history.append({"loss": 0.9, "eval_loss": 0.8, "eval_metric": 0.7, "seconds": 1.5})
    >>> history.append({"loss": 0.4, "eval_loss": 0.5, "eval_metric": 0.8, "seconds": 0.5})
    >>> history["loss"]
    array([0.9, 0.4])
    >>> history[-1]["eval_metric"]
    0.8
    >>> history
    History(2 epochs in 2 s: loss 0.9 -> 0.4, eval_loss 0.8 -> 0.5, accuracy 0.7 -> 0.8)
    """

    def __init__(self, metric_name: str) -> None:
        self.metric_name = metric_name
        self._epochs: list[dict[str, float]] = []

    def append(self, record: Mapping[str, float]) -> None:
        """Add the figures of one epoch, under the same names as those before it.

        >>> history = History("rmse")
        >>> history.append({"loss": 1.0, "seconds": 0.1})
        >>> history.append({"loss": 1.0})
        Traceback (most recent call last):
        ValueError: epoch 1 has the figures loss, those before it loss, seconds
        """
        if self._epochs and record.keys() != self._epochs[0].keys():
            had, has = ", ".join(self.keys()), ", ".join(record)
            raise ValueError(f"epoch {len(self)} has the figures {has}, those before it {had}")
        self._epochs.append({name: float(value) for name, value in record.items()})

    def keys(self) -> list[str]:
        """Name the columns; `dict(history)` works by this."""
        return list(self._epochs[0]) if self._epochs else []

    def to_dict(self) -> dict[str, list[float]]:
        """Copy the columns to plain lists, for JSON or a data frame.

        >>> history = History("rmse")
        >>> history.append({"loss": 0.5, "seconds": 0.25})
        >>> history.to_dict()
        {'loss': [0.5], 'seconds': [0.25]}
        """
        return {name: [epoch[name] for epoch in self._epochs] for name in self.keys()}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the losses, and the metric on an axis of its own at the right.

        Short for `briskmlp.plots.history`, which see. Needs matplotlib.
        """
        from . import plots

        return plots.history(self, ax)

    def __len__(self) -> int:
        return len(self._epochs)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self[epoch] for epoch in range(len(self)))

    @overload
    def __getitem__(self, key: str) -> NDArray[np.float64]: ...
    @overload
    def __getitem__(self, key: int) -> dict[str, float]: ...
    @overload
    def __getitem__(self, key: slice) -> History: ...

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            if key not in self.keys():
                raise KeyError(unknown_name("column", key, self.keys()))
            return np.array([epoch[key] for epoch in self._epochs])
        if isinstance(key, slice):
            part = History(self.metric_name)
            part._epochs = self._epochs[key]
            return part
        return dict(self._epochs[key])

    def __repr__(self) -> str:
        if not self._epochs:
            return "History(0 epochs)"
        epochs = f"{len(self)} epoch{'s' if len(self) > 1 else ''}"
        changes = [
            f"{self.metric_name if name == 'eval_metric' else name} "
            f"{self._epochs[0][name]:.4g} -> {self._epochs[-1][name]:.4g}"
            for name in self.keys()
            if name != "seconds"
        ]
        return f"History({epochs} in {self['seconds'].sum():.3g} s: {', '.join(changes)})"
