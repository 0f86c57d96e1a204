"""The estimator of classes."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)

from .. import _briskmlp_core as core
from .._functions import log_softmax, logsigmoid, sigmoid
from .._loss_settings import Loss
from .._validate import Array, DType
from ._base import DTYPES, BaseMLP, is_stochastic
from ._compat import validate_data, with_callbacks
from ._criterion import CLASS_SETTINGS
from ._docs import documented
from ._inputs import are_plain
from ._parameters import CONSTRAINTS, keep


@documented
class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron that tells classes, in place of scikit-learn's.

    Constructor, attributes, methods, warnings and errors are those of
    ``sklearn.neural_network.MLPClassifier``; and so, up to rounding, is every step of the training
    for the same `random_state`. What it has on top of that changes nothing unless it is asked for.

    Parameters
    ----------
    <layers>
    <training>
    loss : 'log_loss', 'focal', `briskmlp.CrossEntropy` or `briskmlp.Focal`, default='log_loss'
        What training minimises; the objects have settings, such as label smoothing.
    class_weight : dict, 'balanced', list of dict or None, default=None
        Weights of the classes, by label, which multiply those of the rows; 'balanced': the same for
        every class as a whole.
    <more>

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    <attributes>

    See Also
    --------
    MLPRegressor : For numbers.
    briskmlp.MLP : The network without scikit-learn.

    Examples
    --------
    >>> from briskmlp import MLPClassifier
    >>> from sklearn.datasets import make_classification
    >>> X, y = make_classification(n_samples=100, random_state=1)
    >>> clf = MLPClassifier(random_state=1, max_iter=300).fit(X[:75], y[:75])
    >>> clf.predict(X[75:80])
    array([1, 0, 1, 0, 0])
    >>> clf.score(X[75:], y[75:])
    0.96
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions({"log_loss", "focal"}), *CLASS_SETTINGS],
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
    }
    _label_binarizer: Any  # knows the classes, and whether several can be right at once
    classes_: Array

    def __init__(  # noqa: PLR0913 - scikit-learn's, and ours at the end
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str | list[str] = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int | str = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        loss: Loss = "log_loss",
        class_weight: Any = None,
        dropout: float | list[float] = 0.0,
        weight_decay: float = 0.0,
        norm: str | None = None,
        residual: bool = False,
        scoring: Any = None,
        n_threads: int | None = None,
    ) -> None:
        keep(self, locals())

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        eval_set: Any = None,
        callbacks: Any = None,
    ) -> Self:
        """Train on rows X with labels y, anew unless `warm_start` is on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows; float32 is computed with as such, all else as float64.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The labels: numbers or strings, or a column of 0 and 1 for each class where several can
            be right at once.
        sample_weight : array-like of shape (n_samples,), default=None
            The rows' weights.
        eval_set : (X, y) or (X, y, sample_weight), default=None
            Rows to be judged by after each epoch, in place of a part of X: see `scoring`. The best
            epoch's parameters are restored.
        callbacks : callable, `briskmlp.Callback` or list of them, default=None
            Followers of the epochs, as for `briskmlp.MLP.fit`.

        Returns
        -------
        MLPClassifier
            The estimator.
        """
        return self._fit(X, y, sample_weight, eval_set=eval_set, callbacks=callbacks)

    @available_if(is_stochastic)
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch, from the parameters as they are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            The labels.
        sample_weight : array-like of shape (n_samples,), default=None
            The rows' weights.
        classes : array-like of shape (n_classes,), default=None
            All classes that there will be; the first call needs them.

        Returns
        -------
        MLPClassifier
            The estimator.
        """
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight='balanced' needs all rows at once; for partial_fit, pass a dict"
            )
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Predict labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            The most probable class of each row; where several can be right, 1 for each that is
            more probable than not.
        """
        p = self._outputs(X)
        if self._several:
            return self._label_binarizer.inverse_transform(p)  # type: ignore[no-any-return]
        chosen = p[:, 0] > 0.5 if p.shape[1] == 1 else p.argmax(axis=1)
        return self.classes_.take(chosen, mode="clip")

    def predict_proba(self, X: Any) -> Array:
        """Predict the classes' probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. They add up to 1, unless several classes can be right.
        """
        p = self._outputs(X)
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p

    def predict_log_proba(self, X: Any) -> Array:
        """Predict the logarithms of the probabilities, finite where these round to 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        z = self._outputs(X, raw=True)
        result: Array
        if self.out_activation_ == "softmax":
            result = log_softmax(z)
        elif not self._several:
            result = logsigmoid(np.hstack([-z, z]))
        else:  # probabilities that round to the same number have the same logarithm
            result = np.where(z > 0, np.log(sigmoid(abs(z))), logsigmoid(z))
        return result

    @property
    def _several(self) -> bool:
        """Whether several classes can be right at once."""
        return bool(self._label_binarizer.y_type_.startswith("multilabel"))

    def _checked(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Any, Array]:
        known = incremental and not reset and not self.warm_start
        if known and not self._several and are_plain(self, X, y, "iu"):
            numbers = np.searchsorted(self.classes_, y)
            if (self.classes_.take(numbers, mode="clip") == y).all():
                return X, numbers.astype(np.int32)
        X, y = validate_data(
            self, X, y, accept_sparse=["csr"], multi_output=True, dtype=DTYPES, reset=reset
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._require_known(unique_labels(y))
        if y.ndim == 1 and not self._several:
            return X, np.searchsorted(self.classes_, y).astype(np.int32)
        return X, self._label_binarizer.transform(y).astype(bool)

    def _require_known(self, classes: Array) -> None:
        """Raise ValueError for classes that an earlier fit did not know."""
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    f"warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. "
                f"'y' has {classes}."
            )

    def _weights(self, sample_weight: Any, X: Any, y: Any) -> Array | None:
        weights = super()._weights(sample_weight, X, y)
        if self.class_weight is None:
            return weights
        by_class: Array = compute_sample_weight(self.class_weight, y)
        return by_class if weights is None else weights * by_class

    def _output_layer(self, y: Array) -> tuple[int, Loss, str]:  # noqa: ARG002 - the other's
        plain = isinstance(self.loss, str) and self.loss == "log_loss"
        classes = len(self.classes_)
        if self._several:
            if not plain:
                raise ValueError(f"loss={self.loss!r} is of one class out of several, y has more")
            return classes, "binary_cross_entropy", "logistic"
        if plain and classes <= 2:
            return 1, "binary_cross_entropy", "logistic"
        return max(classes, 2), "cross_entropy" if plain else self.loss, "softmax"

    def _targets(self, y: Array, net: core.Network, dtype: DType) -> Array:
        if net.loss == "binary_cross_entropy":
            return np.ascontiguousarray(y.reshape(len(y), -1), dtype)
        return y

    def _strata(self, y: Array) -> Array | None:
        yes_or_no = len(self.classes_) <= 2 and not self._several
        return y.astype(bool).reshape(-1, 1) if yes_or_no else None

    def _given(self, y: Array) -> Array:
        return y.astype(int) if self._several else self.classes_[y]

    def _score(self, X: Any, y: Array, sample_weight: Array | None = None) -> float:
        return self._score_with(accuracy_score, X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
