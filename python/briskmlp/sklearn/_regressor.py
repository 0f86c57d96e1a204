"""The estimator of numbers."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if

from .. import _briskmlp_core as core
from .._datasets import targets
from .._loss_settings import Loss, Quantile
from .._losses import middle_columns
from .._validate import Array, DType
from ._base import DTYPES, BaseMLP, is_stochastic
from ._compat import validate_data, with_callbacks
from ._criterion import REGRESSION, REGRESSION_SETTINGS, outputs_per_target, regression
from ._docs import documented
from ._inputs import are_plain
from ._parameters import CONSTRAINTS, keep


def shaped(columns: Array) -> Array:
    """One column as (M,), more as they are."""
    return columns.ravel() if columns.shape[1] == 1 else columns


def learns_quantiles(estimator: Any) -> bool:
    """Whether a regressor's loss is that of quantiles; AttributeError if not."""
    if estimator.loss != "quantile" and not isinstance(estimator.loss, Quantile):
        raise AttributeError(f"predict_quantiles needs loss='quantile', not {estimator.loss!r}")
    return True


@documented
class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron that tells numbers, in place of scikit-learn's.

    Constructor, attributes, methods, warnings and errors are those of
    ``sklearn.neural_network.MLPRegressor``; and so, up to rounding, is every step of the training
    for the same `random_state`. What it has on top of that changes nothing unless it is asked for.

    Parameters
    ----------
    loss : str, `briskmlp.Huber`, `briskmlp.Quantile` or `briskmlp.Tweedie`, default='squared_error'
        What training minimises: 'squared_error' (half of it), 'poisson'; 'absolute_error', 'huber',
        'log_cosh', 'quantile'; 'gaussian_nll' for means and variances; 'gamma', 'tweedie'. The
        objects have settings. Of several targets the sum counts.
    <layers>
    <training>
    <more>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MLPClassifier : For classes.
    briskmlp.MLP : The network without scikit-learn.

    Examples
    --------
    >>> from briskmlp import MLPRegressor
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> regr = MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X[:150], y[:150])
    >>> regr
    MLPRegressor(max_iter=2000, random_state=1, tol=0.1)
    >>> regr.predict(X[150:]).shape
    (50,)
    >>> regr.score(X[150:], y[150:])
    0.9...
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **CONSTRAINTS,
        "loss": [StrOptions({*REGRESSION}), *REGRESSION_SETTINGS],
    }

    def __init__(  # noqa: PLR0913 - scikit-learn's, and ours at the end
        self,
        loss: Loss = "squared_error",
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
        """Train on rows X with targets y, anew unless `warm_start` is on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows; float32 is computed with as such, all else as float64.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            The rows' weights.
        eval_set : (X, y) or (X, y, sample_weight), default=None
            Rows to be judged by after each epoch, in place of a part of X: see `scoring`. The best
            epoch's parameters are restored.
        callbacks : callable, `briskmlp.Callback` or list of them, default=None
            Followers of the epochs, as for `briskmlp.MLP.fit`.

        Returns
        -------
        MLPRegressor
            The estimator.
        """
        return self._fit(X, y, sample_weight, eval_set=eval_set, callbacks=callbacks)

    @available_if(is_stochastic)
    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, from the parameters as they are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            The rows' weights.

        Returns
        -------
        MLPRegressor
            The estimator.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any, *, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Predict the targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        return_std : bool, default=False
            Whether to return standard deviations too, which ``loss="gaussian_nll"`` learns.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            The means; for ``loss="quantile"`` the middle one of the levels.
        y_std : ndarray of the same shape
            The standard deviations, if asked for.
        """
        outputs = self._outputs(X)
        net = self._net._network
        y = shaped(outputs[:, middle_columns(net)])
        if not return_std:
            return y
        if net.loss != "gaussian_nll":
            raise ValueError("return_std=True needs loss='gaussian_nll', which learns variances")
        return y, np.sqrt(shaped(outputs[:, net.target_cols :]))

    @available_if(learns_quantiles)
    def predict_quantiles(self, X: Any) -> Array:
        """Predict all the quantiles that ``loss=Quantile(levels)`` learns; they never cross.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_levels) or (n_samples, n_levels, n_targets)
            The quantiles of each row, ascending.

        Examples
        --------
        >>> import numpy as np
        >>> import briskmlp as bm
        >>> X = np.random.default_rng(0).uniform(size=(500, 1))
        >>> y = X[:, 0] * np.random.default_rng(1).normal(size=500)
        >>> levels = bm.Quantile([0.1, 0.5, 0.9])
        >>> net = bm.MLPRegressor(loss=levels, max_iter=100, tol=0.01, random_state=0).fit(X, y)
        >>> low, middle, high = net.predict_quantiles([[0.9]])[0]
        >>> bool(low < middle < high)
        True
        """
        outputs = self._outputs(X)
        targets = self._net._network.target_cols
        quantiles = outputs.reshape(len(outputs), -1, targets)
        return quantiles[:, :, 0] if targets == 1 else quantiles

    def _checked(
        self,
        X: Any,
        y: Any,
        *,
        incremental: bool,
        reset: bool,
    ) -> tuple[Any, Array]:
        if incremental and not reset and are_plain(self, X, y, "fiu"):
            return X, y
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr"],
            multi_output=True,
            y_numeric=True,
            dtype=DTYPES,
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, y

    def _output_layer(self, y: Array) -> tuple[int, Loss, str]:
        loss, link = regression(self.loss)
        return y.reshape(len(y), -1).shape[1] * outputs_per_target(loss), loss, link

    def _targets(self, y: Array, net: core.Network, dtype: DType) -> Array:
        return targets(y, "y", len(y), net).astype(dtype, copy=False)

    def _strata(self, y: Array) -> None:  # noqa: ARG002 - classes have them
        return None

    def _given(self, y: Array) -> Array:
        return y

    def _score(self, X: Any, y: Array, sample_weight: Array | None = None) -> float:
        return self._score_with(r2_score, X, y, sample_weight)
