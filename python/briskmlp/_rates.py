"""The learning rates of a training with a schedule, batch by batch, as the core asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ._history import History
from ._optimizer import Optimizer

if TYPE_CHECKING:
    from .schedules import Rates

# Of an epoch, counted from 0, with so many batches.
RatesOfEpoch = Callable[[int, int], "Rates"]


def rates_of(
    optimizer: Optimizer, epochs: int, batches: int, history: History
) -> RatesOfEpoch | None:
    """What gives the learning rates, (batches,), of each epoch; None if they never change.

    Calls the schedule once, so that one that does not work is found before any work is done.
    """
    schedule = optimizer.rate
    if not callable(schedule):
        return None
    from .schedules import ReduceOnPlateau

    if isinstance(schedule, ReduceOnPlateau):
        plateau = schedule

        def after_losses(_: int, batches: int) -> Rates:
            column = "eval_loss" if len(history) and "eval_loss" in history[-1] else "loss"
            losses = [record[column] for record in history]
            return np.full(batches, plateau.after(losses))

        return after_losses

    def by_progress(epoch: int, batches: int) -> Rates:
        progress = (epoch + np.arange(batches) / batches) / epochs
        return checked(schedule(progress), progress)

    by_progress(0, batches)
    return by_progress


def checked(rates: object, progress: Rates) -> Rates:
    """What a schedule returned for this progress, if it is fit to be learning rates."""
    try:
        array = np.array(rates, np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"the schedule must return numbers, it returned {rates!r}") from None
    if array.shape != progress.shape:
        raise ValueError(
            f"the schedule got progress of shape {progress.shape} and must return as many rates; "
            f"it returned an array of shape {array.shape}"
        )
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"the schedule returned {array[first]:.6g} at progress {progress[first]:.6g}; learning "
            "rates must be finite and not negative"
        )
    return array
