"""The course of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._history import History
from ._style import BLUE, GREEN, VERMILION, axes, legend_above, without_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._find_lr import RateTest

FEW = 30  # epochs that get a dot each
STYLES = {"loss": (BLUE, "-"), "eval_loss": (VERMILION, "-.")}


def history(history: History, ax: Axes | None = None) -> Axes:
    """Losses epoch by epoch, and the metric on an axis of its own at the right.

    Parameters
    ----------
    history
        Of one training.
    ax
        Axes to draw on. Default: those of a new figure.

    Returns
    -------
    Axes
        The axes with the losses, in logarithmic scale if they span more than a factor of ten. A
        circle marks the lowest loss on the evaluation set.

    Examples
    --------
    >>> from matplotlib import use
    >>> use("agg")
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 8, 1], seed=0)
    >>> training = net.fit([[0.0], [1.0]], [1.0, 0.0], epochs=20)
    >>> ax = bm.plots.history(training)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('epoch', 'loss')
    """
    ax = axes(ax)
    from matplotlib.ticker import MaxNLocator

    columns = history.keys()
    epochs = np.arange(1, len(history) + 1)
    losses = [name for name in STYLES if name in columns]
    for name in losses:
        colour, style = STYLES[name]
        dot = "." if len(history) <= FEW else ""
        ax.plot(epochs, history[name], color=colour, linestyle=style, marker=dot, label=name)
    values = [value for name in losses for value in history[name]]
    if values and 0 < 10 * min(values) < max(values):
        ax.set_yscale("log")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    without_frame(ax)
    if "eval_loss" in losses and np.isfinite(history["eval_loss"]).any():
        best = int(np.nanargmin(history["eval_loss"]))
        ax.plot(
            best + 1,
            history["eval_loss"][best],
            "o",
            color=VERMILION,
            fillstyle="none",
            markersize=9,
            label=f"lowest: epoch {best + 1}",
        )
    if "eval_metric" in columns:
        right = ax.twinx()
        right.plot(epochs, history["eval_metric"], color=GREEN, linestyle="--")
        right.set_ylabel(history.metric_name)
        right.spines["top"].set_visible(False)
        ax.plot([], [], color=GREEN, linestyle="--", label=history.metric_name)
    legend_above(ax)
    return ax


def rate_test(test: RateTest, ax: Axes | None = None) -> Axes:
    """Losses against learning rates, of a range test.

    Parameters
    ----------
    test
        What `MLP.find_lr` returned.
    ax
        Axes to draw on. Default: those of a new figure.

    Returns
    -------
    Axes
        The axes, whose rates are in logarithmic scale. A line marks the suggestion.

    Examples
    --------
    >>> from matplotlib import use
    >>> use("agg")
    >>> import briskmlp as bm
    >>> X = np.linspace(-1, 1, 500)[:, np.newaxis]
    >>> test = bm.MLP([1, 16, 1], seed=0).find_lr(X, X**2)
    >>> bm.plots.rate_test(test).get_xlabel()
    'learning rate'
    """
    ax = axes(ax)
    ax.plot(test.rates, test.losses, ".", color=BLUE, alpha=0.35, markersize=5, label="batches")
    ax.plot(test.rates, test.smoothed, color=BLUE, label="smoothed")
    ax.axvline(
        test.suggestion,
        color=VERMILION,
        linestyle="--",
        label=f"suggestion: {test.suggestion:.2g}",
    )
    low, high = test.smoothed.min(), test.smoothed.max()
    margin = 0.1 * (high - low) or 1.0
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss", ylim=(low - margin, high + margin))
    without_frame(ax)
    legend_above(ax)
    return ax
