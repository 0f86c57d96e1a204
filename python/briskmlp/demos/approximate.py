"""One hidden layer of growing width approximates a continuous function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import briskmlp as bm

from ._common import BLUE, GREY, INK, ORANGE, Options, heading, save_plot, say, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[Any]

STARTS = 3  # trainings of each width
STAGES = ((1e-2, 300), (2e-3, 150), (4e-4, 75))  # learning rate, epochs


def target(x: Floats) -> Floats:
    """Evaluate the function to be approximated on [-1, 1]: continuous, with a kink at 1/3."""
    return np.sin(2 * np.pi * x) * np.exp(-x * x) + np.abs(x - 1 / 3)


def build(width: int) -> bm.MLP:
    """Write the weights that join `width` + 1 points of the function by straight pieces.

    Unit i is relu(x - knot i): it turns the slope at its knot, by its weight in the output layer.
    """
    net = bm.MLP([1, width, 1], "relu", loss="mse", dtype="float64")
    knots = np.linspace(-1, 1, width + 1)
    values = target(knots)
    slopes = np.diff(values) / np.diff(knots)
    net.weights[0][:] = 1
    net.biases[0][:] = -knots[:-1]
    net.weights[1][:, 0] = np.diff(slopes, prepend=0)
    net.biases[1][:] = values[0]
    return net


def train(width: int, seed: int, quick: bool) -> bm.MLP:
    """Train a network of that width on 512 points of the function."""
    net = bm.MLP([1, width, 1], "relu", loss="mse", dtype="float64", seed=seed)
    knots = np.random.default_rng(seed).uniform(-1, 1, width)
    net.biases[0][:] = -net.weights[0][0] * knots  # or every unit would turn at x = 0
    X = np.linspace(-1, 1, 512)[:, np.newaxis]
    for learning_rate, epochs in STAGES:
        net.fit(
            X,
            target(X),
            epochs=epochs // 15 if quick else epochs,
            batch_size=32,
            optimizer=bm.Adam(learning_rate),
            progress=False,
        )
    return net


def largest_error(curve: Floats, x: Floats) -> float:
    """How far a curve (M, 1) over the points x is from the function."""
    return float(np.abs(curve - target(x)).max())


def draw(figure: Figure, x: Floats, curves: dict[int, list[Floats]]) -> None:
    """Draw two of the curves over the function, and the largest errors by width."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    widths = list(curves)
    left.plot(x, target(x), color=GREY, linewidth=5, label="target")
    for width, color in ((widths[1], ORANGE), (widths[-1], BLUE)):
        left.plot(x, curves[width][1], color=color, label=f"{width} units, trained")
    left.set(xlabel="x", title="Straight pieces, joined")
    left.legend()
    errors = [[largest_error(curve, x) for curve in found] for found in curves.values()]
    by_hand, best, *_, worst = zip(*errors, strict=True)
    trainings = f"of {STARTS} trainings"
    right.fill_between(widths, best, worst, color=BLUE, alpha=0.15, linewidth=0)
    right.loglog(widths, worst, ".-", color=BLUE, alpha=0.4, label=f"worst {trainings}")
    right.loglog(widths, best, ".-", color=BLUE, label=f"best {trainings}")
    right.loglog(widths, by_hand, ".-", color=INK, label="by hand")
    right.set_xticks(widths, [str(width) for width in widths])
    right.minorticks_off()
    right.set(xlabel="hidden units", title="Largest error")
    right.legend(loc="lower left")


def run(options: Options) -> None:
    """Run the demo."""
    heading("Wide enough, one hidden layer comes as close as you like")
    say(
        """The target is sin(2 pi x) exp(-x^2) + |x - 1/3| on [-1, 1]. A hidden layer of n relu
        units makes a curve of straight pieces that turns at most n times. The table shows the
        largest error on the interval: of weights written by hand, which join n + 1 points of the
        curve, and of weights found by training, from three random starts."""
    )
    widths = (2, 4, 8, 16, 32) if options.quick else (2, 4, 8, 16, 32, 64, 128)
    x = np.linspace(-1, 1, 4001)[:, np.newaxis]
    curves = {}  # of the widths: by hand, then trained, best first
    for width in widths:
        starts = range(options.seed, options.seed + STARTS)
        trained = [train(width, seed, options.quick)(x) for seed in starts]
        trained.sort(key=lambda curve: largest_error(curve, x))
        curves[width] = [build(width)(x), *trained]
    table(
        ["hidden units", "by hand", "trained, best", "trained, worst"],
        [
            [str(width), *(f"{largest_error(curve, x):.4f}" for curve in (by_hand, best, worst))]
            for width, (by_hand, best, *_, worst) in curves.items()
        ],
    )
    say(
        """That weights for any accuracy exist is the universal approximation theorem (Cybenko 1989;
        for relu Leshno et al. 1993), and the first column shows some. The theorem does not promise
        that training finds them: the same width from another start ends elsewhere. Nor does it say
        how many units are enough, or anything about x outside the interval."""
    )
    save_plot(options, "approximate", (10, 4), lambda figure: draw(figure, x, curves))
