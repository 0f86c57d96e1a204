"""A line, then a matrix, fitted by gradient descent and compared with least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import briskmlp as bm

from ._common import BLUE, GREY, ORANGE, Options, heading, save_plot, say, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[Any]

TRUE_W, TRUE_B = 3.0, -2.0
MARKS = (0, 1, 3, 10, 30, 100)  # epochs after which the line is shown


def least_squares(X: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Weights (K, N) and biases (N,) with the least mean square error, in closed form."""
    columns = np.column_stack([X, np.ones(len(X))])
    solution = np.linalg.lstsq(columns, y, rcond=None)[0]
    return solution[:-1], solution[-1]


def mean_square(X: Floats, y: Floats, W: Floats, b: Floats) -> float:
    """Mean over rows and outputs of the squared error of x @ W + b."""
    return float(np.mean((X @ W + b - y) ** 2))


def fit_line(rng: np.random.Generator, seed: int) -> tuple[Floats, Floats, list[Floats], Floats]:
    """Fit y = w x + b; return the data, (w, b) at each of `MARKS`, and the excess losses."""
    X = rng.uniform(-2, 2, size=(200, 1))
    y = TRUE_W * X + TRUE_B + rng.normal(scale=0.7, size=X.shape)
    net = bm.MLP([1, 1], loss="mse", dtype="float64", seed=seed)

    lines: list[Floats] = []
    rows: list[list[str]] = []
    losses: list[float] = []
    for before, mark in zip((0, *MARKS), MARKS, strict=False):
        if mark:
            history = net.fit(
                X, y, epochs=mark - before, batch_size=len(X), optimizer=bm.SGD(0.1), progress=False
            )
            losses.extend(history["loss"])
        loss, gradient = net.gradients(X, y)
        lines.append(net.parameters.copy())
        rows.append([str(mark), *(f"{value:.5f}" for value in (loss, *net.parameters, *gradient))])
    table(["step", "loss", "w", "b", "dloss/dw", "dloss/db"], rows)

    W, b = least_squares(X, y)
    table(
        ["", "w", "b"],
        [
            ["the truth", f"{TRUE_W:.5f}", f"{TRUE_B:.5f}"],
            ["least squares", f"{W[0, 0]:.5f}", f"{b[0]:.5f}"],
            ["gradient descent", *(f"{value:.5f}" for value in net.parameters)],
        ],
    )
    difference = np.abs(net.parameters - [W[0, 0], b[0]]).max()
    say(
        f"""Gradient descent and least squares differ by {difference:.1e} at most. Both miss the
        truth by more than that: the noise in the 200 points is theirs to keep."""
    )
    return X, y, lines, np.array(losses) - mean_square(X, y, W, b)


def fit_matrix(rng: np.random.Generator, seed: int) -> Floats:
    """Fit y = x @ W + b with W of shape (5, 3), and return the excess losses."""
    true_W, true_b = rng.normal(size=(5, 3)), rng.normal(size=3)
    X = rng.normal(size=(1000, 5))
    y = X @ true_W + true_b + rng.normal(scale=0.1, size=(1000, 3))
    net = bm.MLP([5, 3], loss="mse", dtype="float64", seed=seed)
    history = net.fit(X, y, epochs=100, batch_size=len(X), optimizer=bm.SGD(0.5), progress=False)
    W, b = least_squares(X, y)
    (net_W,), (net_b,) = net.weights, net.biases
    table(
        ["largest difference in", "W (5, 3)", "b (3,)"],
        [
            ["gradient descent - least squares", *_largest(net_W - W, net_b - b)],
            ["gradient descent - the truth", *_largest(net_W - true_W, net_b - true_b)],
        ],
    )
    return history["loss"] - mean_square(X, y, W, b)


def _largest(*differences: Floats) -> list[str]:
    return [f"{np.abs(difference).max():.1e}" for difference in differences]


def draw(
    figure: Figure,
    points: tuple[Floats, Floats],
    lines: list[Floats],
    line_excess: Floats,
    matrix_excess: Floats,
) -> None:
    """Draw the data with the lines on their way, and the losses above their minimum."""
    left, right = figure.subplots(1, 2)
    left.scatter(*points, s=9, color=GREY, label="data")
    ends = np.array([-2, 2])
    for i, (mark, (w, b)) in enumerate(zip(MARKS, lines, strict=True)):
        share = i / (len(MARKS) - 1)
        label = f"after {mark} steps" if mark in (MARKS[0], MARKS[-1]) else None
        left.plot(ends, w * ends + b, color=BLUE, alpha=0.15 + 0.85 * share, label=label)
    left.set(xlabel="x", ylabel="y", title="The line turns into place")
    left.legend()
    for excess, color, label in (
        (line_excess, BLUE, "the line"),
        (matrix_excess, ORANGE, "the matrix"),
    ):
        right.semilogy(np.where(excess > 0, excess, np.nan), color=color, label=label)
    right.axhline(np.finfo(float).eps, color=GREY, linestyle=":", label="float64's resolution")
    right.set(xlabel="step", title="Loss above that of least squares")
    right.legend()


def run(options: Options) -> None:
    """Run the demo."""
    rng = np.random.default_rng(options.seed)
    heading("A line")
    say(
        """A network without hidden layers is the affine map x @ W + b; with one input and one
        output, the line y = w x + b. Gradient descent starts anywhere and steps against the slope
        of the mean square error, over and over: w -= 0.1 dloss/dw, and likewise b. The points
        come from y = 3 x - 2, with noise."""
    )
    X, y, lines, line_excess = fit_line(rng, options.seed)

    heading("A matrix")
    say(
        """Five inputs and three outputs are no different: W is a (5, 3) matrix, b has three
        entries, and one hundred steps find all eighteen numbers at once."""
    )
    matrix_excess = fit_matrix(rng, options.seed)
    save_plot(
        options,
        "linear",
        (9, 3.8),
        lambda figure: draw(figure, (X, y), lines, line_excess, matrix_excess),
    )
