"""The figure by which a training is judged as it goes on."""

from __future__ import annotations

from collections.abc import Mapping

from ._callbacks import Training
from ._metrics import HIGHER_IS_BETTER
from ._names import unknown_name


class Monitor:
    """A figure of the history, and what counts as better."""

    def __init__(self, name: str | None, mode: str | None) -> None:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"monitor must be the name of a figure, got {name!r}")
        if mode not in (None, "min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        self.name, self.mode = name, mode
        self.column, self._sign = "", 1.0

    def begin(self, training: Training) -> None:
        """Find out which column to look at, and whether low or high is good."""
        known = [column for column in training.columns if column != "seconds"]
        default = next(name for name in ("eval_loss", "eval_score", "loss") if name in known)
        self.column = default if self.name is None else self.name
        if self.column not in known:
            hint = "" if "eval_loss" in known else "; those of an eval_set need one"
            raise ValueError(unknown_name("figure to monitor", self.column, known) + hint)
        mode = self.mode
        if mode is None:
            metric = training.history.metric_name
            name = metric if self.column == "eval_metric" else self.column.removeprefix("eval_")
            if name == metric == "score":  # of scikit-learn's scorers
                mode = "max"
            elif name in HIGHER_IS_BETTER:
                mode = "max" if HIGHER_IS_BETTER[name] else "min"
            else:
                raise ValueError(f"say whether {self.column!r} is to fall or rise: mode='min', say")
        self._sign = 1.0 if mode == "min" else -1.0

    def cost(self, record: Mapping[str, float]) -> float:
        """The figure of an epoch, negated if high is good."""
        return self._sign * record[self.column]
