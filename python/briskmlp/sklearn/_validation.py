"""The rows that a training is judged by, and the parameters that did best on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from .._datasets import eval_arrays
from .._validate import Array
from ._compat import validate_data


class Validation:
    """A scorer with its rows, and a copy of the best parameters so far."""

    def __init__(self, estimator: Any, X: Any, y: Any, sample_weight: Array | None) -> None:
        # The rows are checked and have lost their columns' names: a twin that never knew them.
        kind: Any = type(estimator)
        self._twin = kind.__new__(kind)
        vars(self._twin).update(vars(estimator))
        vars(self._twin).pop("feature_names_in_", None)
        self._net = estimator._net
        self._data = (X, y)
        self._weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._scorer = None
        if estimator.scoring is not None:
            self._scorer = check_scoring(estimator, estimator.scoring)
        self._best = self._net.parameters.copy()

    def score(self) -> float:
        """How good the network is now: the higher the better; NaN where it predicts none."""
        if not np.isfinite(self._net.parameters).all():
            return float("nan")
        if self._scorer is None:
            return float(self._twin._score(*self._data, **self._weights))
        return float(self._scorer(self._twin, *self._data, **self._weights))

    def keep(self) -> None:
        """Keep the parameters as they are now."""
        np.copyto(self._best, self._net.parameters)

    def restore(self) -> None:
        """Give the network the parameters that were kept last."""
        self._net.parameters[...] = self._best


def evaluation_set(estimator: Any, eval_set: object) -> tuple[Any, Any, Array | None]:
    """The checked rows, labels and weights of an evaluation set."""
    X, y, sample_weight = eval_arrays(eval_set)
    X = validate_data(
        estimator, X, accept_sparse=["csr"], dtype=(np.float64, np.float32), reset=False
    )
    y = np.asarray(y)
    if len(y) != X.shape[0]:
        raise ValueError(f"eval_set has {X.shape[0]} rows and {len(y)} targets")
    return X, y, None if sample_weight is None else np.asarray(sample_weight)


def split(
    arrays: list[Any], stratify: Any, fraction: float, random_state: np.random.RandomState
) -> tuple[list[Any], list[Any]]:
    """Training and validation parts of arrays of the same length."""
    parts = train_test_split(
        *arrays, random_state=random_state, test_size=fraction, stratify=stratify
    )
    if parts[1].shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            "dataset."
        )
    return parts[::2], parts[1::2]
