"""A network: its layers, its weights, and what its units do."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .._layers import describe, runs
from .._validate import Array
from ._style import BLUE, GREY, VERMILION, axes, without_frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .._inspectable import Inspectable
    from .._network import Network

SHOWN = 8  # units of a layer that are drawn; of larger ones the first and the last
BINS = 60
UNIT = 11.0  # points of a unit's diameter, where there is room
LETTER = 0.6  # width of a letter, as a share of its size
HEIGHT = 0.85  # of a ridge, as a share of the distance to the next


def network(net: Network, ax: Axes | None = None) -> Axes:
    """Layers as columns of units, with the weights between them.

    Blue lines are positive weights and orange dashed ones negative; the thicker, the larger within
    its layer; a weight of zero has no line. Of layers with more than eight units the first four and
    the last four are drawn. Hidden layers that are alike have one label together.

    Parameters
    ----------
    net
        The network.
    ax
        Axes to draw on. Default: those of a new figure.

    Returns
    -------
    Axes
        The axes, without scales.

    Examples
    --------
    >>> from matplotlib import use
    >>> use("agg")
    >>> import briskmlp as bm
    >>> ax = bm.plots.network(bm.MLP([784, 128, 10], seed=0))
    >>> [text.get_text().split() for text in ax.texts]
    [['784', 'inputs'], ['128', 'relu'], ['10', 'outputs', 'identity']]
    """
    sizes = net.sizes
    ax = axes(ax, figsize=(max(6.4, 1.5 * len(sizes)), 4.8))
    columns = [_unit_heights(size) for size in sizes]
    for layer, W in enumerate(net.weights):
        _draw_weights(ax, layer, W, columns)
    floor = min(height for column in columns for height in column.values()) - 0.9
    width, height = _points_of(ax)
    across = width / len(sizes)
    ax.set_xlim(-0.5, len(sizes) - 0.5)
    ax.set_ylim(floor - 2.2, -floor - 0.3)
    _label(ax, net, floor, across)
    low, high = ax.get_ylim()
    scale = min(1.0, 0.4 * across / UNIT, 0.8 * height / (high - low) / UNIT)
    style: dict[str, Any] = {"mfc": "white", "mec": "0.2", "zorder": 3}
    for layer, (size, column) in enumerate(zip(sizes, columns, strict=True)):
        at = [layer] * len(column)
        ax.plot(at, list(column.values()), "o", ms=scale * UNIT, mew=1.2 * scale, **style)
        if size > SHOWN:
            ax.plot([layer] * 3, [-0.3, 0, 0.3], ".", color="0.2", ms=4 * scale, zorder=3)
    ax.set_axis_off()
    return ax


def _label(ax: Axes, net: Network, floor: float, across: float) -> None:
    """Sizes and activations below the columns, upright where they are too near each other."""
    sizes, names = net.sizes, describe(net._network)
    texts = [f"{sizes[0]:,}\ninputs"]
    texts += [f"{size:,}\n{name}" for size, name in zip(sizes[1:-1], names[:-1], strict=True)]
    texts.append(f"{sizes[-1]:,}\noutputs\n{names[-1]}")
    labels = []
    for at, count in runs(texts):
        times = f"{count} x " if count > 1 else ""
        labels.append((at + (count - 1) / 2, count, times + texts[at].replace(", ", ",\n")))
        if count > 1:
            ax.plot([at - 0.2, at + count - 0.8], [floor + 0.15] * 2, color=GREY, lw=1)
    letter = LETTER * _points_of_text()
    longest = [max(map(len, text.split("\n"))) for _, _, text in labels]
    if all(letter * n <= across * count for n, (_, count, _) in zip(longest, labels, strict=True)):
        for middle, _, text in labels:
            ax.text(middle, floor, text, ha="center", va="top", linespacing=1.4)
        return
    lines = [" ".join(text.split("\n")) for _, _, text in labels]
    for (middle, _, _), line in zip(labels, lines, strict=True):
        ax.text(middle, floor, line, ha="center", va="top", rotation=90, fontsize="small")
    # Room for the longest: its share of the height.
    share = min(0.6, 0.8 * letter * max(map(len, lines)) / _points_of(ax)[1])
    top = ax.get_ylim()[1]
    ax.set_ylim(floor - share / (1 - share) * (top - floor), top)


def _points_of(ax: Axes) -> tuple[float, float]:
    """Width and height of axes, in points."""
    window, point = ax.get_window_extent(), ax.figure.dpi / 72
    return float(window.width / point), float(window.height / point)


def _points_of_text() -> float:
    """The size that text has unless it is told, in points."""
    from matplotlib import rcParams

    return float(rcParams["font.size"])


def _unit_heights(size: int) -> dict[int, float]:
    """The height of each drawn unit by its number, from the top, around 0."""
    if size <= SHOWN:
        return {unit: (size - 1) / 2 - unit for unit in range(size)}
    half = SHOWN // 2
    top = {unit: half - unit for unit in range(half)}
    return top | {size - half + unit: -1.0 - unit for unit in range(half)}


def _draw_weights(ax: Axes, layer: int, W: Array, columns: list[dict[int, float]]) -> None:
    """Lines between the drawn units of one column and the next."""
    from matplotlib.collections import LineCollection

    left, right = columns[layer], columns[layer + 1]
    shown = W[np.ix_(list(left), list(right))].ravel()
    lines = np.array([[(layer, a), (layer + 1, b)] for a in left.values() for b in right.values()])
    shown = np.nan_to_num(shown.astype("f8"))
    strength = np.abs(shown) / max(np.abs(shown).max(), 1e-300)
    for colour, style, chosen in ((BLUE, "-", shown > 0), (VERMILION, (0, (4, 2)), shown < 0)):
        if not chosen.any():
            continue
        ax.add_collection(
            LineCollection(
                list(lines[chosen]),
                colors=colour,
                linestyles=[style],
                linewidths=0.3 + 1.7 * strength[chosen],
                alpha=0.25 + 0.6 * strength[chosen],
                zorder=1,
            )
        )


def weights(net: Network, ax: Axes | None = None) -> Axes:
    """How the weights of each layer are distributed, one layer above the other.

    Each histogram has a height of its own; sd is the standard deviation. The scale holds 99.9 %
    of each layer's weights.

    Parameters
    ----------
    net
        The network.
    ax
        Axes to draw on. Default: those of a new figure.

    Returns
    -------
    Axes
        The axes: weights to the right, the first layer at the top.

    Examples
    --------
    >>> from matplotlib import use
    >>> use("agg")
    >>> import briskmlp as bm
    >>> bm.plots.weights(bm.MLP([8, 16, 1], seed=0)).get_xlabel()
    'weight'
    """
    samples = [W.ravel() for W in net.weights]
    labels = [f"layer {i}\n{K} → {N}" for i, (K, N) in enumerate(pairwise(net.sizes), 1)]
    notes = [
        f"sd {sample.std(dtype='f8'):.2g}" if np.isfinite(sample).all() else "not finite"
        for sample in samples
    ]
    ax = _ridges(ax, samples, labels, notes)
    ax.set_xlabel("weight")
    return ax


def activations(net: Inspectable, X: ArrayLike, ax: Axes | None = None) -> Axes:
    """How what each hidden layer passes on to the next is distributed over rows X.

    The output layer has a scale of its own and is drawn only where it is the only one. Zeros are
    counted in words and not drawn, because under a rectifier they would dwarf the rest. A layer
    that shows few values, or one at both ends of its activation's range, learns slowly;
    `MLP.check` looks for those.

    Parameters
    ----------
    net
        The network.
    X
        Rows (M, in).
    ax
        Axes to draw on. Default: those of a new figure.

    Returns
    -------
    Axes
        The axes: outputs to the right, the first layer at the top.

    Examples
    --------
    >>> from matplotlib import use
    >>> use("agg")
    >>> import briskmlp as bm
    >>> ax = bm.plots.activations(bm.MLP([8, 16, 1], seed=0), np.ones((10, 8)))
    >>> ax.get_xlabel()
    "output of the layers' units"
    """
    outputs = [output.ravel() for output in net.layer_outputs(X)]
    outputs = outputs[:-1] or outputs
    names = describe(net._network)[: len(outputs)]
    labels = [f"layer {i}\n{name}" for i, name in enumerate(names, 1)]
    notes = [f"{np.mean(output == 0):.0%} zero" if 0 in output else "" for output in outputs]
    ax = _ridges(ax, [output[output != 0] for output in outputs], labels, notes)
    ax.set_xlabel("output of the layers' units")
    return ax


def _finite(values: Array) -> Array:
    return values[np.isfinite(values)].astype("f8")


def _ridges(ax: Axes | None, samples: list[Array], labels: list[str], notes: list[str]) -> Axes:
    """Histograms on one scale, the first at the top, with a note at the right of each."""
    rows = len(samples)
    ax = axes(ax, figsize=(6.4, max(2.4, 0.75 * rows + 1)))
    samples = [_finite(sample) for sample in samples]
    low, high = _range_of(samples)
    edges = np.linspace(low, high, BINS + 1)
    lines = _points_of(ax)[1] / rows / (1.2 * _points_of_text())  # of text that a row has room for
    step = max(1, math.ceil(1 / lines))  # from one row that is labelled to the next
    for row, sample in enumerate(samples):
        base = rows - 1 - row
        counts = np.histogram(sample, edges)[0]
        heights = base + HEIGHT * counts / max(1, counts.max())
        style: dict[str, Any] = {"baseline": base, "zorder": 2 + row}
        ax.stairs(heights, edges, fill=True, color=BLUE, alpha=0.3, **style)
        ax.stairs(heights, edges, color=BLUE, lw=1.2, **style)
        if row % step == 0:
            ax.text(high, base + 0.3, f" {notes[row]}", color=GREY, ha="left", va="center")
    ax.axvline(0, color=GREY, lw=0.8, ls=":", zorder=1)
    ticks = [rows - 1 - row + 0.3 for row in range(0, rows, step)]
    if lines < 2:
        labels = [label.replace("\n", " ") for label in labels]
    ax.set_yticks(ticks, labels[::step])
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(low, high)
    ax.set_ylim(-0.05, rows)
    without_frame(ax)
    ax.spines["left"].set_visible(False)
    return ax


def _range_of(samples: list[Array]) -> tuple[float, float]:
    """What holds 99.9 % of each sample, with some room if all is the same."""
    ends = [np.quantile(sample, [0.0005, 0.9995]) for sample in samples if len(sample)]
    if not ends:
        return -1.0, 1.0
    low, high = np.min(ends), np.max(ends)
    room = 0.02 * (high - low) or max(1e-3, 0.1 * abs(low))
    return float(low - room), float(high + room)
