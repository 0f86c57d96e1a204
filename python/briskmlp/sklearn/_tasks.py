"""scikit-learn's protocol of callbacks (1.9 and later): a task for the fit, and one an epoch."""

from __future__ import annotations

from typing import Any

from ._compat import HAS_CALLBACKS

# What a copy of the estimator needs in the middle of a fit, apart from parameters.
_LISTS = ("coefs_", "intercepts_")


class Tasks:
    """The tasks of a fit, of which the callbacks set by `set_callbacks` are told."""

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> None:
        self.estimator = estimator
        self.told = {"estimator": estimator, "X": X, "y": y}
        if sample_weight is not None:
            self.told["metadata"] = {"sample_weight": sample_weight}
        self.context: Any = None
        self.epoch: Any = None
        if HAS_CALLBACKS:
            self.context = estimator._init_callback_context(max_subtasks=estimator.max_iter)

    def __bool__(self) -> bool:
        return bool(getattr(self.estimator, "_skl_callbacks", None))

    def begin(self) -> None:
        """The fit begins."""
        if self:
            self.context.call_on_fit_task_begin(**self.told)

    def epoch_begins(self) -> None:
        """An epoch begins."""
        self.epoch = self.context.subcontext(task_name="epoch")
        self.epoch.call_on_fit_task_begin(**self.told)

    def epoch_done(self) -> bool:
        """Tell of an epoch; whether a callback wants to stop."""
        if not self:
            return False
        if self.epoch is None:
            self.epoch_begins()
        stop = self.epoch.call_on_fit_task_end(**self.told, reconstruction_attributes=self._fitted)
        self.epoch = None
        return bool(stop)

    def end(self) -> None:
        """The fit has ended."""
        if self:
            self.context.call_on_fit_task_end(**self.told, reconstruction_attributes=self._fitted)

    def _fitted(self) -> dict[str, Any]:
        """The attributes of an estimator as if fit had ended here."""
        return {name: [array.copy() for array in getattr(self.estimator, name)] for name in _LISTS}
