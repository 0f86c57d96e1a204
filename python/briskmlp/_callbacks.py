"""How others follow a training: the protocol, and what they are shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ._history import History
from ._validate import Array, real_number

if TYPE_CHECKING:
    from ._algorithm import TrainingState
    from ._files import File
    from ._mlp import MLP
    from ._training import Start


class Training:
    """A fit that is going on, as its callbacks see it.

    Attributes
    ----------
    net
        The network. Its parameters, `epochs_trained` and `history` are those of the latest epoch.
    history
        The epochs of this fit, and of the one that it resumes.
    epochs
        How many were asked for.
    rows, batch_size
        Of the training data, and of a step.
    columns
        The figures that every epoch will have in the history.
    kept
        Parameters that callbacks may want back, see `keep`: by the callback's id, after how many
        epochs and which they were.
    error
        What ended the fit early, such as a `KeyboardInterrupt`; None while it goes on, and after a
        regular end.
    """

    state: Callable[[], TrainingState | None]  # there while `on_epoch_end` runs

    def __init__(
        self,
        net: MLP,
        start: Start,
        *,
        epochs: int,
        rows: int,
        batch_size: int,
        columns: tuple[str, ...],
    ) -> None:
        self.net = net
        self.history = start.history
        self.epochs, self.rows, self.batch_size = epochs, rows, batch_size
        self.columns = columns
        self.error: BaseException | None = None
        self.kept: dict[int, tuple[int, Array]] = {}
        # Epochs that the network has been trained for, but not in this fit or that it resumes.
        self._before = start.epochs_trained - len(start.history)
        self._earlier = {} if start.training is None else start.training.earlier

    @property
    def batches(self) -> int:
        """Batches in an epoch."""
        return -(-self.rows // self.batch_size)

    def tell_net(self, epochs: int) -> None:
        """Let the network know its history, and that it has seen so many epochs of it."""
        self.net.history = self.history
        self.net.epochs_trained = self._before + epochs

    def save(self, file: File) -> None:
        """Write the network as `MLP.save` does, with what ``fit(resume=file)`` needs.

        That is the optimizer's state, one to three times the size of the parameters, and what
        `keep` has kept. For use in `Callback.on_epoch_end`. With `LBFGS`, which cannot be resumed,
        the network alone.
        """
        from ._saving import save

        if not hasattr(self, "state"):
            raise RuntimeError("training.save is for on_epoch_end, when a step is complete")
        state = self.state()
        if state is not None:
            earlier = dict(self.kept.values())
            earlier.pop(len(self.history), None)  # the network has them
            state = state._replace(earlier=earlier)
        save(self.net, file, training=state)

    def keep(self, callback: Callback) -> None:
        """Keep the parameters of now, for a callback, in place of what it had kept before."""
        if id(callback) in self.kept:
            parameters = self.kept[id(callback)][1]
            np.copyto(parameters, self.net.parameters)
        else:
            parameters = self.net.parameters.copy()
        self.kept[id(callback)] = len(self.history), parameters

    def keep_earlier(self, callback: Callback, epoch: int) -> bool:
        """Keep those after an epoch before this fit was resumed; whether its file has them."""
        if epoch == len(self.history):
            self.keep(callback)
        elif epoch in self._earlier:
            self.kept[id(callback)] = epoch, self._earlier[epoch].copy()
        return id(callback) in self.kept

    def restore(self, callback: Callback) -> None:
        """Give the network the parameters that a callback kept, if it did, for good."""
        if id(callback) in self.kept:
            epochs, parameters = self.kept.pop(id(callback))
            self.net.parameters = parameters
            self.tell_net(epochs)


class Callback:
    """What follows a training. A subclass overrides what it needs.

    `MLP.fit` calls `on_fit_begin` before the first step, `on_epoch_end` after each epoch, and
    `on_fit_end` however it ends, if it began. One that is resumed goes through the first and the
    last even if no epoch is left.

    Examples
    --------
    >>> import briskmlp as bm
    >>> class Halve(bm.Callback):
    ...     def on_epoch_end(self, training):
    ...         if training.history[-1]["loss"] < training.history[0]["loss"] / 2:
    ...             return True
    >>> net = bm.MLP([1, 8, 1], seed=0)
    >>> history = net.fit([[0.0], [1.0]], [1.0, 0.0], epochs=1000, callbacks=[Halve()])
    >>> bool(0.45 < history["loss"][-1] / history["loss"][0] < 0.5)
    True
    """

    def on_fit_begin(self, training: Training) -> object:
        """A fit begins. An error ends it before anything has changed; true before an epoch."""

    def on_epoch_end(self, training: Training) -> object:
        """An epoch has ended. What counts as true ends the fit; None goes on."""

    def on_fit_end(self, training: Training) -> None:
        """The fit has ended, `training.error` says whether early."""


class _Function(Callback):
    """A plain function of the history."""

    def __init__(self, function: Callable[[History], object]) -> None:
        self.function = function

    def on_epoch_end(self, training: Training) -> object:
        return self.function(training.history)


def callback_list(callbacks: object, name: str = "callbacks") -> list[Callback]:
    """One callback or function, or several, as a list of callbacks."""
    if callbacks is None:
        return []
    if isinstance(callbacks, Callback):
        return [callbacks]
    if isinstance(callbacks, type):
        raise TypeError(f"{name} has the class {callbacks.__name__}; make one: call it")
    if callable(callbacks):
        return [_Function(callbacks)]
    if isinstance(callbacks, Iterable) and not isinstance(callbacks, (str, bytes)):
        items = enumerate(callbacks)
        return [one for i, item in items for one in callback_list(item, f"{name}[{i}]")]
    raise TypeError(f"{name} must be functions or Callbacks, got {callbacks!r}")


def begin(callbacks: Sequence[Callback], training: Training) -> bool:
    """Call each `on_fit_begin`; if one fails, end those that had begun.

    Returns whether one of them wants no epoch at all.
    """
    over = False
    for count, callback in enumerate(callbacks):
        try:
            over = bool(callback.on_fit_begin(training)) or over
        except BaseException as error:
            training.error = error
            end(callbacks[:count], training)
            raise
    return over


def end(callbacks: Sequence[Callback], training: Training) -> None:
    """Call each `on_fit_end`, also if an earlier one fails; raise the first error."""
    if not callbacks:
        return
    try:
        callbacks[0].on_fit_end(training)
    finally:
        end(callbacks[1:], training)


class TimeBudget(Callback):
    """Ends a fit before the epoch that would end too late, if it took as long as the one before."""

    def __init__(self, seconds: object) -> None:
        self.seconds = real_number(seconds, "time_budget")
        if self.seconds <= 0:
            raise ValueError(f"time_budget must be positive, got {seconds!r}")
        self.start = self.latest = 0.0

    def on_fit_begin(self, training: Training) -> None:  # noqa: ARG002 - the protocol's
        self.start = self.latest = time.perf_counter()

    def on_epoch_end(self, training: Training) -> bool:  # noqa: ARG002
        now = time.perf_counter()
        epoch, self.latest = now - self.latest, now
        return now - self.start + epoch > self.seconds
