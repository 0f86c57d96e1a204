"""A network together with what makes its inputs from a table's columns, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from .. import _saving
from .._files import File, name_of
from .._mlp import MLP, from_saved
from .._validate import Array
from . import _columns, _target
from ._columns import Category, Column
from ._tables import Table
from ._target import Target

VERSION = 1  # of what is written beside the network


@dataclass(frozen=True)
class TableModel:
    """A network for rows of a table.

    Attributes
    ----------
    net
        The network.
    target
        What it predicts.
    columns
        What its inputs are made of.
    scores
        Figures on the rows that were held out, by name: the baseline's and the network's.
    """

    net: MLP
    target: Target
    columns: tuple[Column, ...]
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        width, outputs = sum(column.width for column in self.columns), self.target.outputs
        made, has = (width, outputs), (self.net.sizes[0], self.net.sizes[-1])
        if made != has or self.net.loss != self.target.loss:
            raise ValueError(
                f"the columns and the target make {made[0]} inputs, {made[1]} outputs and loss "
                f"{self.target.loss!r}; the network has {has[0]}, {has[1]} and {self.net.loss!r}"
            )

    @property
    def text_columns(self) -> list[str]:
        """The columns that were text in training, for `read_table`."""
        return [column.name for column in self.columns if isinstance(column, Category)]

    def inputs(self, table: Table) -> Array:
        """The network's inputs (M, in) for the rows of a table; columns without use are ignored."""
        return encode(self.columns, table)

    def predict(self, table: Table) -> Array:
        """What `MLP.predict` gives: probabilities (M, classes), or numbers (M, 1)."""
        return self.net.predict(self.inputs(table))

    def answer(self, table: Table) -> Array:
        """The likeliest class of each row, by name, or the number: (M,)."""
        predictions = self.predict(table)
        if self.target.classes is None:
            return np.asarray(predictions[:, 0])
        return np.asarray(np.array(self.target.classes, object)[predictions.argmax(axis=1)])

    def unknown(self, table: Table) -> dict[str, set[str]]:
        """Categories that had no input of their own in training, by column."""
        found = {
            column.name: column.unknown(table[column.name])
            for column in self.columns
            if isinstance(column, Category)
        }
        return {name: texts for name, texts in found.items() if texts}

    def save(self, file: File) -> None:
        """Write it to a file, which `briskmlp.load` reads too: without the columns."""
        entries = {
            "version": VERSION,
            "target": self.target.to_json(),
            "columns": [column.to_json() for column in self.columns],
            "scores": {
                name: list(pair)
                for name, pair in self.scores.items()
                if np.isfinite(pair).all()  # r2 is not where the target is constant
            },
        }
        _saving.save(self.net, file, preprocessing=entries)

    @classmethod
    def load(cls, file: File) -> Self:
        """Read what `save` wrote; raises ValueError if the file is another one."""
        saved = _saving.read(file)
        name = name_of(file)
        if saved.preprocessing is None:
            raise ValueError(
                f"{name} is a network without columns: `briskmlp train` did not make it"
            )
        try:
            return cls(from_saved(saved), *_parts(saved.preprocessing))
        except (TypeError, ValueError) as error:
            raise ValueError(f"cannot load {name}: {error}") from error


def _parts(
    entries: dict[str, Any],
) -> tuple[Target, tuple[Column, ...], dict[str, tuple[float, float]]]:
    """The inverse of what `save` writes; every entry is checked."""
    if entries.get("version") != VERSION:
        raise ValueError(
            f"its columns are in format {entries.get('version')!r:.80}, expected {VERSION}"
        )
    if entries.keys() != {"version", "target", "columns", "scores"}:
        raise ValueError(f"the columns' entries are {', '.join(entries):.200}")
    columns, scores = entries["columns"], entries["scores"]
    if not isinstance(columns, list):
        raise ValueError("columns must be a list")
    parsed = tuple(_columns.from_json(entry) for entry in columns)
    if len({column.name for column in parsed}) < len(parsed):
        raise ValueError("two columns have one name")
    if not isinstance(scores, dict) or not all(map(_is_pair, scores.values())):
        raise ValueError("scores must be pairs of numbers")
    return (
        _target.from_json(entries["target"]),
        parsed,
        {name: (float(pair[0]), float(pair[1])) for name, pair in scores.items()},
    )


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(x) is float for x in value)


def encode(columns: Sequence[Column], table: Table) -> Array:
    """The inputs (M, in) that columns make of a table, in float32."""
    missing = [column.name for column in columns if column.name not in table]
    if missing:
        raise ValueError(f"the table lacks {_some(missing)}; it has {_some(list(table))}")
    rows = len(next(iter(table.values())))
    inputs = np.empty((rows, sum(column.width for column in columns)), np.float32)
    end = 0
    for column in columns:
        start, end = end, end + column.width
        with np.errstate(over="ignore"):  # the network finds what is infinite
            inputs[:, start:end] = column.encode(table[column.name])
    return inputs


def _some(names: list[str]) -> str:
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"{len(names)} column{'s' if len(names) > 1 else ''} ({listed})"
