"""What the demos share: their options, text for a terminal, and plots that are saved."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 79

BLUE, ORANGE, GREEN, GREY, INK = "#2563c9", "#e0662f", "#2a9d6f", "#a3abb8", "#222733"
STYLE: dict[str, Any] = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "font.size": 9.5,
    "legend.frameon": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True)
class Options:
    """What a demo can be told.

    Parameters
    ----------
    plot
        Where to save the plot. Default: briskmlp_NAME.png in the current directory.
    seed
        Of the data, the initial weights and the shuffling.
    quick
        Do less, for a look or a test: figures come out worse than they need to.
    data
        For `classify`: the folder of the four files of Fashion-MNIST.
    """

    plot: Path | None = None
    seed: int = 0
    quick: bool = False
    data: Path | None = None


def heading(text: str) -> None:
    """Print a line that starts a part, bold on a terminal."""
    bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(f"\n\033[1m{text}\033[0m\n" if bold else f"\n{text}\n{'-' * len(text)}\n")


def say(text: str) -> None:
    """Print a paragraph, filled to the width of a page, and an empty line."""
    print(textwrap.fill(" ".join(text.split()), WIDTH) + "\n")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns: the first aligned left, the others right, and an empty line."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        cells = [first.strip().ljust(widths[0]), *others]
        print(f"  {'  '.join(cells)}".rstrip())
    print()


def save_plot(
    options: Options, name: str, size: tuple[float, float], draw: Callable[[Figure], None]
) -> None:
    """Let `draw` fill a figure of `size` inches, and save it, where matplotlib is installed."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        say("No plot, because matplotlib is not installed.")
        return
    path = options.plot or Path(f"briskmlp_{name}.png")
    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        figure.savefig(path, dpi=150)
    print(f"Plot saved as {path}")
