"""`briskmlp train`: from a table to a model, with what there is to say on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._history import History
from .._mlp import MLP
from .._names import unknown_name
from .._optimizers import Adam
from .._stopping import EarlyStopping
from .._validate import Array
from ._columns import Column, Useless, learn, numbers
from ._model import TableModel, encode
from ._parts import Parts, split, split_by_class
from ._scores import constant, figures
from ._tables import Table, is_text, nearly_numbers, take
from ._target import TASKS, Target, infer, is_missing

FEWEST = 20  # rows
LISTED = 12  # columns that are described one by one

Say = Callable[[str], object]


@dataclass(frozen=True)
class Recipe:
    """What a user can decide about a training."""

    target: str
    task: str | None = None
    drop: Sequence[str] = ()
    hidden: Sequence[int] = (64, 64)
    norm: str | None = None  # "layer" or "batch"
    residual: bool = False
    epochs: int = 200
    patience: int = 15
    batch_size: int = 128
    learning_rate: float = 1e-3
    holdout: float = 0.2
    max_categories: int = 30
    seed: int = 0


class Trained(NamedTuple):
    """A model, how it came about, and whether Ctrl-C ended that."""

    model: TableModel
    history: History
    interrupted: bool


def train(table: Table, recipe: Recipe, say: Say) -> Trained:
    """Train a model on a table as the recipe says, telling about each decision."""
    table, target = _with_target(table, recipe, say)
    y = target.encode(table[target.name])
    divide = split if target.classes is None else split_by_class
    parts = divide(y, recipe.holdout, recipe.seed)
    columns = _learn_columns(take(table, parts.training), recipe, say)
    say(
        f"rows       {len(parts.training):,} to learn from, {len(parts.stopping):,} to stop in "
        f"time, {len(parts.held_out):,} held out"
    )
    X = encode(columns, table)
    net = MLP(
        [X.shape[1], *recipe.hidden, target.outputs],
        loss=target.loss,
        seed=recipe.seed,
        norm=None if recipe.norm == "batch" else recipe.norm,
        residual=recipe.residual,
    )
    sizes = "-".join(map(str, net.sizes))
    norm = f", {recipe.norm} norm" if recipe.norm else ""
    extras = f"{norm}{', residual' if net.residual else ''}"
    say(f"network    {sizes}{extras}, {net.num_parameters:,} parameters, seed {net.seed}")
    interrupted = _fit(net, X, y, parts, recipe)
    history = net.history
    assert history is not None  # there was a fit
    ended = ", stopped by Ctrl-C" if interrupted else ""
    say(
        f"trained    {len(history)} epochs in {history['seconds'].sum():.1f} s, the best was "
        f"{net.epochs_trained}{ended}"
    )
    learnt, held_out = y[parts.training], y[parts.held_out]
    network = figures(target, held_out, net.predict(X[parts.held_out]))
    baseline = figures(target, held_out, constant(target, learnt, len(held_out)))
    scores = {name: (baseline[name], network[name]) for name in network}
    _say_scores(scores, target, say)
    return Trained(TableModel(net, target, columns, scores), history, interrupted)


def _with_target(table: Table, recipe: Recipe, say: Say) -> tuple[Table, Target]:
    """The rows that have a target, and what that is."""
    for name in (recipe.target, *recipe.drop):
        if name not in table:
            raise ValueError(unknown_name("column", name, table))
    for name, column in table.items():
        if name not in recipe.drop:
            numbers(column, name)  # what is infinite is named by its row in the file
    gone = is_missing(table[recipe.target])
    if gone.any():
        say(f"left out   {gone.sum():,} rows without {recipe.target}")
        table = take(table, np.flatnonzero(~gone))
    rows = len(table[recipe.target])
    if rows < FEWEST:
        raise ValueError(f"there are {rows} rows with a target, at least {FEWEST} are needed")
    target, why = infer(recipe.target, table[recipe.target], recipe.task)
    other = next(task for task in TASKS if task != target.task)
    reason = " (as told)" if recipe.task else f" (--task {other} if that is wrong)"
    if is_text(table[target.name]):
        reason = ""  # there is no choice
    say(f"target     {target.name}: {why}; so {target.task}{reason}")
    _say_nearly(target.name, table[target.name], say)
    if target.classes is not None:
        some = ", ".join(target.classes[:8]) + (", ..." if len(target.classes) > 8 else "")
        say(f"           {len(target.classes)} classes: {some}")
    return table, target


def _learn_columns(table: Table, recipe: Recipe, say: Say) -> tuple[Column, ...]:
    """What can be learnt from, by the training rows."""
    columns, useless = [], {}
    for name, values in table.items():
        if name == recipe.target or name in recipe.drop:
            continue
        try:
            columns.append(learn(name, values, recipe.max_categories))
        except Useless as error:
            useless[name] = str(error)
    if not columns:
        reasons = "".join(f"; {name}: {why}" for name, why in [*useless.items()][:LISTED])
        raise ValueError(f"there is no column to learn from{reasons}")
    width = sum(column.width for column in columns)
    say(f"inputs     {len(columns):,} columns make {width:,} inputs")
    for column in columns if len(columns) <= LISTED else ():
        say(f"           {column.name}: {column.describe()}")
    for name, values in table.items():
        if name != recipe.target and name not in recipe.drop:
            _say_nearly(name, values, say)
    for name, why in list(useless.items())[:LISTED]:
        say(f"left out   {name}: {why}")
    if len(useless) > LISTED:
        say(f"left out   {len(useless) - LISTED:,} more columns")
    return tuple(columns)


def _say_nearly(name: str, values: Array, say: Say) -> None:
    """Point out text that nearly is numbers, which is seldom what was meant."""
    if found := nearly_numbers(values):
        some = ", ".join(map(repr, found))
        say(f"           {name} would be a number but for {some}: empty such cells if it is one")


def _fit(net: MLP, X: Array, y: Array, parts: Parts, recipe: Recipe) -> bool:
    """Train until the rows for that say stop; whether Ctrl-C did so first."""
    try:
        net.fit(
            X[parts.training],
            y[parts.training],
            epochs=recipe.epochs,
            batch_size=min(recipe.batch_size, len(parts.training)),
            optimizer=Adam(recipe.learning_rate),
            batch_norm=recipe.norm == "batch",
            standardize=True,
            eval_set=(X[parts.stopping], y[parts.stopping]),
            callbacks=EarlyStopping(recipe.patience),
        )
    except KeyboardInterrupt:
        if not net.history:
            raise  # nothing to keep
        return True
    return False


def _say_scores(scores: dict[str, tuple[float, float]], target: Target, say: Say) -> None:
    say(f"{'held out':<20}{'baseline':>12}{'network':>12}")
    for name, (baseline, network) in scores.items():
        say(f"  {name:<18}{baseline:>12.4g}{network:>12.4g}")
    always = "the mean" if target.classes is None else "the frequencies of the classes"
    say(f"           (the baseline answers every row with {always} in training)")
