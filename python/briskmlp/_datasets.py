"""Data sets as users hand them in, made fit for a network: targets, and the weights of rows.

What targets mean depends on the loss; all else is checked in `_validate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from . import _briskmlp_core as core
from ._validate import Array, DType, real_array, real_number, reject, require_finite, rows

Dataset = tuple[Array, Array, Array | None]  # inputs, targets, weights of the rows
CLASS_LOSSES = ("cross_entropy", "focal")  # of one class out of several
# Rows of probabilities may miss 1 by the rounding of half precision, 2^-11 for each of them.
PROBABILITY_TOLERANCE = 1e-3


class Head(Protocol):
    """What decides which targets fit: a loss, and the raw outputs that it is taken of."""

    @property
    def loss(self) -> str: ...
    @property
    def outputs(self) -> int: ...
    @property
    def target_cols(self) -> int: ...
    @property
    def dtype(self) -> DType: ...


def dataset(
    network: core.Network,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    names: tuple[str, str, str] = ("X", "y", "sample_weight"),
    *,
    class_weight: object = None,
) -> Dataset:
    """Rows to learn from or to be judged on, all finite and fit for the network."""
    x = rows(X, names[0], network)
    t = targets(y, names[1], len(x), network)
    w = None if sample_weight is None else weights(sample_weight, names[2], len(x), network)
    if class_weight is not None:
        by_class = class_weights(class_weight, t, network)
        w = weights(by_class if w is None else by_class * w, "class_weight", len(x), network)
    require_finite(x, names[0], network.dtype)
    return x, t, w


def eval_dataset(network: core.Network, eval_set: object) -> Dataset:
    """The data set of a pair (X, y) or a triple (X, y, sample_weight)."""
    X, y, sample_weight = eval_arrays(eval_set)
    return dataset(network, X, y, sample_weight, ("eval_set[0]", "eval_set[1]", "eval_set[2]"))


def eval_arrays(eval_set: object) -> tuple[ArrayLike, ArrayLike, ArrayLike | None]:
    """The arrays of a pair (X, y) or a triple (X, y, sample_weight)."""
    if not isinstance(eval_set, (tuple, list)) or len(eval_set) not in (2, 3):
        raise TypeError("eval_set must be (X, y) or (X, y, sample_weight)")
    X, y, sample_weight = (*eval_set, None)[:3]
    return X, y, sample_weight


def targets(y: ArrayLike, name: str, rows: int, network: Head) -> Array:
    """y as class numbers (M,) or as values (M, cols), whichever the loss takes."""
    cols = network.target_cols
    takes_labels = network.loss in CLASS_LOSSES
    t = real_array(y, name, network.dtype)
    if t.ndim not in (1, 2):
        shapes = f"({rows},) or ({rows}, {cols})" if takes_labels else f"({rows}, {cols})"
        raise ValueError(f"{name} has shape {t.shape}, expected {shapes}")
    if len(t) != rows:
        raise ValueError(f"{name} has {len(t)} rows, expected {rows}")
    if takes_labels and (t.ndim == 1 or t.shape[1] == 1):
        return _labels(t.reshape(rows), name, network)
    t = t.reshape(rows, -1)
    if t.shape[1] != cols:
        raise ValueError(f"{name} has {t.shape[1]} columns, loss {network.loss!r} expects {cols}")
    require_finite(t, name, network.dtype)
    # A copy: in a fit every thread reads them for itself, and must not see them change.
    values = np.array(t, network.dtype, order="C")
    _require_in_range(values, t, name, network.loss)
    return values.argmax(axis=1).astype(np.int32) if network.loss == "focal" else values


def _require_in_range(values: Array, given: Array, name: str, loss: str) -> None:
    """Raise ValueError for the first target (M, cols) that the loss has no meaning for."""
    if loss == "cross_entropy":
        reject(values < 0, given, name, "expected probabilities, none below 0")
        sums = values.sum(axis=1, dtype=np.float64)
        wrong = np.abs(sums - 1) > PROBABILITY_TOLERANCE
        reject(wrong, sums, f"the sum over {name}", "expected probabilities, adding up to 1")
    elif loss == "focal":
        reject((values != 0) & (values != 1), given, name, "expected 0, or 1 at the class")
        ones = values.sum(axis=1)
        reject(ones != 1, ones, f"the sum over {name}", "expected a single 1")
    elif loss == "binary_cross_entropy":
        reject((values < 0) | (values > 1), given, name, "expected probabilities, from 0 to 1")
    elif loss in ("poisson", "tweedie"):
        reject(values < 0, given, name, f"loss {loss!r} expects none below 0")
    elif loss == "gamma":
        reject(values <= 0, given, name, "loss 'gamma' expects positive numbers")


def _labels(t: Array, name: str, network: Head) -> Array:
    """Class numbers (M,), from 0 to outputs - 1, as int32."""
    classes = network.outputs
    require_finite(t, name, t.dtype)
    bad = (t < 0) | (t >= classes)
    if t.dtype.kind == "f":
        bad |= t != np.floor(t)
    reject(bad, t, name, f"expected a class number from 0 to {classes - 1}")
    return t.astype(np.int32)


def weights(sample_weight: ArrayLike, name: str, rows: int, network: core.Network) -> Array:
    """Weights of the rows (M,): none negative, not all zero."""
    w = real_array(sample_weight, name, network.dtype)
    if w.shape != (rows,):
        raise ValueError(f"{name} has shape {w.shape}, expected ({rows},)")
    require_finite(w, name, network.dtype)
    reject(w < 0, w, name, "expected none below 0")
    if not w.any():
        raise ValueError(f"{name} is 0 in every row")
    # Only their ratios matter: the largest becomes 1, so that no sum or share leaves the range.
    return np.ascontiguousarray(w / np.float64(w.max()), network.dtype)


def class_weights(class_weight: object, t: Array, network: core.Network) -> Array:
    """The weight of each row (M,) by its class, or by its probabilities of the classes.

    "balanced" gives all classes that occur the same weight together, as scikit-learn does.
    """
    binary = network.loss == "binary_cross_entropy" and network.outputs == 1
    if not binary and network.loss not in CLASS_LOSSES:
        raise ValueError(
            f"class_weight needs classes: loss {network.loss!r} with {network.outputs} outputs "
            f"has none"
        )
    classes = 2 if binary else network.outputs
    shares = np.hstack([1 - t, t]) if binary else t  # (M, classes), or labels (M,)
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(f"class_weight is {class_weight!r}, expected 'balanced' or weights")
        labels = shares.ndim == 1
        counts = np.bincount(t, minlength=classes) if labels else shares.sum(axis=0, dtype=float)
        present = counts > 0
        by_class = np.zeros(classes)
        by_class[present] = len(t) / (present.sum() * counts[present])
    else:
        by_class = _weights_by_class(class_weight, classes)
    return by_class[shares] if shares.ndim == 1 else shares @ by_class


def _weights_by_class(class_weight: object, classes: int) -> Array:
    """Weights of the classes (C,) as the user gives them; those that a dict lacks are 1."""
    if isinstance(class_weight, Mapping):
        by_class = np.ones(classes)
        for key, weight in class_weight.items():
            if key not in range(classes):  # where 1.0 and True are, as they are among labels
                raise ValueError(
                    f"class_weight has the class {key!r}; those of the network are the numbers "
                    f"from 0 to {classes - 1}"
                )
            by_class[int(key)] = real_number(weight, f"class_weight[{key}]")
    else:
        by_class = real_array(class_weight, "class_weight", np.dtype(float))  # type: ignore[arg-type]
        if by_class.shape != (classes,):
            raise ValueError(f"class_weight has shape {by_class.shape}, expected ({classes},)")
    require_finite(by_class, "class_weight", np.dtype(float))
    reject(by_class < 0, by_class, "class_weight", "expected none below 0")
    return by_class.astype(float)
