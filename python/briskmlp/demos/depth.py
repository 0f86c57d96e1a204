"""Layers without an activation are one layer; with one they tell two spirals apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import briskmlp as bm

from ._common import BLUE, ORANGE, Options, heading, save_plot, say, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[Any]

TURNS = 1.5  # of each spiral
RADIUS = 2.0
PALE_ORANGE, PALE_BLUE = "#f6c9ae", "#b3cbf3"
EDGE = 1.15 * RADIUS  # half the side of the square that the plots show


def spirals(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """Points X (rows, 2) on two arms that wind around each other, and their arm y (rows,)."""
    arm = rng.integers(2, size=rows)
    way = np.sqrt(rng.uniform(0.01, 1, size=rows))  # evenly spread along the arm
    angle = 2 * np.pi * TURNS * way + np.pi * arm
    X = RADIUS * way[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
    return X + rng.normal(scale=0.04, size=X.shape), arm


def collapse(seed: int) -> None:
    """Multiply the weights of a deep network without activation out, and compare."""
    rng = np.random.default_rng(seed)
    net = bm.MLP([2, 64, 64, 64, 1], "identity", loss="mse", dtype="float64", seed=seed)
    for b in net.biases:
        b[:] = rng.normal(size=b.shape)
    W, b = net.weights[0], net.biases[0]
    for next_W, next_b in zip(net.weights[1:], net.biases[1:], strict=True):
        W, b = W @ next_W, b @ next_W + next_b
    X = rng.normal(size=(1000, 2))
    difference = np.abs(net(X) - (X @ W + b)).max()
    say(
        f"""An affine layer after another is again affine: (x @ W1 + b1) @ W2 + b2 is
        x @ (W1 @ W2) + (b1 @ W2 + b2). Here are four layers with {net.num_parameters:,} parameters
        and no activation between them. Multiplied out they are the {W.size + b.size} numbers
        w = [{W[0, 0]:.3f}, {W[1, 0]:.3f}] and b = {b[0]:.3f}. On 1,000 random points the deep
        network and that one line differ by {difference:.1e} at most, which is rounding."""
    )


def draw(
    figure: Figure, nets: dict[str, bm.MLP], accuracies: dict[str, float], X: Floats, y: Floats
) -> None:
    """Draw which arm each network takes a point of the plane to belong to."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("arms", [PALE_ORANGE, "white", PALE_BLUE])
    columns = min(4, len(nets))
    grid = np.linspace(-EDGE, EDGE, 150)
    points = np.stack(np.meshgrid(grid, grid), axis=-1)
    axes = figure.subplots(len(nets) // columns, columns, squeeze=False).ravel()
    for ax, (name, net) in zip(axes, nets.items(), strict=True):
        arm = net.predict(points.reshape(-1, 2)).reshape(points.shape[:2])
        ax.contourf(grid, grid, arm, np.linspace(0, 1, 41), cmap=colors)
        for i, color in enumerate((ORANGE, BLUE)):
            ax.scatter(*X[y == i][:150].T, s=3, color=color)
        ax.set(title=f"{name}, {accuracies[name]:.1%}", xticks=[], yticks=[], aspect="equal")


def run(options: Options) -> None:
    """Run the demo."""
    heading("Depth alone adds nothing")
    collapse(options.seed)

    heading("An activation between the layers bends space")
    say(
        f"""Two spirals of {TURNS} turns each, in which no straight line tells one arm from the
        other. The same network, 2-32-32-1, is trained with each activation in turn, and asked
        about points that it has not seen. Identity, which is no activation, has only its line."""
    )
    rng = np.random.default_rng(options.seed)
    X, y = spirals(rng, 2000)
    unseen = spirals(rng, 2000)
    nets, accuracies = {}, {}
    for name in ("identity", "relu", "tanh") if options.quick else bm.reference.ACTIVATIONS:
        net = bm.MLP([2, 32, 32, 1], name, loss="binary_cross_entropy", seed=options.seed)
        history = net.fit(
            X,
            y,
            epochs=60 if options.quick else 150,
            batch_size=32,
            optimizer=bm.Adam(1e-2),
            eval_set=unseen,
        )
        nets[name] = net
        accuracies[name] = history[-1]["eval_metric"]
    table(
        ["activation", "unseen points right", ""],
        [
            [name, f"{accuracy:.1%}", ("#" * round(40 * accuracy)).ljust(40)]
            for name, accuracy in accuracies.items()
        ],
    )
    save_plot(options, "depth", (10, 8), lambda figure: draw(figure, nets, accuracies, *unseen))
