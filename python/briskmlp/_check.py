"""What may keep a network from learning: signs of it in the data, the units and the gradients."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._datasets import CLASS_LOSSES, Dataset
from ._errors import DivergenceError
from ._history import History
from ._layerwise import gradient_sizes, passes
from ._losses import POSITIVE_LOSSES
from ._optimizers import Adam
from ._scaling import has_own_scale
from ._validate import Array

if TYPE_CHECKING:
    from ._inspectable import Inspectable

ROWS = 2048  # at most, that units and learning rates are tried on
FLOW_ROWS = 256  # that gradients are sent back through
LARGE, SMALL = 10.0, 0.01  # root mean square of inputs or targets; around 1 is best
OFFSET = 10.0  # standard deviations that a column may lie from 0
IMBALANCE = 10.0  # times as many rows of the most frequent class as of the rarest
ENDS = {"tanh": (-0.99, 0.99), "sigmoid": (0.01, 0.99)}  # beyond, the slope is below 4 % of its top
DEAD = 0.1  # share of a layer's units; a few always are
SATURATED = 0.5  # share of a layer's outputs
GAIN = 1e3  # of a gradient from the last hidden layer to the first, or one over it
RISE = 1.1  # times the lowest loss of the history
TRIAL_BATCH = 64
NEARLY = 0.8  # of what the best rate gained
RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)


@dataclass(frozen=True)
class Finding:
    """One thing that may hinder learning, and what to do about it."""

    kind: str
    what: str
    advice: str

    def __str__(self) -> str:
        texts = [textwrap.fill(text, 90) for text in (self.what, self.advice)]
        return "\n".join([self.kind, *(textwrap.indent(text, "  ") for text in texts)])


@dataclass(frozen=True)
class Checkup:
    """What `MLP.check` found. Printed, it is a report; without findings it is false.

    Attributes
    ----------
    findings
        One for each thing that may hinder learning.
    learning_rate
        The smallest rate of Adam, of those tried, that lowered the loss nearly as much as the best
        one did: larger ones tend to kill units. None if none lowered it.
    losses
        The loss after the trial of each rate, infinite if it diverged; that before it is `loss`.
    """

    findings: tuple[Finding, ...]
    learning_rate: float | None
    losses: dict[float, float]
    loss: float

    def __bool__(self) -> bool:
        return bool(self.findings)

    def __str__(self) -> str:
        count = len(self.findings)
        head = f"{count or 'no'} finding{'' if count == 1 else 's'}"
        hint = "no rate from 0.0001 to 0.1 lowers the loss"
        if self.learning_rate is not None:
            hint = (
                f"of rates from 0.0001 to 0.1 try Adam({self.learning_rate:g}): in one pass it "
                f"lowers the loss from {self.loss:.4g} to {self.losses[self.learning_rate]:.4g}"
            )
        return "\n".join([head, *map(str, self.findings), "learning rate", f"  {hint}"])

    __repr__ = __str__


def check(net: Inspectable, data: Dataset) -> Checkup:
    """Look at all of these."""
    if not np.isfinite(net.parameters).all():
        bad = int(np.size(net.parameters) - np.isfinite(net.parameters).sum())
        what = f"{bad:,} of {net.num_parameters:,} parameters are NaN or infinite."
        finding = Finding("parameters", what, "Make the network anew; it cannot be repaired.")
        return Checkup((finding,), None, {}, float("nan"))
    x, y, weights = data
    # Rows from all over, because files are often sorted.
    some = np.linspace(0, len(x) - 1, min(ROWS, len(x))).astype(int)
    few = x[some]
    findings = (
        *_of_columns(x),
        *_of_targets(net, y),
        *_of_units(net, few),
        *_of_gradients(net, few[:FLOW_ROWS]),
        *_of_history(net.history),
    )
    few_weights = None if weights is None or not weights[some].any() else weights[some]
    loss, losses = _try_rates(net, few, y[some], few_weights)
    good = loss - NEARLY * (loss - min(losses.values()))
    rate = next((rate for rate in RATES if losses[rate] <= good and losses[rate] < loss), None)
    return Checkup(findings, rate, losses, loss)


def _named(columns: Array) -> str:
    """Some columns, by number."""
    numbers = np.flatnonzero(columns).tolist()
    text = ", ".join(map(str, numbers[:8])) + (", ..." if len(numbers) > 8 else "")
    return f"{'column' if len(numbers) == 1 else 'columns'} {text}"


def _of_columns(x: Array) -> Iterator[Finding]:
    low, high = x.min(axis=0), x.max(axis=0)
    constant = low == high
    if constant.any() and len(x) > 1:
        yield Finding(
            "constant columns",
            f"{_named(constant).capitalize()} of X: the same in every row.",
            "Nothing can be learnt from them: leave them out.",
        )
    yield from _of_scale(
        x, constant, "X", "Train with fit(..., standardize=True), which scales them."
    )


def _of_scale(values: Array, fine: Array, name: str, remedy: str) -> Iterator[Finding]:
    """Columns that are not of the order of 1 around 0, those that are `fine` as they are aside."""
    with np.errstate(over="ignore", invalid="ignore"):  # squares of numbers beyond 1e154
        mean = values.mean(axis=0, dtype="f8")
        deviation = values.std(axis=0, dtype="f8")
        size = np.hypot(mean, deviation)
    large = ~fine & ((size > LARGE) | ((abs(mean) > OFFSET * deviation) & (size > 0.5)))
    if large.any():
        worst = int(np.argmax(np.where(large, size, 0)))
        yield Finding(
            f"scale of {name}",
            f"{_named(large).capitalize()} of {name}: far from 0 or widely spread. In column "
            f"{worst} the mean is {mean[worst]:.3g} and the standard deviation "
            f"{deviation[worst]:.3g}.",
            remedy,
        )
    elif 0 < size.max() < SMALL:
        yield Finding(
            f"scale of {name}",
            f"All columns of {name} are small: the root mean square is at most {size.max():.3g}.",
            remedy,
        )


def _of_targets(net: Inspectable, y: Array) -> Iterator[Finding]:
    if net._network.metric != "accuracy":
        positive = net._network.loss in POSITIVE_LOSSES
        scaled = "y / y.mean(axis=0)" if positive else "(y - y.mean(axis=0)) / y.std(axis=0)"
        remedy = "Train with fit(..., standardize=True), which scales them."
        if net.activations[-1] != "identity" or has_own_scale(net._network):
            remedy = (
                f"Scale them: {scaled}, undone on predictions; with this loss or output layer "
                "fit(..., standardize=True) cannot."
            )
        fine = np.zeros(y.shape[1], bool)
        if positive:
            fine = y.mean(axis=0) <= LARGE  # from 0 on, they need not lie around 0
        yield from _of_scale(y, fine, "y", remedy)
        return
    if net._network.loss in CLASS_LOSSES:
        sums = np.bincount(y, minlength=net.sizes[-1]) if y.ndim == 1 else y.sum(axis=0)
        counts = {"the classes": np.asarray(sums, "f8")}
    else:
        yes = y.sum(axis=0, dtype="f8")
        counts = {f"output {k}": np.array([len(y) - n, n]) for k, n in enumerate(yes)}
    for what, rows in counts.items():
        rare, common = int(np.argmin(rows)), int(np.argmax(rows))
        if rows[common] <= IMBALANCE * rows[rare]:
            continue
        shares = f"class {rare} has {rows[rare]:,.4g} rows, class {common} {rows[common]:,.4g}"
        advice = (
            "Weigh rows by one over the frequency of their class: in fit, class_weight='balanced' "
            "or sample_weight."
        )
        if rows[rare] == 0:
            advice = (
                "What has no rows is never learnt; are these all the data, and in random order?"
            )
        yield Finding("class imbalance", f"Of {what}, {shares}.", advice)


def _of_units(net: Inspectable, x: Array) -> Iterator[Finding]:
    outputs = [step.outputs for step in passes(net._network, x)]
    for number, (name, output) in enumerate(zip(net.activations, outputs, strict=True), 1):
        dead = int((output.min(axis=0) == output.max(axis=0)).sum())
        if dead > DEAD * output.shape[1] and len(x) > 1 and number < len(outputs):
            yield Finding(
                "dead units",
                f"Layer {number} ({name}): {dead} of {output.shape[1]} units give the same for "
                "every row.",
                "Start anew with a lower learning rate, with scaled inputs or with 'leaky_relu' or "
                "'gelu' for 'relu'.",
            )
        low, high = ENDS.get(name, (-np.inf, np.inf))
        share = float(np.mean((output < low) | (output > high)))
        if share > SATURATED:
            yield Finding(
                "saturation",
                f"Layer {number} ({name}): {share:.0%} of the outputs lie at the ends of its "
                "range, where it has hardly any slope.",
                "Scale the inputs, start from smaller weights (init='glorot_uniform'), or lower "
                "the learning rate.",
            )


def _of_gradients(net: Inspectable, x: Array) -> Iterator[Finding]:
    sizes = gradient_sizes(net._network, x)[:-1]
    if len(sizes) < 2:
        return
    first, last = sizes[0], sizes[-1]
    what = (
        f"A gradient by the outputs is of the size {last:.2g} by those of layer {len(sizes)}, and "
        f"{first:.2g} by those of layer 1"
    )
    if not first < GAIN * last:
        yield Finding(
            "exploding gradient",
            f"{what}: it grows on its way back.",
            "Start from smaller weights (init='auto'), use fewer layers or a lower learning rate.",
        )
    elif first * GAIN < last:
        yield Finding(
            "vanishing gradient",
            f"{what}: it shrinks on its way back, and the first layers learn hardly anything.",
            "Use 'relu' or 'gelu' with init='auto', or fewer layers.",
        )


def _of_history(history: History | None) -> Iterator[Finding]:
    if history is None or len(history) < 3:
        return
    loss = history["loss"]
    best = int(np.argmin(loss))
    if loss[-1] > RISE * loss[best] > 0:
        yield Finding(
            "rising loss",
            f"In the latest fit the loss was lowest in epoch {best + 1}, {loss[best]:.4g}, and "
            f"{loss[-1]:.4g} at the end.",
            "Lower the learning rate.",
        )
    elif "eval_loss" in history.keys():  # noqa: SIM118 - a history iterates over epochs
        held_out = history["eval_loss"]
        best = int(np.argmin(held_out))
        if held_out[-1] > RISE * held_out[best] > 0:
            yield Finding(
                "overfitting",
                f"In the latest fit the loss on the evaluation set was lowest in epoch {best + 1}, "
                f"{held_out[best]:.4g}, and {held_out[-1]:.4g} at the end, while the training "
                "loss fell.",
                "Stop earlier (EarlyStopping), use weight decay, a smaller network or more data.",
            )


def _try_rates(
    net: Inspectable, x: Array, y: Array, weights: Array | None
) -> tuple[float, dict[float, float]]:
    """The loss on these rows as it is, and after one pass over them at each rate, on a copy."""
    losses = {}
    for rate in RATES:
        copy = net.copy()
        try:
            copy.fit(
                x,
                y,
                epochs=1,
                batch_size=min(TRIAL_BATCH, len(x)),
                optimizer=Adam(rate),
                sample_weight=weights,
                progress=False,
            )
            losses[rate] = copy.evaluate(x, y, sample_weight=weights).loss
        except DivergenceError:
            losses[rate] = float("inf")
    return net.evaluate(x, y, sample_weight=weights).loss, losses
