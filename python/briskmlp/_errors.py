"""Errors that have no suitable class in Python."""

from __future__ import annotations

from ._history import History


class DivergenceError(ArithmeticError):
    """Training stopped because the loss, or a parameter, was no longer a finite number.

    The network has the parameters with which the epoch of the lowest loss began or, when no epoch
    had ended, those from before the training.

    Parameters
    ----------
    epoch, step
        Where that happened, counted from 1.
    history
        The epochs before that.
    learning_rate
        The optimizer's.

    Examples
    --------
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 8, 1], seed=0)
    >>> try:
    ...     net.fit([[1.0], [2.0]], [1.0, 2.0], optimizer=bm.SGD(1e30))
    ... except bm.DivergenceError as error:
    ...     print(f"stopped in epoch {error.epoch}")
    stopped in epoch 2
    """

    def __init__(self, epoch: int, step: int, history: History, learning_rate: float) -> None:
        super().__init__(epoch, step, history, learning_rate)
        self.epoch = epoch
        self.step = step
        self.history = history
        self.learning_rate = learning_rate

    def __str__(self) -> str:
        origin = "before the best epoch" if len(self.history) else "from before the training"
        return (
            f"the loss became non-finite in epoch {self.epoch}, step {self.step}; the parameters "
            f"{origin} were restored; lower the learning rate (now {self.learning_rate}) "
            f"or scale the inputs and targets, as standardize=True does"
        )
