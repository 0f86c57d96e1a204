"""`briskmlp predict` and `briskmlp inspect`: what a model answers, and what it is."""

from __future__ import annotations

import csv
from typing import TextIO

import numpy as np

from .._validate import Array
from ._model import TableModel
from ._scores import figures
from ._tables import Table
from ._target import Target, is_missing
from ._training import Say

LISTED = 30  # columns that are described one by one


def write_predictions(target: Target, predictions: Array, stream: TextIO) -> None:
    """Write a CSV with an answer for each row, and for classes their probabilities."""
    writer = csv.writer(stream, lineterminator="\n")
    if target.classes is None:
        writer.writerow([target.name])
        writer.writerows([f"{value:.7g}"] for value in predictions[:, 0].tolist())
        return
    writer.writerow([target.name, *(f"p_{name}" for name in target.classes)])
    best = predictions.argmax(axis=1)
    for row, likeliest in zip(predictions.tolist(), best.tolist(), strict=True):
        writer.writerow([target.classes[likeliest], *(f"{value:.7g}" for value in row)])


def say_unknown(model: TableModel, table: Table, say: Say) -> None:
    """Tell of categories that the model has no input for."""
    for name, texts in model.unknown(table).items():
        some = ", ".join(sorted(texts)[:5]) + (", ..." if len(texts) > 5 else "")
        say(f"column {name}: {some}: unknown or rare in training, taken as none of the known ones")


def say_scores(target: Target, table: Table, predictions: Array, say: Say) -> None:
    """Tell how good predictions are, if the table has what they should be."""
    column = table.get(target.name)
    if column is None:
        return
    known = np.flatnonzero(~is_missing(column))
    if len(known):
        try:
            truth = target.encode(column[known])
        except ValueError as error:
            say(f"no scores: {error}")
            return
        scores = figures(target, truth, predictions[known])
        listed = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
        say(f"the table has {target.name} in {len(known):,} rows: {listed}")


def inspect(model: TableModel, say: Say) -> None:
    """Tell what a model predicts, from what, and how well."""
    say(f"predicts   {_describe(model.target)}")
    width = model.net.sizes[0]
    say(f"from       {len(model.columns):,} columns, which make {width:,} inputs")
    for column in model.columns[:LISTED]:
        say(f"           {column.name}: {column.describe()}")
    if len(model.columns) > LISTED:
        say(f"           and {len(model.columns) - LISTED:,} more")
    say(f"network    {str(model.net).replace(chr(10), chr(10) + ' ' * 11)}")
    say(f"trained    {model.net.epochs_trained} epochs, seed {model.net.seed}")
    if model.scores:
        say(f"{'held out':<20}{'baseline':>12}{'network':>12}")
    for name, (baseline, network) in model.scores.items():
        say(f"  {name:<18}{baseline:>12.4g}{network:>12.4g}")


def _describe(target: Target) -> str:
    if target.classes is None:
        return f"{target.name}, a number"
    some = ", ".join(target.classes[:10]) + (", ..." if len(target.classes) > 10 else "")
    return f"{target.name}, one of {len(target.classes)}: {some}"
