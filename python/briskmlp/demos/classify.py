"""Real images told apart, and the same training by the NumPy reference beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import briskmlp as bm

from ._common import INK, ORANGE, Options, heading, save_plot, say, table
from ._datasets import Images, load

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[Any]


FEW_STEPS = 20


@dataclass(frozen=True)
class Recipe:
    """How to train on one data set."""

    hidden: tuple[int, ...]
    batch_size: int
    stages: tuple[tuple[float, int], ...]  # learning rate, epochs
    compared: int  # epochs of the comparison with NumPy


RECIPES = {
    "Fashion-MNIST": Recipe((256, 128, 100), 128, ((1e-3, 5), (2e-4, 2)), compared=1),
    "digits": Recipe((128, 64), 32, ((3e-3, 20), (5e-4, 10)), compared=10),
}


def flat(part: tuple[Array, Array], rows: int | None = None) -> tuple[Array, Array]:
    """The first `rows` images, each a row of pixels (M, height * width), and their labels (M,)."""
    images, labels = part[0][:rows], part[1][:rows]
    return images.reshape(len(images), -1), labels


def introduce(images: Images, net: bm.MLP, rows: int) -> None:
    """Say what is learnt by what."""
    _, height, width = images.train[0].shape
    source = {
        "Fashion-MNIST": "Fashion-MNIST, photographs of clothes",
        "digits": "digits that thirteen people wrote by hand (Alpaydin and Kaynak 1998, CC BY 4.0)",
    }[images.name]
    say(
        f"""{rows:,} images of {height} x {width} pixels to learn from and {len(images.test[0]):,}
        to be tested on: {source}. The network sees an image as {height * width} numbers, without
        knowing which pixels are neighbours, and gives a probability for each of
        {len(images.classes)} classes. It is {"-".join(map(str, net.sizes))}, which is
        {net.num_parameters:,} parameters."""
    )


def confusion(labels: Array, predicted: Array, classes: int) -> NDArray[np.intp]:
    """How many images of class i (rows) were taken for class j (columns)."""
    counts = np.zeros((classes, classes), np.intp)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def compare(net: bm.MLP, X: Array, y: Array, recipe: Recipe) -> None:
    """Train anew, once here and once in NumPy, from one start: a few steps, then whole epochs."""

    def train(kind: type, rows: int, epochs: int) -> bm.History:
        twin = kind(net.sizes, "relu", loss="cross_entropy", seed=net.seed)
        optimizer = bm.Adam(recipe.stages[0][0])
        history: bm.History = twin.fit(
            X[:rows], y[:rows], epochs=epochs, batch_size=recipe.batch_size, optimizer=optimizer
        )
        return history

    seconds, losses, lines = [], [], []
    for name, kind in (("briskmlp", bm.MLP), ("NumPy", bm.reference.MLP)):
        steps = train(kind, FEW_STEPS * recipe.batch_size, 1)
        epochs = train(kind, len(X), recipe.compared)
        loss, time = epochs[-1]["loss"], float(epochs["seconds"].sum())
        rate = len(X) * recipe.compared / time
        lines.append(
            [name, f"{steps[-1]['loss']:.5f}", f"{loss:.5f}", f"{time:.2f}", f"{rate:,.0f}"]
        )
        losses.append(loss)
        seconds.append(time)
    trained = f"{recipe.compared} epoch{'s' * (recipe.compared > 1)}"
    table(["loss after", f"{FEW_STEPS} steps", trained, "seconds", "rows/s"], lines)
    say(
        f"""Were numbers exact, the losses would be the same. Sums in another order round
        differently, which every further step magnifies: after {trained} the losses are
        {abs(losses[0] / losses[1] - 1):.0e} of themselves apart. briskmlp is
        {seconds[1] / seconds[0]:.1f} times as fast."""
    )


def learn(net: bm.MLP, images: Images, X: Array, y: Array, recipe: Recipe) -> None:
    """Train by the recipe, and print what became of it."""
    accuracies, seconds = [], 0.0
    for learning_rate, epochs in recipe.stages:
        history = net.fit(
            X,
            y,
            epochs=epochs,
            batch_size=recipe.batch_size,
            optimizer=bm.Adam(learning_rate),
            eval_set=flat(images.test),
        )
        seconds += float(history["seconds"].sum())
        accuracies.append(history[-1]["eval_metric"])
    (first_rate, first_epochs), (second_rate, second_epochs) = recipe.stages
    say(
        f"""After {first_epochs} epochs with Adam at a learning rate of {first_rate:g},
        {accuracies[0]:.2%} of the test images are recognised; after {second_epochs} more at
        {second_rate:g}, {accuracies[1]:.2%}. That took {seconds:.2f} s."""
    )


def show_counts(counts: NDArray[np.intp], names: tuple[str, ...]) -> None:
    """Print the confusion table."""
    say("What was taken for what: a row for each true class, a column for each predicted one.")
    labels = names if names[0] == "0" else [f"{i} {name}" for i, name in enumerate(names)]
    table(
        ["", *map(str, range(len(names)))],
        [
            [label, *(str(count) if count else "." for count in row)]
            for label, row in zip(labels, counts, strict=True)
        ],
    )


def draw(figure: Figure, images: Images, probabilities: Array) -> None:
    """Draw the confusion table, and the mistakes of which the network was surest."""
    pictures, labels = images.test
    predicted = probabilities.argmax(axis=1)
    names = images.classes
    ((left, right),) = figure.subfigures(1, 2, squeeze=False, width_ratios=(5, 4))
    draw_counts(left.subplots(), confusion(labels, predicted, len(names)), names)
    wrong = np.flatnonzero(predicted != labels)
    surest = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:16]
    side = max(2, math.ceil(math.sqrt(len(surest))))
    right.suptitle("The surest mistakes", x=0.02, ha="left", weight="bold", color=INK, size=11)
    for ax, i in zip(right.subplots(side, side).ravel(), surest, strict=False):
        ax.imshow(pictures[i], cmap="gray_r")
        title = f"{names[labels[i]]} as {names[predicted[i]]}"
        ax.set_title(title, size=8, color=ORANGE, weight="normal")
    for ax in right.axes:
        ax.axis("off")


def draw_counts(ax: Axes, counts: NDArray[np.intp], names: tuple[str, ...]) -> None:
    """Draw the confusion table, with a colour for each row's shares."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)  # the root makes small shares visible
    for (i, j), count in np.ndenumerate(counts):
        if count:
            color = "white" if shares[i, j] > 0.4 else INK
            ax.text(j, i, str(count), ha="center", va="center", color=color, size=8)
    ticks = range(len(names))
    if max(map(len, names)) > 1:
        ax.set_xticks(ticks, names, rotation=45, ha="right")
    else:
        ax.set_xticks(ticks, names)
    ax.set_yticks(ticks, names)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    accuracy = np.trace(counts) / counts.sum()
    ax.set(xlabel="predicted", ylabel="true", title=f"{accuracy:.2%} of the test images right")


def run(options: Options) -> None:
    """Run the demo."""
    images = load(options.data, options.seed)
    recipe = RECIPES[images.name]
    X, y = flat(images.train, 10_000 if options.quick else None)
    X_test, y_test = flat(images.test)
    sizes = [X.shape[1], *recipe.hidden, len(images.classes)]
    net = bm.MLP(sizes, "relu", loss="cross_entropy", seed=options.seed)

    heading(f"{images.name}: what is on the picture?")
    introduce(images, net, len(X))
    learn(net, images, X, y, recipe)
    probabilities = net.predict(X_test)
    counts = confusion(y_test, probabilities.argmax(axis=1), len(images.classes))
    show_counts(counts, images.classes)

    heading("The same in NumPy")
    say("The same network again, from the same initial weights and through the same batches:")
    compare(net, X, y, recipe)
    save_plot(options, "classify", (11, 5.4), lambda figure: draw(figure, images, probabilities))
