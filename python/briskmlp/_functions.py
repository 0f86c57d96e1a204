"""Functions of arrays: real `numpy.ufunc` objects that run the library's kernels, and losses.

The ufuncs broadcast and take `out=`, `where=`, `dtype=` and the rest as NumPy's own do, work with
classes that override ufuncs, and obey `numpy.errstate`. Their docstrings are in `_function_docs`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from . import _briskmlp_core as core
from ._datasets import targets
from ._function_docs import DOCS
from ._validate import Array, DType, real_array

_ufuncs: dict[str, np.ufunc] = core.make_ufuncs(DOCS)

# --- Elementwise -------------------------------------------------------------------------------

exp = _ufuncs["exp"]
expm1 = _ufuncs["expm1"]
log = _ufuncs["log"]
log1p = _ufuncs["log1p"]
erf = _ufuncs["erf"]
tanh = _ufuncs["tanh"]
sigmoid = _ufuncs["sigmoid"]
logsigmoid = _ufuncs["logsigmoid"]
softplus = _ufuncs["softplus"]
relu = _ufuncs["relu"]
leaky_relu = _ufuncs["leaky_relu"]
elu = _ufuncs["elu"]
selu = _ufuncs["selu"]
gelu = _ufuncs["gelu"]
gelu_tanh = _ufuncs["gelu_tanh"]
silu = _ufuncs["silu"]
mish = _ufuncs["mish"]

exp_backward = _ufuncs["exp_backward"]
expm1_backward = _ufuncs["expm1_backward"]
log_backward = _ufuncs["log_backward"]
log1p_backward = _ufuncs["log1p_backward"]
erf_backward = _ufuncs["erf_backward"]
tanh_backward = _ufuncs["tanh_backward"]
sigmoid_backward = _ufuncs["sigmoid_backward"]
logsigmoid_backward = _ufuncs["logsigmoid_backward"]
softplus_backward = _ufuncs["softplus_backward"]
relu_backward = _ufuncs["relu_backward"]
leaky_relu_backward = _ufuncs["leaky_relu_backward"]
elu_backward = _ufuncs["elu_backward"]
selu_backward = _ufuncs["selu_backward"]
gelu_backward = _ufuncs["gelu_backward"]
gelu_tanh_backward = _ufuncs["gelu_tanh_backward"]
silu_backward = _ufuncs["silu_backward"]
mish_backward = _ufuncs["mish_backward"]

# --- Along an axis -----------------------------------------------------------------------------

softmax = _ufuncs["softmax"]
log_softmax = _ufuncs["log_softmax"]
logsumexp = _ufuncs["logsumexp"]

# --- Losses ------------------------------------------------------------------------------------


class _Outputs(NamedTuple):
    """Raw outputs (M, out) of a network that is not ours, and the loss to be taken of them."""

    loss: str
    values: Array

    @property
    def outputs(self) -> int:
        return int(self.values.shape[1])

    @property
    def target_cols(self) -> int:
        return self.outputs

    @property
    def dtype(self) -> DType:
        return self.values.dtype


def _outputs(loss: str, values: ArrayLike, name: str) -> _Outputs:
    """Raw outputs as the core reads them: float32 if they are of that precision, else float64."""
    array = real_array(values, name, np.dtype(np.float64))
    dtype = np.result_type(np.asarray(values).dtype, np.float32)
    if loss == "mse" and array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.size == 0:
        shapes = "(rows,) or (rows, outputs)" if loss == "mse" else "(rows, classes)"
        raise ValueError(f"{name} has shape {array.shape}, expected {shapes}, none of them 0")
    single = dtype == np.float32
    return _Outputs(loss, np.ascontiguousarray(array, np.float32 if single else np.float64))


def _value(z: _Outputs, target: ArrayLike) -> float:
    return core.loss_of(z.loss, z.values, targets(target, "target", len(z.values), z), None)


def _gradient(z: _Outputs, target: ArrayLike, dy: float, shape: tuple[int, ...]) -> Array:
    gradient = np.empty_like(z.values)
    core.loss_of(z.loss, z.values, targets(target, "target", len(z.values), z), gradient)
    return np.multiply(gradient, dy, out=gradient, casting="same_kind").reshape(shape)


def cross_entropy(logits: ArrayLike, target: ArrayLike) -> float:
    """Cross entropy of rows of logits, averaged over the rows.

    The mean over rows of -Σ p log softmax(z), as the loss of `MLP`.

    Parameters
    ----------
    logits : array_like, shape (M, N)
        Raw outputs z, computed with in float32 if they are of that type or less, else in float64.
    target : array_like, shape (M,) or (M, N)
        Class numbers from 0 to N - 1, or rows of probabilities p that add up to 1.

    Returns
    -------
    float
        The mean loss.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a target is neither a class number nor a probability.

    See Also
    --------
    cross_entropy_backward : Its gradient by the logits.

    Examples
    --------
    >>> import briskmlp as bm
    >>> round(bm.cross_entropy([[2.0, 0.0], [0.0, 0.0]], [0, 1]), 6)
    0.410038
    """
    return _value(_outputs("cross_entropy", logits, "logits"), target)


def cross_entropy_backward(logits: ArrayLike, target: ArrayLike, dy: float = 1.0) -> Array:
    """Gradient of `cross_entropy` by the logits: dy (softmax(z) - p) / M.

    Parameters
    ----------
    logits, target : array_like
        As for `cross_entropy`.
    dy : float, default 1
        Factor of all, the derivative of what is optimized by this loss.

    Returns
    -------
    ndarray, shape (M, N)
        The gradient, of the type that is computed with.

    Raises
    ------
    ValueError
        As `cross_entropy` does.

    Examples
    --------
    >>> import briskmlp as bm
    >>> bm.cross_entropy_backward([[0.0, 0.0]], [1])
    array([[ 0.5, -0.5]])
    """
    z = _outputs("cross_entropy", logits, "logits")
    return _gradient(z, target, dy, z.values.shape)


def mse(prediction: ArrayLike, target: ArrayLike) -> float:
    """Mean over rows and outputs of the squared error, (prediction - target)².

    Parameters
    ----------
    prediction : array_like, shape (M,) or (M, D)
        Computed with in float32 if of that type or less, else in float64.
    target : array_like, shape (M,) or (M, D)
        What was to be predicted; (M,) stands for (M, 1).

    Returns
    -------
    float
        The mean loss.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a target is not finite.

    See Also
    --------
    mse_backward : Its gradient by the prediction.

    Examples
    --------
    >>> import briskmlp as bm
    >>> bm.mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return _value(_outputs("mse", prediction, "prediction"), target)


def mse_backward(prediction: ArrayLike, target: ArrayLike, dy: float = 1.0) -> Array:
    """Gradient of `mse` by the prediction: 2 dy (prediction - target) / (M D).

    Parameters
    ----------
    prediction, target : array_like
        As for `mse`.
    dy : float, default 1
        Factor of all, the derivative of what is optimized by this loss.

    Returns
    -------
    ndarray, shape (M,) or (M, D)
        The gradient, of the prediction's shape and the type that is computed with.

    Raises
    ------
    ValueError
        As `mse` does.

    Examples
    --------
    >>> import briskmlp as bm
    >>> bm.mse_backward([1.0, 2.0], [1.0, 4.0])
    array([ 0., -2.])
    """
    return _gradient(_outputs("mse", prediction, "prediction"), target, dy, np.shape(prediction))
