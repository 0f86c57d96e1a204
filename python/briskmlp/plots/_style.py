"""What all plots share: axes, colours, legends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito 2008, the darker ones first.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW, BLACK = "#E69F00", "#56B4E9", "#F0E442", "#000000"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, BLACK)
MARKERS = "os^Dv<>P"
GREY = "0.45"


def axes(ax: Axes | None, **size: Any) -> Axes:
    """`ax`, or the axes of a new figure."""
    try:
        from matplotlib import pyplot
        from matplotlib.axes import Axes
    except ImportError as error:
        message = "plots need matplotlib: pip install 'briskmlp[plot]'"
        raise ImportError(message, name=error.name) from error
    if ax is None:
        ax = pyplot.subplots(layout="constrained", **size)[1]
    if not isinstance(ax, Axes):
        what = f"an array of {ax.size}" if isinstance(ax, np.ndarray) else f"{ax!r:.80}"
        raise TypeError(f"ax must be matplotlib's Axes, such as plt.gca(), got {what}")
    return ax


def legend_above(ax: Axes, columns: int = 4) -> None:
    """A legend that hides nothing: in a line over the axes."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=columns,
            frameon=False,
            columnspacing=1.4,
            handletextpad=0.5,
        )


def without_frame(ax: Axes) -> None:
    """No lines at the top and at the right, where there is no scale."""
    ax.spines[["top", "right"]].set_visible(False)
