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
        The mean fourth power of the error, which is not among the losses:

        >>> import briskmlp as bm
        >>> net = bm.MLP([1, 1], init="zeros")
        >>> X, y = np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]])
        >>> dX, gradient = net.backward(X, 4 * (net(X) - y) ** 3 / y.size)
        >>> gradient
        array([-310., -182.], dtype=float32)
        """
        x = _validate.inputs(X, "X", self._network)
        shape = (*x.shape[:-1], self._network.outputs)
        d_y = _validate.array_of(dY, "dY", shape, self.dtype)
        d_x, gradient = self._network.backward(np.atleast_2d(x), np.atleast_2d(d_y))
        return d_x.reshape(x.shape), gradient

    def input_gradients(self, X: ArrayLike, output: ArrayLike | None = None) -> Array:
        """The gradient of one raw output by the inputs: what the answer for a row hangs on.

        Parameters
        ----------
        X
            Rows (M, in), or one row (in,).
        output
            Which of the outputs ``net(X)``: its number, or a number for each row, (M,). May be left
            out if there is only one.

        Returns
        -------
        ndarray
            Of the shape of X and the network's dtype.

        Raises
        ------
        TypeError, ValueError
            If `X` does not fit, or `output` is not the number of an output.

        Examples
        --------
        Of a linear map they are its weights:

        >>> import briskmlp as bm
        >>> net = bm.MLP([2, 2], init="zeros")
        >>> net.weights[0] = [[1, 2], [3, 4]]
        >>> net.input_gradients([7, 7], output=1)
        array([2., 4.], dtype=float32)

        What speaks for the class that is predicted:

        >>> X = np.ones((5, 2))
        >>> net.input_gradients(X, net(X).argmax(axis=1)).shape
        (5, 2)
        """
        x = _validate.inputs(X, "X", self._network)
        rows, outputs = np.atleast_2d(x), self._network.outputs
        if output is None:
            if outputs > 1:
                raise ValueError(f"the network has {outputs} outputs; say which: output=0, say")
            output = 0
        chosen = np.asarray(output)
        if chosen.dtype.kind not in "iu":
            raise TypeError(f"output must be a whole number, or one for each row, got {output!r}")
        if chosen.shape not in ((), (len(rows),)):
            raise ValueError(f"output has shape {chosen.shape}, expected () or ({len(rows)},)")
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < outputs):
            raise ValueError(f"output must be from 0 to {outputs - 1}, got {output!r}")
        d_y = np.zeros((len(rows), outputs), self.dtype)
        d_y[np.arange(len(rows)), chosen] = 1
        return self._network.backward(rows, d_y)[0].reshape(x.shape)
