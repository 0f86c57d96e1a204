"""The learning-rate range test (Smith 2015): raise the rate batch by batch and watch the loss."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from . import _briskmlp_core as core
from ._datasets import Dataset
from ._lbfgs import LBFGS
from ._optimizer import Optimizer
from ._scaling import scaling_of
from ._standardized import Twin
from ._state import is_as_drawn
from ._training import rows_per_step
from ._validate import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._inspectable import Inspectable

FEWEST = 10  # losses from which something can be seen
WINDOW = 0.1  # of the steps: how many neighbours a smoothed loss is the mean of
CAUTION = 5.0  # of 1 to 30, safe for all optimizers tried and nearly the best for most
TOO_HIGH = 4.0  # times its lowest, and more than at the beginning: there the test ends


@dataclass(frozen=True)
class RateTest:
    """What `MLP.find_lr` saw.

    Attributes
    ----------
    rates
        Learning rates, (steps,), rising geometrically; as far as the loss was finite.
    losses
        The loss of each one's batch, (steps,), before the step with that rate.
    smoothed
        Means of neighbouring losses, (steps,).
    suggestion
        A fifth of the rate where the smoothed loss is lowest: longer with that rate itself, and the
        loss might rise.
    """

    rates: Array = field(repr=False)
    losses: Array = field(repr=False)
    smoothed: Array = field(repr=False)
    suggestion: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw losses against rates. Short for `briskmlp.plots.rate_test`."""
        from . import plots

        return plots.rate_test(self, ax)


def find_lr(  # noqa: PLR0913 - see `MLP.find_lr`
    net: Inspectable,
    data: Dataset,
    settings: Optimizer | LBFGS,
    *,
    low: float,
    high: float,
    steps: int,
    batch_size: int | None,
    batch_norm: bool,
    standardize: bool,
) -> RateTest:
    """Train a copy of the network with rising rates, see `MLP.find_lr`."""
    if isinstance(settings, LBFGS):
        raise ValueError("LBFGS has no learning rate")
    if not 0 < low < high:
        raise ValueError(f"low must be positive and below high, got {low!r} and {high!r}")
    if steps < FEWEST:
        raise ValueError(f"steps must be at least {FEWEST}, got {steps}")
    rows = rows_per_step(batch_size, len(data[0]))
    data = _enough_of(data, steps * rows, net.seed)
    batch_size = rows_per_step(batch_size, len(data[0]), normalized=batch_norm)
    twin, losses_in = net.copy(), (1.0, 0.0)
    if standardize:
        scaling = scaling_of(net._network, data)
        twin._network = Twin(net, scaling).network
        data = scaling.apply(data, net.dtype)
        losses_in = scaling.loss_factor, scaling.loss_shift
    rates = np.geomspace(low, high, steps)
    losses = _losses(twin, data, settings, rates, batch_size, batch_norm)
    losses = losses * losses_in[0] + losses_in[1]
    return _judge(rates, losses)


def _enough_of(data: Dataset, rows: int, seed: int) -> Dataset:
    """So many rows of a data set, drawn without repetition, or all if there are fewer."""
    x, y, w = data
    if rows >= len(x):
        return data
    drawn = np.random.default_rng(seed).permutation(len(x))[:rows]
    return x[drawn], y[drawn], None if w is None else w[drawn]


def _losses(
    net: Inspectable,
    data: Dataset,
    settings: Optimizer,
    rates: Array,
    batch_size: int,
    batch_norm: bool,
) -> Array:
    """The loss of each batch, (steps,), while the network is trained; NaN after a divergence."""
    batches = -(-len(data[0]) // batch_size)
    epochs = -(-len(rates) // batches)
    of_epoch = np.append(rates, np.zeros(epochs * batches - len(rates))).reshape(epochs, batches)
    losses = np.full((epochs, batches), np.nan)
    scheduled = replace(settings, learning_rate=lambda progress: progress)  # type: ignore[call-arg]
    options = core.FitOptions(
        epochs=epochs,
        batch_size=batch_size,
        shuffle=True,
        seed=net.seed,
        first_epoch=net.epochs_trained,
        steps_before=0,
        batches_per_step=1,
        dropout=[],
        noise=[],
        batch_norm=batch_norm,
        folded=batch_norm and not is_as_drawn(net._network, net.seed, net.init),
        optimizer=scheduled.spec(len(net.activations)),
    )
    outcome = core.fit(
        net._network, data, None, options, None, lambda epoch, _: of_epoch[epoch], losses
    )
    if outcome.error is not None:
        raise outcome.error
    return losses.reshape(-1)[: len(rates)]


def _judge(rates: Array, losses: Array) -> RateTest:
    """The part of a test that tells something, and the rate that it suggests."""
    finite = int(np.argmin(np.append(np.isfinite(losses), False)))
    if finite < FEWEST:
        raise ValueError(
            f"the loss is finite for {finite} of {len(rates)} rates, from {rates[0]:.3g} on; lower "
            "`low`, or scale the data"
        )
    smoothed = _smooth(losses[:finite], max(3, round(WINDOW * len(rates))))
    floor = np.minimum.accumulate(smoothed)
    fall = smoothed[0] - floor
    rise = smoothed - floor > np.maximum((TOO_HIGH - 1) * np.abs(floor), fall)
    end = max(FEWEST, int(np.argmax(np.append(rise, True))))
    rates, losses, smoothed = rates[:end], losses[:end], smoothed[:end]
    suggestion = max(rates[0], rates[np.argmin(smoothed)] / CAUTION)
    return RateTest(rates, losses, smoothed, float(suggestion))


def _smooth(values: Array, width: int) -> Array:
    """Means of `width` neighbours, weighted like a hill; of fewer at the ends."""
    hill = np.hanning(width + 2)[1:-1]
    sums = np.convolve(values, hill)
    weights = np.convolve(np.ones_like(values), hill)
    first = (width - 1) // 2
    smoothed: Array = (sums / weights)[first : first + len(values)]
    return smoothed
