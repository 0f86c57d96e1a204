"""How a network's answers change: gradients by the parameters and by the inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from . import _validate
from ._predictor import Predictor
from ._validate import Array


class Differentiable(Predictor):
    """Adds derivatives to the predictions."""

    def gradients(
        self, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
    ) -> tuple[float, Array]:
        """Mean loss on rows X with targets y, and its gradient by the parameters.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        loss
            The mean over the rows, weighted by `sample_weight` if there is one.
        gradient
            (P,), laid out as `parameters` are; `split` gives the layers' parts.

        Examples
        --------
        One step of gradient descent:

        >>> import briskmlp as bm
        >>> net = bm.MLP([1, 1], init="zeros")
        >>> loss, gradient = net.gradients([[1], [2]], [3, 4])
        >>> loss, gradient
        (12.5, array([-11.,  -7.], dtype=float32))
        >>> net.parameters -= 0.1 * gradient
        """
        return self._network.gradients(self._dataset(X, y, sample_weight))

    def backward(self, X: ArrayLike, dY: ArrayLike) -> tuple[Array, Array]:
        """Pull a gradient by the raw outputs back to the inputs and the parameters.

        The vector-Jacobian product: with it any loss of ``net(X)`` can be written in NumPy.

        Parameters
        ----------
        X
            Rows (M, in), or one row (in,).
        dY
            The gradient of some loss by the raw outputs ``net(X)``, of their shape.

        Returns
        -------
        dX
            The gradient of that loss by X, of its shape.
        gradient
            The gradient by the parameters, (P,), laid out as they are.

        Examples
        --------
        The mean absolute error, which is not among the losses:

        >>> import briskmlp as bm
        >>> net = bm.MLP([1, 1], init="zeros")
        >>> X, y = np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]])
        >>> dX, gradient = net.backward(X, np.sign(net(X) - y) / y.size)
        >>> gradient
        array([-1.5, -1. ], dtype=float32)
        """
        x = _validate.inputs(X, "X", self._network)
        shape = (*x.shape[:-1], self._network.outputs)
        d_y = _validate.array_of(dY, "dY", shape, self.dtype)
        d_x, gradient = self._network.backward(np.atleast_2d(x), np.atleast_2d(d_y))
        return d_x.reshape(x.shape), gradient
