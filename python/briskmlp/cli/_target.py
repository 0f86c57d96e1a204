"""What a network is to predict: classes or a number, and which it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validate import Array
from ._columns import numbers, texts
from ._tables import is_text

FEW = 20  # whole numbers that are taken for classes if there are no more different ones
MOST = 1000  # classes
TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Target:
    """The column to predict.

    Attributes
    ----------
    name
        Of the column.
    classes
        The classes' names, in the order of the network's outputs; None for a number.
    """

    name: str
    classes: tuple[str, ...] | None

    @property
    def task(self) -> str:
        """One of `TASKS`."""
        return "regression" if self.classes is None else "classification"

    @property
    def loss(self) -> str:
        """The loss to train with."""
        return "mse" if self.classes is None else "cross_entropy"

    @property
    def outputs(self) -> int:
        """How many outputs the network has."""
        return 1 if self.classes is None else len(self.classes)

    def encode(self, column: Array) -> Array:
        """Targets (M,) for the network, of rows that have one."""
        if self.classes is None:
            if is_text(column):
                raise ValueError(f"column {self.name!r} has text where numbers are expected")
            return numbers(column, self.name)
        place = {text: i for i, text in enumerate(self.classes)}
        values = texts(column)
        if unknown := {text for text in values if text not in place}:
            raise ValueError(
                f"column {self.name!r} has classes that are new: {sorted(map(str, unknown))}"
            )
        return np.array([place[text] for text in values])  # type: ignore[index]

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values."""
        return {"name": self.name, "classes": None if self.classes is None else list(self.classes)}


def is_missing(column: Array) -> Array:
    """Where a column has nothing, (M,)."""
    if is_text(column):
        return np.array([text is None for text in column])
    return np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)


def infer(name: str, column: Array, task: str | None) -> tuple[Target, str]:
    """The target that a column without missing values makes, and why it is taken for that."""
    if is_text(column):
        kind, why = "classification", "text"
    elif column.dtype.kind == "b":
        kind, why = "classification", "true or false"
    else:
        values = numbers(column, name)
        different = len(np.unique(values))
        whole = bool((values == np.floor(values)).all())
        kind = "classification" if whole and different <= FEW else "regression"
        what = f"{'whole ' if whole else ''}numbers from {values.min():.6g} to {values.max():.6g}"
        why = f"{what}, {different:,} different"
    if task == "regression" and is_text(column):
        raise ValueError(f"column {name!r} is text, which regression cannot predict")
    if (task or kind) == "regression":
        return Target(name, None), why
    classes = sorted({text for text in texts(column) if text is not None})
    if not is_text(column):
        classes.sort(key=_number)
    if not 2 <= len(classes) <= MOST:
        raise ValueError(
            f"column {name!r} has {len(classes):,} classes, expected from 2 to {MOST:,}"
        )
    return Target(name, tuple(classes)), why


def _number(text: str) -> float:
    return {"False": 0.0, "True": 1.0}[text] if text in ("False", "True") else float(text)


def from_json(entry: object) -> Target:
    """The inverse of `to_json`; every entry is checked."""
    if not isinstance(entry, dict) or entry.keys() != {"name", "classes"}:
        raise ValueError(f"target must be name and classes, got {entry!r:.80}")
    name, classes = entry["name"], entry["classes"]
    if not isinstance(name, str):
        raise ValueError(f"target's name must be text, got {name!r:.80}")
    if classes is None:
        return Target(name, None)
    if not isinstance(classes, list) or not all(isinstance(text, str) for text in classes):
        raise ValueError(f"target's classes must be texts, got {classes!r:.80}")
    if len(set(classes)) < len(classes) or len(classes) < 2:
        raise ValueError("target's classes must be two or more, and differ")
    return Target(name, tuple(classes))
