"""Tables in files: named columns, read from CSV and Parquet by pandas and from NPZ by NumPy.

A column is an array (M,): numbers, with NaN for what is missing, or text as objects, with None.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from .._validate import Array

Table = dict[str, Array]


def is_text(column: Array) -> bool:
    """Whether a column is text, not numbers."""
    return column.dtype.kind == "O"


def read_table(path: str | Path, as_text: Collection[str] = ()) -> Table:
    """Read the columns of a file.

    Parameters
    ----------
    path
        Ends in ``.npz`` or ``.parquet``; anything else is CSV, or with ``.tsv`` is separated by
        tabs. Without a comma in the first line, semicolons or tabs there separate CSV too. In an
        NPZ file an array (M,) is a column, and (M, ...) is many: ``X[0]``, ``X[1]`` ...
    as_text
        Columns of a CSV file that are text even where they look like numbers: "007" stays so.

    Returns
    -------
    dict
        Arrays of one length by name.

    Raises
    ------
    ValueError
        If the file cannot be understood, or has no rows.
    ImportError
        If pandas is needed and missing.
    OSError
        If the file cannot be read.
    """
    path = Path(path)
    table = _read_npz(path) if path.suffix == ".npz" else _read_with_pandas(path, as_text)
    if not table or not len(next(iter(table.values()))):
        raise ValueError(f"{path} has no rows")
    return table


def _read_npz(path: Path) -> Table:
    try:
        with path.open("rb") as file:  # which NumPy leaves open where it is no zip archive
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                raise ValueError(f"{path} is one array, not an NPZ file")
            arrays = {name: loaded[name] for name in loaded.files}
    except (EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no NPZ file: {error}") from None
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{path} has arrays of different lengths: {lengths}")
    table: Table = {}
    for name, array in arrays.items():
        columns = {name: array}
        if array.ndim > 1:
            by_column = np.ascontiguousarray(array.reshape(len(array), -1).T)
            columns = {f"{name}[{i}]": column for i, column in enumerate(by_column)}
        for title, column in columns.items():
            if column.dtype.kind in "biuf":
                table[title] = column
            elif column.dtype.kind == "U":
                table[title] = np.array([text or None for text in column.tolist()], object)
            else:
                raise ValueError(f"{path}: {name} has dtype {array.dtype}, not numbers or text")
    return table


def _read_with_pandas(path: Path, as_text: Collection[str]) -> Table:
    try:
        import pandas
    except ImportError as error:
        message = f"to read {path.name} takes pandas: pip install 'briskmlp[cli]'"
        raise ImportError(message) from error
    if path.suffix == ".parquet":
        frame = pandas.read_parquet(path)
    else:
        try:
            texts = dict.fromkeys(as_text, "str")
            frame = pandas.read_csv(path, sep=_separator(path), dtype=texts, low_memory=False)
        except pandas.errors.EmptyDataError:
            raise ValueError(f"{path} is empty") from None
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path} is not text in UTF-8 ({error.reason}: 0x{error.object[error.start]:02x}); "
                f"save it in that encoding"
            ) from None
        except pandas.errors.ParserError as error:
            raise ValueError(f"{path} is no table: {str(error).strip()}") from None
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise ValueError(f"{path} has two columns of one name")
    return {name: _column(frame.iloc[:, i]) for i, name in enumerate(names)}


def _separator(path: Path) -> str:
    """What separates the columns of a CSV file."""
    if ".tsv" in path.suffixes:
        return "\t"
    if {".gz", ".bz2", ".zip", ".xz", ".zst", ".tar"} & {*path.suffixes}:
        return ","  # pandas unpacks it
    with path.open("rb") as file:
        first = file.readline(2**16)
    return next((s for s in (",", ";", "\t") if s.encode() in first), ",")


def nearly_numbers(column: Array) -> list[str]:
    """Some texts of a column that keep it from being numbers, if more than half of it are.

    >>> nearly_numbers(np.array(["1.5", "-", None, "2", "3", "1,000"], object))
    ['-', '1,000']
    """
    if not is_text(column):
        return []
    counts = Counter(text for text in column if text is not None)
    others = [text for text in counts if not is_number(text)]
    rest = sum(counts[text] for text in others)
    return others[:3] if 2 * rest < sum(counts.values()) else []


def is_number(text: str) -> bool:
    """Whether a text is a number as Python writes it."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _column(series: Any) -> Array:
    """A data frame's column as an array; times become seconds since 1970."""
    from pandas.api import types

    missing = series.isna().to_numpy()
    if types.is_datetime64_any_dtype(series.dtype):
        if series.dt.tz is not None:
            series = series.dt.tz_convert("UTC").dt.tz_localize(None)
        seconds = series.to_numpy("datetime64[us]").astype("f8") / 1e6
        return np.where(missing, np.nan, seconds)
    if types.is_numeric_dtype(series.dtype) and not types.is_complex_dtype(series.dtype):
        if missing.any():
            return np.asarray(series.to_numpy(dtype="f8", na_value=np.nan))
        numbers = series.to_numpy()
        return np.asarray(numbers if numbers.dtype.kind in "biuf" else numbers.astype("f8"))
    pairs = zip(series.tolist(), missing.tolist(), strict=True)
    return np.array([None if gone else str(value) for value, gone in pairs], object)


def take(table: Table, rows: Array) -> Table:
    """Some rows of a table."""
    return {name: column[rows] for name, column in table.items()}
