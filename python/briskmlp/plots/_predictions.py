"""What a network says about rows, beside what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._datasets import CLASS_LOSSES, targets
from .._losses import middle_columns
from .._validate import Array
from ._style import BLUE, COLOURS, GREY, MARKERS, VERMILION, axes, legend_above, without_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._predictor import Predictor

GRID = 200  # points along each side of a map
MANY = 2000  # points that are drawn smaller
NORMAL_95 = 1.96  # standard deviations that hold 95 % of a normal distribution


def _classes(net: Predictor, X: Array) -> Array:
    """Probabilities of classes (M, C), of no and yes where the network gives that of yes."""
    p = net.predict(X)
    if net.loss == "binary_cross_entropy" and p.shape[1] == 1:
        return np.hstack([1 - p, p])
    if net._network.loss in CLASS_LOSSES:
        return p
    raise ValueError(
        f"loss {net.loss!r} with {p.shape[1]} outputs does not tell classes apart; expected "
        "'cross_entropy', 'focal', or 'binary_cross_entropy' with one output"
    )


def _labelled(net: Predictor, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array, Array]:
    """Rows X, the probabilities of their classes (M, C), and their true classes (M,)."""
    x = _validate.rows(X, "X", net._network)
    t = targets(y, "y", len(x), net._network)
    p = _classes(net, x)
    if t.ndim == 2:
        t = t.argmax(axis=1) if t.shape[1] > 1 else np.rint(t[:, 0]).astype(int)
    return x, p, t


def decision_regions(
    net: Predictor,
    X: ArrayLike,
    y: ArrayLike,
    ax: Axes | None = None,
    *,
    columns: tuple[int, int] = (0, 1),
) -> Axes:
    """The plane of two inputs, coloured by the class predicted, with rows X on it.

    The surer the prediction, the stronger the colour; black lines are the borders.

    Parameters
    ----------
    net
        A network that tells classes apart: loss "cross_entropy", "focal", or "binary_cross_entropy"
        with one output.
    X, y
        Rows (M, in) and their classes, as for `fit`.
    ax
        Axes to draw on. Default: those of a new figure.
    columns
        The two inputs to draw. All others stay at their medians. Default: the first two.

    Returns
    -------
    Axes
        The axes, the inputs' own scales on both.

    Examples
    --------
    >>> from matplotlib import use
    >>> use("agg")
    >>> import briskmlp as bm
    >>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> net = bm.MLP([2, 8, 1], loss="binary_cross_entropy", seed=0)
    >>> ax = bm.plots.decision_regions(net, X, [0, 1, 1, 0])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('input 0', 'input 1')
    """
    width = net.sizes[0]
    a, b = (_validate.whole_number(column, "columns", 0, width - 1) for column in columns)
    x, _, labels = _labelled(net, X, y)
    sides = []
    for column in (a, b):
        low, high = float(x[:, column].min()), float(x[:, column].max())
        room = 0.06 * (high - low) or 1.0
        sides.append(np.linspace(low - room, high + room, GRID))
    plane = np.tile(np.median(x, axis=0), (GRID * GRID, 1))
    plane[:, a], plane[:, b] = np.tile(sides[0], GRID), np.repeat(sides[1], GRID)
    p = _classes(net, plane).astype("f8").reshape(GRID, GRID, -1)
    count = p.shape[-1]

    ax = axes(ax)
    from matplotlib.colors import to_rgb

    palette = np.array([to_rgb(COLOURS[c % len(COLOURS)]) for c in range(count)])
    sure = (p.max(axis=-1, keepdims=True) - 1 / count) / (1 - 1 / count)
    tint = 0.12 + 0.43 * sure
    image = 1 - tint * (1 - palette[p.argmax(axis=-1)])
    extent = (sides[0][0], sides[0][-1], sides[1][0], sides[1][-1])
    ax.imshow(image, extent=extent, origin="lower", aspect="auto", interpolation="bilinear")
    for c in range(1 if count == 2 else 0, count):
        lead = p[..., c] - np.delete(p, c, axis=-1).max(axis=-1)
        if lead.min() < 0 < lead.max():
            ax.contour(*sides, lead, levels=[0], colors="k", linewidths=0.9)
    for c in np.unique(labels):
        ax.scatter(
            x[labels == c, a],
            x[labels == c, b],
            s=26 if len(x) <= MANY else 9,
            color=COLOURS[c % len(COLOURS)],
            marker=MARKERS[c % len(MARKERS)],
            edgecolors="white" if c % len(COLOURS) != 6 else "0.3",
            linewidths=0.6,
            label=f"class {c}",
            zorder=3,
        )
    ax.set(xlabel=f"input {a}", ylabel=f"input {b}", xlim=extent[:2], ylim=extent[2:])
    legend_above(ax, columns=5)
    return ax


def calibration(
    net: Predictor, X: ArrayLike, y: ArrayLike, ax: Axes | None = None, *, bins: int = 10
) -> Axes:
    """Whether what is predicted with probability p is true in a share p of the cases.

    With two classes p is the probability of the second; with more, that of the class predicted.
    The expected calibration error (Naeini et al. 2015) is the mean distance from the diagonal,
    weighted by the rows in each bin. Bars are 95 % intervals (Wilson 1927).

    Parameters
    ----------
    net
        A network that tells classes apart, as for `decision_regions`.
    X, y
        Rows (M, in) that it was not trained on, and their classes, as for `fit`.
    ax
        Axes to draw on. Default: those of a new figure.
    bins
        Parts of equal width that probabilities are sorted into. Default 10.

    Returns
    -------
    Axes
        The axes, both from 0 to 1; columns in grey are the share of all rows in each bin.

    Examples
    --------
    >>> from matplotlib import use
    >>> use("agg")
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 1], loss="binary_cross_entropy", init="zeros")
    >>> ax = bm.plots.calibration(net, [[0], [1], [2], [3]], [0, 1, 0, 0])
    >>> ax.get_title()
    'expected calibration error 0.25'
    """
    bins = _validate.positive_int(bins, "bins")
    _, p, labels = _labelled(net, X, y)
    if p.shape[1] == 2:
        chance, true = p[:, 1].astype("f8"), labels == 1
        names = ("probability of class 1, predicted", "share of class 1 in truth")
    else:
        chance, true = p.max(axis=1).astype("f8"), p.argmax(axis=1) == labels
        names = ("probability of the class predicted", "share of right predictions")
    # A probability on an edge belongs to the bin above, the last one's end to the last bin.
    place = np.minimum((chance * bins).astype(int), bins - 1)
    rows = np.bincount(place, minlength=bins)
    some = rows > 0
    count = rows[some]
    mean = np.bincount(place, chance, bins)[some] / count
    share = np.bincount(place, true, bins)[some] / count
    error = float(np.sum(np.abs(mean - share) * count) / count.sum())

    ax = axes(ax, figsize=(5.2, 5.2))
    edges = np.linspace(0, 1, bins + 1)
    ax.stairs(rows / rows.sum(), edges, fill=True, color="0.85", label="share of the rows")
    ax.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1, label="perfect")
    low, high = _wilson(share, count)
    ax.errorbar(
        mean,
        share,
        yerr=[np.maximum(share - low, 0), np.maximum(high - share, 0)],
        color=BLUE,
        marker="o",
        capsize=3,
        lw=1.4,
        elinewidth=1,
        label="the network",
    )
    ax.set(xlabel=names[0], ylabel=names[1], xlim=(0, 1), ylim=(0, 1.02))
    ax.set_title(f"expected calibration error {error:.2g}", fontsize="medium", pad=24)
    legend_above(ax)
    without_frame(ax)
    return ax


def _wilson(share: Array, count: Array) -> tuple[Array, Array]:
    """95 % intervals for shares that were found in so many cases."""
    z2 = NORMAL_95**2 / count
    middle = (share + z2 / 2) / (1 + z2)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / 4)) / (1 + z2)
    return middle - half, middle + half


def residuals(net: Predictor, X: ArrayLike, y: ArrayLike, ax: Axes | None = None) -> Axes:
    """How far the truth is from what is predicted, over what is predicted.

    A cloud without shape around 0 is as it should be; a bend is something that could be learnt
    still. For "gaussian_nll" residuals are in predicted standard deviations, of which 1.96 (dashed
    lines) should hold 95 %; for "quantile" the prediction is the middle quantile. The orange line
    joins the medians of ten groups of equally many rows.

    Parameters
    ----------
    net
        A network that predicts numbers.
    X, y
        Rows (M, in) and their targets, as for `fit`.
    ax
        Axes to draw on. Default: those of a new figure.

    Returns
    -------
    Axes
        The axes, both in the target's unit unless the residuals are standardised.

    Examples
    --------
    >>> from matplotlib import use
    >>> use("agg")
    >>> import briskmlp as bm
    >>> ax = bm.plots.residuals(bm.MLP([1, 1], seed=0), [[1], [2], [3]], [1, 2, 3])
    >>> ax.get_ylabel()
    "target − prediction, in the target's unit"
    """
    x = _validate.rows(X, "X", net._network)
    t = targets(y, "y", len(x), net._network)
    if net._network.metric == "accuracy":
        raise ValueError(f"loss {net.loss!r} predicts classes, which have no residuals")
    p = net.predict(x).astype("f8")
    mean = p[:, middle_columns(net._network)]
    residual = t - mean
    label = "target − prediction, in the target's unit"
    ax = axes(ax)
    if net.loss == "gaussian_nll":
        residual /= np.sqrt(p[:, t.shape[1] :])
        label = "(target − prediction) / predicted standard deviation"
        for bound in (-NORMAL_95, NORMAL_95):
            ax.axhline(bound, color=GREY, lw=1, ls="--")
    ax.axhline(0, color=GREY, lw=1)
    several = t.shape[1] > 1
    for target in range(t.shape[1]):
        ax.scatter(
            mean[:, target],
            residual[:, target],
            s=14 if len(x) <= MANY else 4,
            alpha=0.5,
            color=COLOURS[target % len(COLOURS)],
            marker=MARKERS[target % len(MARKERS)],
            linewidths=0,
            rasterized=True,
            label=f"target {target}" if several else None,
        )
        if not several and len(x) >= 100:
            groups = np.array_split(np.argsort(mean[:, 0], kind="stable"), 10)
            middles = [(np.median(mean[g, 0]), np.median(residual[g, 0])) for g in groups]
            ax.plot(*np.transpose(middles), color=VERMILION, marker="o", ms=4, label="medians")
    ax.set(xlabel="prediction, in the target's unit", ylabel=label)
    legend_above(ax)
    without_frame(ax)
    return ax
