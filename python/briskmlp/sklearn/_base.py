"""What both estimators do: fit, go on fitting, and what the layers below the last make of rows."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .. import _briskmlp_core as core
from .._loss_settings import Loss
from .._validate import Array, DType, reject
from ._compat import CallbackSupportMixin, validate_data
from ._following import Followers
from ._holding import HoldsNetwork
from ._initial import Kind, draw, hidden_part, network
from ._inputs import dense, is_plain, is_sparse, readable
from ._learning import Learning, begin_figures
from ._parameters import (
    CONSTRAINTS,
    STOCHASTIC_SOLVERS,
    activations,
    hidden_sizes,
    require_stochastic,
)
from ._stochastic import Rows
from ._tasks import Tasks
from ._validation import Validation, evaluation_set, split

DTYPES = (np.float64, np.float32)


def is_stochastic(estimator: Any) -> bool:
    """Whether an estimator can learn bit by bit; AttributeError if not."""
    if estimator.solver not in STOCHASTIC_SOLVERS:
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {estimator.solver} is not "
            f"stochastic."
        )
    return True


class BaseMLP(
    CallbackSupportMixin,
    HoldsNetwork,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """A network behind scikit-learn's interface. The two estimators say what its targets are."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    @abstractmethod
    def _checked(self, X: Any, y: Any, *, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """Check rows and targets, learn what the labels are, and number those of classes."""

    @abstractmethod
    def _output_layer(self, y: Array) -> tuple[int, Loss, str]:
        """The number of raw outputs for checked targets, the core's loss, and the link's name."""

    @abstractmethod
    def _targets(self, y: Array, net: core.Network, dtype: DType) -> Array:
        """Checked targets as the core takes them."""

    @abstractmethod
    def _strata(self, y: Array) -> Array | None:
        """What a validation set is to have in the same shares, if anything."""

    @abstractmethod
    def _given(self, y: Array) -> Array:
        """Checked targets as `predict` would say them."""

    # --- Training --------------------------------------------------------------------------

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        eval_set: object = None,
        callbacks: object = None,
    ) -> Self:
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        require_stochastic(self)
        tasks = Tasks(self, X, y, sample_weight)
        tasks.begin()
        hidden = hidden_sizes(self.hidden_layer_sizes)
        anew = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        rows, targets = self._checked(X, y, incremental=incremental, reset=anew)
        weights = self._weights(sample_weight, rows, y)
        self._random_state = check_random_state(self.random_state)
        if anew:
            self._start(hidden, targets, rows)
        else:
            self._go_on(targets)
        data, validation = self._divided(rows, targets, weights, eval_set)
        begin_figures(self, anew=anew, validated=validation is not None)
        followers = Followers(
            self, callbacks, tasks, rows=data[0].shape[0], validated=validation is not None
        )
        learning = Learning(
            self, self._dataset(*data), validation, followers, incremental=incremental
        )
        with followers.following() as over:
            learning.end_before_it_begins() if over else learning.run()
        if not np.isfinite(self._net.parameters).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large "
                "values and need to be preprocessed."
            )
        tasks.end()
        return self

    def _start(self, hidden: list[int], y: Array, X: Any) -> None:
        """Make the network, with parameters as they are drawn."""
        outputs, loss, self.out_activation_ = self._output_layer(y)
        names = activations(self.activation, len(hidden))
        net = network([X.shape[1], *hidden, outputs], Kind.of(names, loss, self), X.dtype)
        draw(net, self.activation, self._random_state)
        self._hold(net)
        self.__dict__.pop("_optimizer", None)  # of a network before
        self.n_outputs_ = outputs

    def _go_on(self, y: Array) -> None:
        """Take the network up again, with the activations and the loss that are asked for now."""
        net = self._take_up()
        outputs, loss, link = self._output_layer(y)
        names = activations(self.activation, len(net.sizes) - 2)
        kind = Kind.of(names, loss, self)
        if kind == self._kind:
            return
        if outputs != net.sizes[-1]:
            raise ValueError(
                f"loss={self.loss!r} needs {outputs} raw outputs, the network that the training is "
                f"to go on with has {net.sizes[-1]}"
            )
        other = network([*net.sizes], kind, net.dtype)
        other.parameters = net.parameters
        self._hold(other)
        self.out_activation_ = link
        if "_optimizer" in vars(self):
            self._optimizer = self._optimizer.moved_to(other._network)

    def _weights(self, sample_weight: Any, X: Any, y: Any) -> Array | None:  # noqa: ARG002
        """The rows' weights, if they have any."""
        if sample_weight is None:
            return None
        weights: Array = _check_sample_weight(sample_weight, X)
        reject(weights < 0, weights, "sample_weight", "expected none below 0")
        return weights

    def _divided(
        self, X: Any, y: Array, weights: Array | None, eval_set: object
    ) -> tuple[tuple[Any, Array, Array | None], Validation | None]:
        """What to learn from, and what to be judged by, if anything."""
        if eval_set is not None:
            return (X, y, weights), Validation(self, *evaluation_set(self, eval_set))
        if not self.early_stopping or self.solver not in STOCHASTIC_SOLVERS:
            return (X, y, weights), None
        arrays = [X, y] if weights is None else [X, y, weights]
        learnt, judged = split(
            arrays, self._strata(y), self.validation_fraction, self._random_state
        )
        rows, targets, *rest = judged
        validation = Validation(self, rows, self._given(targets), *(rest or [None]))
        return (learnt[0], learnt[1], learnt[2] if rest else None), validation

    def _dataset(self, X: Any, y: Array, weights: Array | None) -> Rows:
        """The rows as the core reads them; L-BFGS ends in double precision."""
        net = self._net._network
        dtype = net.dtype if self.solver in STOCHASTIC_SOLVERS else np.dtype(np.float64)
        if weights is not None:
            weights = np.ascontiguousarray(weights, dtype)
        return readable(X, dtype), self._targets(y, net, dtype), weights

    def _described(self, hidden_layers: int) -> Kind:
        _, loss, _ = self._output_layer(np.empty((1, self.n_outputs_)))
        return Kind.of(activations(self.activation, hidden_layers), loss, self)

    # --- Use -------------------------------------------------------------------------------

    def _outputs(self, X: Any, *, raw: bool = False) -> Array:
        """Predictions in the space of the targets, or raw outputs, (M, out)."""
        if "coefs_" not in self.__dict__:
            check_is_fitted(self)
        net = self._current()._network
        if "feature_names_in_" in self.__dict__ or not is_plain(X, net.inputs):
            X = self._rows(X)
        return run_network(net, X, raw, self.n_threads)

    def _rows(self, X: Any) -> Any:
        """Rows as scikit-learn checks them."""
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse=["csr"], reset=False)

    def transform(self, X: Any) -> Array:
        """What the last hidden layer makes of rows: features that the network has learnt.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        ndarray of shape (n_samples, n_hidden)
            The last hidden layer's outputs as the output layer reads them, after activation and
            `norm`; X itself if there is none.

        Examples
        --------
        >>> import numpy as np
        >>> from briskmlp import MLPRegressor
        >>> X = np.linspace(0, 1, 50).reshape(-1, 1)
        >>> net = MLPRegressor(hidden_layer_sizes=(32, 4), max_iter=5, tol=1, n_iter_no_change=1)
        >>> net.fit(X, X[:, 0]).transform(X).shape
        (50, 4)
        """
        X, net = self._rows(X), self._current()
        if len(net.sizes) == 2:
            return dense(X).astype(net.dtype)
        return run_network(hidden_part(net)._network, X, True, self.n_threads)

    @property
    def _n_features_out(self) -> int:
        sizes: tuple[int, ...] = self._current().sizes
        return sizes[-2]

    def input_gradients(self, X: Any, output: ArrayLike | None = None) -> Array:
        """The gradient of one raw output by the inputs: what the answer for a row hangs on.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.
        output : int or array-like of shape (n_samples,), default=None
            The number of the output, or one for each row. Raw outputs are those before
            `out_activation_`: of two classes the second one's log-odds, of more a logit each. By
            default the only one, or in each row that of the predicted class.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The gradients.

        Raises
        ------
        ValueError
            If there are several outputs and none is chosen, or there is no such output.

        Examples
        --------
        >>> import numpy as np
        >>> from briskmlp import MLPRegressor
        >>> X = np.random.default_rng(0).normal(size=(100, 2))
        >>> net = MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, 3 * X[:, 0])
        >>> net.input_gradients(X[:1]).round(2) + 0
        array([[3., 0.]])
        """
        X, net = self._rows(X), self._current()
        if output is None and self.out_activation_ == "softmax":
            raw = run_network(net._network, X, True, self.n_threads)
            output = raw.argmax(axis=1)
        return net.input_gradients(dense(X), output)

    def _score_with(self, metric: Any, X: Any, y: Array, sample_weight: Array | None) -> float:
        """A metric of the predictions, which are NaN where the training has diverged."""
        predicted = self.predict(X)
        if predicted.dtype.kind == "f" and not np.isfinite(predicted).all():
            return float("nan")
        return float(metric(y, predicted, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def run_network(net: core.Network, X: Any, raw: bool, threads: int | None) -> Array:
    """What a network makes of checked rows (M, in), dense or sparse."""
    rows = X.shape[0]
    if rows == 1 and not is_sparse(X):
        row = (net.raw_row if raw else net.predict_row)(X[0], None)
        if row is not None:
            return row.reshape(1, -1)
    out = np.empty((rows, net.outputs), net.dtype)
    net.predict_rows(readable(X, net.dtype), out, raw, threads)
    return out
