"""What a network answers: predictions, and how good they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from . import _validate
from ._datasets import Dataset, dataset
from ._history import Evaluation
from ._network import Network
from ._validate import Array


class Predictor(Network):
    """Adds to the parameters what they give for rows of inputs."""

    def predict(self, X: ArrayLike, out: Array | None = None) -> Array:
        """Predictions in the target's own space.

        Probabilities of classes, or of yes; otherwise means, after which "gaussian_nll" has the
        variances, or for "quantile" the quantiles, the lowest of every target first.

        Parameters
        ----------
        X
            Rows (M, in), or one row (in,). NaN gives NaN.
        out
            Where to write the result. Default: a new array.

        Returns
        -------
        ndarray
            (M, out), or (out,) for one row; of the network's dtype. While parameters are finite, a
            row has the same bits, a zero's sign aside, alone or among others, on any threads.

        Raises
        ------
        TypeError, ValueError
            If `X` is not numbers or has the wrong width, or `out` has another shape or dtype.

        Examples
        --------
        >>> import briskmlp as bm
        >>> net = bm.MLP([2, 4, 3], loss="cross_entropy", seed=0)
        >>> float(net.predict([0, 0]).sum())
        1.0
        >>> y = np.empty((5, 3), "float32")
        >>> net.predict(np.ones((5, 2)), out=y) is y
        True
        """
        row = self._network.predict_row(X, out)
        return self._predict_rows(X, out, raw=False) if row is None else row

    def __call__(self, X: ArrayLike, out: Array | None = None) -> Array:
        """Raw outputs, before the loss's link (say logits); otherwise like `predict`."""
        row = self._network.raw_row(X, out)
        return self._predict_rows(X, out, raw=True) if row is None else row

    def _predict_rows(self, X: ArrayLike, out: Array | None, *, raw: bool) -> Array:
        network = self._network
        x = _validate.inputs(X, "X", network)
        shape = (*x.shape[:-1], network.outputs)
        if out is not None:
            _validate.destination(out, shape, network.dtype)
        if out is not None and out.flags.carray and not np.may_share_memory(out, x):
            y = out
        else:
            y = np.empty(shape, network.dtype)
        network.predict_rows(np.atleast_2d(x), np.atleast_2d(y), raw)
        if out is None or y is out:
            return y
        out[...] = y
        return out

    def evaluate(
        self, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
    ) -> Evaluation:
        """Mean loss and metric on rows X with targets y.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        Evaluation
            ``loss`` and ``metric``: for classes the share of right answers, for "quantile" that of
            targets between the outermost ones, else the root mean square error of the means.

        Examples
        --------
        >>> import briskmlp as bm
        >>> net = bm.MLP([1, 1], init="zeros")
        >>> net.evaluate([[1], [2]], [3, 4])
        Evaluation(loss=12.5, metric=3.5355339059327378)
        """
        return Evaluation(*self._network.evaluate(self._dataset(X, y, sample_weight)))

    def _dataset(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> Dataset:
        return dataset(self._network, X, y, sample_weight)
