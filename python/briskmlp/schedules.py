"""Learning rates that change as training goes on.

A schedule takes the place of an optimizer's learning rate: ``bm.Adam(schedules.Cosine(1e-3))``. It
is anything that can be called with the progress of training, an array of numbers from 0 (the first
batch) to almost 1 (the last), and returns as many learning rates; `fit` calls it once an epoch, for
all its batches. So any function will do:

>>> import numpy as np
>>> import briskmlp as bm
>>> halves = bm.Adam(lambda progress: 1e-3 * 0.5 ** np.floor(4 * progress))

The classes here are the usual ones. They print, compare and pickle by their settings, and
``schedule.plot()`` shows what they do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _checks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rates = NDArray[np.float64]
Schedule = Callable[[Rates], Any]


class _Plotted:
    """A schedule that can be looked at."""

    def __call__(self, progress: Rates) -> Rates:
        """Learning rates (n,) at the progress (n,) of training, from 0 to 1."""
        return self._rates(progress)

    def _rates(self, progress: Rates) -> Rates:
        raise NotImplementedError

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the learning rate over the progress of training; needs matplotlib.

        Parameters
        ----------
        ax
            Where to draw. Default: the current axes.
        """
        from matplotlib import pyplot

        ax = pyplot.gca() if ax is None else ax
        progress = np.linspace(0, 1, 1000, endpoint=False)
        ax.plot(progress, self(progress))
        ax.set(xlabel="progress of training", ylabel="learning rate", title=repr(self))
        return ax


def _cosine(start: float, end: float, progress: Rates) -> Rates:
    """From `start` to `end` along half a wave."""
    return end + (start - end) * (1 + np.cos(np.pi * progress)) / 2


@dataclass(frozen=True)
class Constant(_Plotted):
    """The same learning rate always, as the number alone would give.

    >>> Constant(0.1)(np.array([0, 0.5]))
    array([0.1, 0.1])
    """

    rate: float

    def __post_init__(self) -> None:
        _checks.positive(self, "rate")

    def _rates(self, progress: Rates) -> Rates:
        return np.full(len(progress), self.rate)


@dataclass(frozen=True)
class Step(_Plotted):
    """Multiply the learning rate by a factor at some points of training.

    Parameters
    ----------
    rate
        At first; positive.
    at
        Where in training to multiply, each in [0, 1]. Default: after a half and three quarters.
    factor
        What to multiply by, positive. Default 0.1.

    Examples
    --------
    >>> Step(1.0, at=(0.5,))(np.array([0, 0.49, 0.5]))
    array([1. , 1. , 0.1])
    """

    rate: float
    at: Sequence[float] = (0.5, 0.75)
    _: KW_ONLY
    factor: float = 0.1

    def __post_init__(self) -> None:
        _checks.positive(self, "rate", "factor")
        points = tuple(self.at)
        if not all(_checks.is_real(point) and 0 <= point <= 1 for point in points):
            raise ValueError(_checks.message(self, "at", "be numbers in [0, 1]", self.at))
        object.__setattr__(self, "at", tuple(map(float, points)))

    def _rates(self, progress: Rates) -> Rates:
        passed = (progress[:, np.newaxis] >= np.array(self.at)).sum(axis=1)
        rates: Rates = self.rate * np.power(self.factor, passed, dtype=np.float64)
        return rates


@dataclass(frozen=True)
class Exponential(_Plotted):
    """From one learning rate to another by equal factors.

    >>> Exponential(1.0, 0.01)(np.array([0, 0.5, 1]))
    array([1.  , 0.1 , 0.01])
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        _checks.positive(self, "start", "end")

    def _rates(self, progress: Rates) -> Rates:
        return self.start * (self.end / self.start) ** progress


@dataclass(frozen=True)
class InverseScaling(_Plotted):
    """The learning rate falls as a power of the time: rate / (1 + speed * progress) ** power.

    Parameters
    ----------
    rate
        At first; positive.
    power
        Positive. Default 0.5, the inverse square root.
    speed
        How much time training takes, in units after which the fall sets in; positive. Default 100:
        the last rate is a tenth of the first.

    Examples
    --------
    >>> InverseScaling(1.0, speed=3)(np.array([0, 1.0]))
    array([1. , 0.5])
    """

    rate: float
    _: KW_ONLY
    power: float = 0.5
    speed: float = 100.0

    def __post_init__(self) -> None:
        _checks.positive(self, "rate", "power", "speed")

    def _rates(self, progress: Rates) -> Rates:
        return self.rate / (1 + self.speed * progress) ** self.power


@dataclass(frozen=True)
class Polynomial(_Plotted):
    """From one learning rate to another: end + (start - end) * (1 - progress) ** power.

    >>> Polynomial(1.0, power=2)(np.array([0, 0.5, 1]))
    array([1.  , 0.25, 0.  ])
    """

    start: float
    end: float = 0.0
    _: KW_ONLY
    power: float = 1.0

    def __post_init__(self) -> None:
        _checks.positive(self, "start", "power")
        _checks.not_negative(self, "end")

    def _rates(self, progress: Rates) -> Rates:
        return self.end + (self.start - self.end) * (1 - progress) ** self.power


@dataclass(frozen=True)
class Cosine(_Plotted):
    """Fall along half a cosine wave (Loshchilov and Hutter 2017), after a warm-up if asked for.

    Parameters
    ----------
    peak
        The largest learning rate; positive.
    end
        The last one. Default 0.
    warmup
        The share of training in which the rate first rises in a straight line from a hundredth of
        the peak. Default 0.
    restarts
        How often to start again from the peak. Default 0.

    Examples
    --------
    >>> Cosine(1.0)(np.array([0, 0.5, 1])).round(3)
    array([1. , 0.5, 0. ])
    >>> Cosine(1.0, restarts=1)(np.array([0, 0.25, 0.5])).round(3)
    array([1. , 0.5, 1. ])
    """

    peak: float
    _: KW_ONLY
    end: float = 0.0
    warmup: float = 0.0
    restarts: int = 0

    def __post_init__(self) -> None:
        _checks.positive(self, "peak")
        _checks.not_negative(self, "end")
        _checks.below_one(self, "warmup")
        if not isinstance(self.restarts, int) or isinstance(self.restarts, bool):
            raise TypeError(_checks.message(self, "restarts", "be a whole number", self.restarts))
        _checks.not_negative(self, "restarts")
        object.__setattr__(self, "restarts", int(self.restarts))

    def _rates(self, progress: Rates) -> Rates:
        cycles = self.restarts + 1
        fallen = np.clip((progress - self.warmup) / (1 - self.warmup), 0, 1) * cycles
        within = np.where(fallen < cycles, fallen % 1, 1)
        rates = _cosine(self.peak, self.end, within)
        if self.warmup == 0:
            return rates
        rising = self.peak * (0.01 + 0.99 * progress / self.warmup)
        return np.where(progress < self.warmup, rising, rates)


@dataclass(frozen=True)
class OneCycle(_Plotted):
    """Rise to a peak and fall far below the start, along half waves (Smith and Topin 2018).

    Parameters
    ----------
    peak
        The largest learning rate; positive.
    warmup
        The share of training before the peak, in (0, 1). Default 0.3.
    start, end
        The first and the last rate as shares of the peak. Defaults 1 / 25 and 4e-6, as PyTorch has
        them. Momentum stays as it is.

    Examples
    --------
    >>> OneCycle(1.0)(np.array([0, 0.3, 1])).round(3)
    array([0.04, 1.  , 0.  ])
    """

    peak: float
    _: KW_ONLY
    warmup: float = 0.3
    start: float = 1 / 25
    end: float = 4e-6

    def __post_init__(self) -> None:
        _checks.positive(self, "peak", "warmup", "start", "end")
        _checks.below_one(self, "warmup")
        _checks.share(self, "start", "end")

    def _rates(self, progress: Rates) -> Rates:
        rising = _cosine(self.start * self.peak, self.peak, progress / self.warmup)
        fallen = (progress - self.warmup) / (1 - self.warmup)
        falling = _cosine(self.peak, self.end * self.peak, fallen)
        return np.where(progress < self.warmup, rising, falling)


@dataclass(frozen=True)
class FlatCosine(_Plotted):
    """Stay at the peak, then fall to 0 along half a cosine wave.

    >>> FlatCosine(1.0)(np.array([0, 0.5, 0.75, 1])).round(3)
    array([1. , 1. , 0.5, 0. ])
    """

    peak: float
    _: KW_ONLY
    flat: float = 0.5

    def __post_init__(self) -> None:
        _checks.positive(self, "peak")
        _checks.below_one(self, "flat")

    def _rates(self, progress: Rates) -> Rates:
        return _cosine(self.peak, 0, np.clip((progress - self.flat) / (1 - self.flat), 0, 1))


@dataclass(frozen=True)
class CosLog4(_Plotted):
    """Four waves, each twice as long as the one before, from 0 to the peak and back.

    (Holzmueller, Grinsztajn and Steinwart 2024: good defaults for tabular data.)

    >>> CosLog4(1.0)(np.array([0, 1 / 30, 1 / 15, 1])).round(2)
    array([0.  , 0.93, 0.  , 0.  ])
    """

    peak: float

    def __post_init__(self) -> None:
        _checks.positive(self, "peak")

    def _rates(self, progress: Rates) -> Rates:
        return _cosine(0, self.peak, 2 * np.log2(1 + 15 * progress))


@dataclass(frozen=True)
class ReduceOnPlateau(_Plotted):
    """Lower the learning rate whenever the loss has stopped falling.

    What counts is the loss on the evaluation set where `fit` has one, else the training loss; by
    progress alone, when called, the rate is constant.

    Parameters
    ----------
    rate
        At first; positive.
    factor
        What to multiply by, in (0, 1). Default 0.1.
    patience
        Epochs without a new best that are let pass. Default 10.
    min_delta
        The share by which a loss must lie below the best to be one. Default 1e-4.
    min_rate
        Never go below. Default 0.

    Examples
    --------
    >>> ReduceOnPlateau(0.1, patience=3)
    ReduceOnPlateau(rate=0.1, factor=0.1, patience=3, min_delta=0.0001, min_rate=0.0)
    """

    rate: float
    _: KW_ONLY
    factor: float = 0.1
    patience: int = 10
    min_delta: float = 1e-4
    min_rate: float = 0.0

    def __post_init__(self) -> None:
        _checks.positive(self, "rate", "factor")
        _checks.below_one(self, "factor")
        _checks.not_negative(self, "patience", "min_delta", "min_rate")
        object.__setattr__(self, "patience", int(self.patience))

    def _rates(self, progress: Rates) -> Rates:
        return np.full(len(progress), self.rate)

    def after(self, losses: Sequence[float]) -> float:
        """The learning rate after epochs with these losses."""
        rate, best, waited = self.rate, np.inf, 0
        for loss in losses:
            if loss < best * (1 - self.min_delta):
                best, waited = loss, 0
                continue
            waited += 1
            if waited > self.patience:
                rate, waited = max(rate * self.factor, self.min_rate), 0
        return rate
