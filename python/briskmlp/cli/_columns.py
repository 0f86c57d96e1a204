"""How a column of a table becomes inputs of a network, learnt from the training rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np

from .._validate import Array
from ._tables import is_number, is_text

MIN_COUNT = 2  # rows that a category must have; rarer ones are like unknown ones


class Useless(ValueError):
    """A column from which nothing can be learnt, and why."""


@dataclass(frozen=True)
class Number:
    """Numbers less their median, 0 where one is missing; and an input that says where.

    The network scales them. To take the median off here, in float64, keeps what float32 has no
    digits for: the seconds of a date, say.
    """

    name: str
    median: float
    missing: bool  # whether there is an input for missing numbers

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return 2 if self.missing else 1

    def encode(self, column: Array) -> Array:
        """The column's inputs (M, width)."""
        if is_text(column):
            for row, text in enumerate(column, start=1):
                if text is not None and not is_number(text):
                    raise ValueError(
                        f"column {self.name!r} had numbers when the model was trained, and has "
                        f"{text!r} in row {row}"
                    )
            column = np.array([np.nan if text is None else float(text) for text in column])
        values = numbers(column, self.name)
        gone = np.isnan(values)
        centred = np.where(gone, 0.0, values - self.median)
        return np.column_stack([centred, gone] if self.missing else [centred])

    def describe(self) -> str:
        """Say what it does."""
        filled = ", and whether it is missing" if self.missing else ""
        return f"a number, around {self.median:.6g}{filled}"

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values."""
        return {
            "name": self.name,
            "kind": "number",
            "median": self.median,
            "missing": self.missing,
        }


@dataclass(frozen=True)
class Category:
    """One input for each of the categories, 1 where a row has it.

    All of them are 0 for rare and unknown categories.
    """

    name: str
    categories: tuple[str, ...]
    missing: bool  # whether there is an input for missing ones

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return len(self.categories) + self.missing

    def encode(self, column: Array) -> Array:
        """The column's inputs (M, width)."""
        place: dict[str | None, int] = {text: i for i, text in enumerate(self.categories)}
        if self.missing:
            place[None] = len(self.categories)
        # The last column is for all others, and left out.
        places = [place.get(text, self.width) for text in texts(column)]
        inputs = np.zeros((len(column), self.width + 1))
        inputs[np.arange(len(column)), places] = 1
        return inputs[:, :-1]

    def unknown(self, column: Array) -> set[str]:
        """The categories without an input."""
        return {text for text in texts(column) if text is not None} - set(self.categories)

    def describe(self) -> str:
        """Say what it does."""
        some = ", ".join(self.categories[:5])
        more = ", ..." if len(self.categories) > 5 else ""
        filled = ", and whether it is missing" if self.missing else ""
        return f"one of {len(self.categories)}: {some}{more}{filled}"

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values."""
        return {
            "name": self.name,
            "kind": "category",
            "categories": list(self.categories),
            "missing": self.missing,
        }


Column = Number | Category


def numbers(column: Array, name: str) -> Array:
    """A column as float64, NaN for what is missing; infinity is an error."""
    values = np.full(len(column), np.nan) if is_text(column) else column.astype("f8")
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise ValueError(f"column {name!r} has {values[row]} in row {row + 1}")
    return values


def texts(column: Array) -> list[str | None]:
    """A column as text, None for what is missing.

    Whole numbers are written without a point, however they are stored: a column gets it when a
    number is missing from it.
    """
    if is_text(column):
        return list(column)
    return [None if isnan(value) else _text_of(value) for value in column.tolist()]


def _text_of(value: Any) -> str:
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole else str(value)


def learn(name: str, column: Array, max_categories: int) -> Column:
    """The column's settings; raises `Useless` if nothing can be learnt from it."""
    if not is_text(column):
        values = numbers(column, name)
        present = values[~np.isnan(values)]
        extremes = {present.min().item(), present.max().item()} if len(present) else set()
        _require_variety(extremes, column, len(present))
        return Number(name, float(np.median(present)), len(present) < len(values))
    counts = Counter(text for text in column if text is not None)
    known = sum(counts.values())
    _require_variety(set(counts), column, known)
    if len(counts) > max_categories and 2 * len(counts) > known:
        raise Useless(f"{len(counts):,} different texts in {len(column):,} rows")
    common = [text for text, count in counts.most_common(max_categories) if count >= MIN_COUNT]
    if not common and known == len(column):
        raise Useless("no text occurs twice")
    return Category(name, tuple(sorted(common)), known < len(column))


def _require_variety(values: set[Any], column: Array, known: int) -> None:
    if not values:
        raise Useless("empty")
    if len(values) == 1 and known == len(column):
        raise Useless(f"{_text_of(next(iter(values)))} in every row")


def from_json(entry: object) -> Column:
    """The inverse of `to_json`; every entry is checked."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ValueError(f"a column must have a name, got {entry!r:.80}")
    name, kind = entry["name"], entry.get("kind")
    of_kind = {"number": "median", "category": "categories"}
    if kind not in of_kind or entry.keys() != {"name", "kind", "missing", of_kind[kind]}:
        raise ValueError(f"column {name!r:.80} has the wrong entries: {list(entry)!r:.200}")
    if not isinstance(entry["missing"], bool):
        raise ValueError(f"column {name!r:.80}: missing must be true or false")
    if kind == "number":
        median = entry["median"]
        if type(median) is not float or not np.isfinite(median):
            raise ValueError(f"column {name!r:.80}: median must be a number, got {median!r:.80}")
        return Number(name, median, entry["missing"])
    categories = entry["categories"]
    if not isinstance(categories, list) or not all(isinstance(c, str) for c in categories):
        raise ValueError(f"column {name!r:.80}: categories must be texts")
    if len(set(categories)) < len(categories):
        raise ValueError(f"column {name!r:.80} has a category twice")
    return Category(name, tuple(categories), entry["missing"])
