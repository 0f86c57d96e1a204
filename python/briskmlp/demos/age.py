"""Regression with a probability as the answer: how tall a child is, and how surely."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import briskmlp as bm

from ._common import BLUE, GREY, INK, ORANGE, Options, heading, save_plot, say, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[Any]

OLDEST = 18.0  # years
NORMAL = (
    math.erf(1 / math.sqrt(2)),
    math.erf(2 / math.sqrt(2)),
)  # of a normal distribution within one and two sigma


def true_mean(age: Floats) -> Floats:
    """Mean height in cm at an age in years, by the rule that makes the data."""
    growth_spurt = 1 / (1 + np.exp(-(age - 12.5) / 1.2))
    return 52 + 85 * (1 - np.exp(-age / 7.5)) + 10 * np.sqrt(age / OLDEST) + 32 * growth_spurt


def true_sigma(age: Floats) -> Floats:
    """Spread of heights in cm at an age in years: it grows, and most of all around 13."""
    return 2 + 0.2 * age + 3.5 * np.exp(-(((age - 13) / 2) ** 2))


def sample(rng: np.random.Generator, rows: int) -> tuple[Floats, Floats]:
    """Ages (rows, 1) and heights (rows,)."""
    age = rng.uniform(0, OLDEST, size=(rows, 1))
    return age, rng.normal(true_mean(age), true_sigma(age))[:, 0]


class Heights:
    """A network from ages to heights, which sees both scaled to numbers around zero."""

    def __init__(self, loss: str, outputs: int, seed: int) -> None:
        self.net = bm.MLP([1, 32, 32, outputs], "silu", loss=loss, seed=seed)

    def fit(self, age: Floats, height: Floats, epochs: int) -> None:
        """Train for `epochs` with long steps, then as many with short ones."""
        self.shift, self.scale = height.mean(), height.std()
        scaled = (height - self.shift) / self.scale
        for learning_rate in (1e-2, 5e-4):
            optimizer = bm.Adam(learning_rate)
            self.net.fit(
                self.scaled(age), scaled, epochs=epochs, batch_size=64, optimizer=optimizer
            )

    def scaled(self, age: Floats) -> Floats:
        """Bring ages to [-1, 1]."""
        return 2 * age / OLDEST - 1

    def mean(self, age: Floats) -> Floats:
        """Predict the mean height (M,) in cm at ages (M, 1)."""
        return self.shift + self.scale * self.net.predict(self.scaled(age))[:, 0]

    def sigma(self, age: Floats) -> Floats:
        """Predict the standard deviation (M,) in cm, the root of the predicted variance."""
        return self.scale * np.sqrt(self.net.predict(self.scaled(age))[:, 1])


def show_means_and_sigmas(gaussian: Heights) -> None:
    """Print what the network says at some ages beside the truth."""
    ages = np.array([[1.0], [5.0], [9.0], [13.0], [17.0]])
    means = true_mean(ages)[:, 0], gaussian.mean(ages)
    sigmas = true_sigma(ages)[:, 0], gaussian.sigma(ages)
    table(
        ["age", "true mean", "predicted", "true sigma", "predicted"],
        [
            [f"{years:.0f}", *(f"{value:.1f} cm" for value in values)]
            for years, *values in zip(ages[:, 0], *means, *sigmas, strict=True)
        ],
    )


def within(errors: Floats, sigma: Floats | float) -> list[str]:
    """Which shares of the errors (M,) lie within one and within two sigma."""
    return [f"{np.mean(np.abs(errors) <= k * sigma):.1%}" for k in (1, 2)]


def show_coverage(
    gaussian: Heights, plain: Heights, one_sigma: float, age: Floats, height: Floats
) -> None:
    """Print the shares of unseen heights within the band, and within one band for all ages."""
    errors, plain_errors = height - gaussian.mean(age), height - plain.mean(age)
    sigma = gaussian.sigma(age)
    lines = []
    for youngest, oldest in ((0, OLDEST), (0, 6), (6, 11), (11, 15), (15, OLDEST)):
        those = (youngest <= age[:, 0]) & (age[:, 0] < oldest)
        label = "all" if oldest - youngest == OLDEST else f"{youngest:.0f} to {oldest:.0f}"
        shares = within(errors[those], sigma[those]) + within(plain_errors[those], one_sigma)
        lines.append([label, *shares])
    table(["age", "1 sigma", "2 sigma", "mse: 1 sigma", "2 sigma"], lines)


def draw(figure: Figure, gaussian: Heights, one_sigma: float, age: Floats, height: Floats) -> None:
    """Draw the unseen children under the band, and sigma beside the truth."""
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    x = np.linspace(0, OLDEST, 200)
    mean, sigma = gaussian.mean(x[:, np.newaxis]), gaussian.sigma(x[:, np.newaxis])
    left.scatter(age, height, s=2, color=GREY, zorder=0)
    for k, alpha in ((2, 0.18), (1, 0.3)):
        band = mean - k * sigma, mean + k * sigma
        left.fill_between(x, *band, color=BLUE, alpha=alpha, linewidth=0, label=f"{k} sigma")
    left.plot(x, mean, color=BLUE, label="mean")
    left.set(xlabel="age in years", ylabel="height in cm", title="Unseen children, and the band")
    right.plot(x, true_sigma(x), color=INK, linestyle=":", label="the truth")
    right.plot(x, sigma, color=BLUE, label="gaussian_nll")
    right.axhline(one_sigma, color=ORANGE, label="mse: one for all")
    right.set(xlabel="age in years", ylabel="cm", title="Sigma", ylim=(0, None))
    for ax in (left, right):
        ax.set_xticks(range(0, 19, 3))
        ax.legend(loc="upper left")


def run(options: Options) -> None:
    """Run the demo."""
    heading("A prediction that says how sure it is")
    rows = 8000
    say(
        f"""The data are synthetic: the heights of {rows:,} children, drawn by a rule that we know,
        so that the answer can be checked. Children of one age differ, older ones by more, and most
        around 13, when some have grown and some not yet. With loss="gaussian_nll" the network has
        two outputs, a mean and the logarithm of a variance, and learns both from heights alone: no
        one ever tells it a variance."""
    )
    rng = np.random.default_rng(options.seed)
    age, height = sample(rng, rows)
    unseen = sample(rng, rows)
    epochs = 10 if options.quick else 60
    gaussian = Heights("gaussian_nll", 2, options.seed)
    gaussian.fit(age, height, epochs)
    show_means_and_sigmas(gaussian)

    say(
        f"""Is the band as wide as it should be? Of a normal distribution {NORMAL[0]:.1%} lie within
        one sigma and {NORMAL[1]:.1%} within two. So many of {rows:,} unseen children do, counted
        for each age on its own; beside them a network trained with "mse", which has one sigma for
        all, its root mean square error:"""
    )
    plain = Heights("mse", 1, options.seed)
    plain.fit(age, height, epochs)
    one_sigma = float(np.sqrt(np.mean((height - plain.mean(age)) ** 2)))
    show_coverage(gaussian, plain, one_sigma, *unseen)
    save_plot(options, "age", (10, 4.2), lambda figure: draw(figure, gaussian, one_sigma, *unseen))
