"""The network as Python sees it: `MLP` checks what it is given and hands it to the core."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from . import _briskmlp_core as core
from . import _validate
from ._config import Optimizer
from ._explain import Explanation, explain
from ._history import Evaluation, History
from ._losses import Loss
from ._network import Network
from ._state import MAX_SEED, build
from ._training import epochs_kept, optimizer_spec, rows_per_step, train
from ._validate import Array


class MLP(Network):
    """A multi-layer perceptron: layers f(x @ W + b), trained by gradient descent.

    Parameters
    ----------
    sizes
        Number of inputs, width of each hidden layer, number of outputs: at least two, each at
        least 1.
    activation
        "identity", "relu" (the default), "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu",
        "mish", "softplus", "sigmoid" or "tanh", for all hidden layers; or a list of names, one for
        each hidden layer, whose output layer then is the identity, or one for every layer.
    loss
        What training minimises, a mean over rows and targets; docs/losses.md has the formulas.

        - Numbers: "mse" (the default), "mae", "huber", "log_cosh", "quantile"; "gaussian_nll" for
          means and variances; "poisson" for counts, "gamma" for positive numbers, "tweedie".
        - Classes: "cross_entropy", "focal", and "binary_cross_entropy" for yes-or-no questions.
        - With settings: `Huber`, `Quantile`, `Tweedie`, `CrossEntropy`, `Focal`.
    dtype
        "float32" (the default) or "float64": the type of the parameters, of all computing and of
        all results.
    seed
        From 0 to 2^64 - 1: fixes the initial weights and the order of the rows in training. None
        (the default) draws one, which then is the attribute `seed`.
    init
        The distribution of the initial weights: "he_uniform", "he_normal" (He et al. 2015),
        "glorot_uniform", "glorot_normal" (Glorot and Bengio 2010), "lecun_uniform",
        "lecun_normal" (LeCun et al. 1998) or "zeros". "auto" (the default) picks the one that
        suits each layer's activation. Biases start at zero.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, or is unknown or out of range.
    MemoryError
        If the parameters need more memory than the machine has.

    Attributes
    ----------
    seed
        The seed in use.
    epochs_trained
        Epochs of training that the parameters have seen.
    history
        The `History` of the latest `fit`, also of one that ended with an error; None before.

    Notes
    -----
    One network can predict in several Python threads at once; it can be fitted in one, and what is
    predicted during a fit comes from the parameters after some epoch, or while they are being
    written, from a mix of two.

    Examples
    --------
    Learn exclusive or:

    >>> import briskmlp as bm
    >>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> net = bm.MLP([2, 8, 1], "tanh", loss="binary_cross_entropy", seed=0)
    >>> history = net.fit(X, [0, 1, 1, 0], epochs=500, optimizer=bm.Adam(0.05))
    >>> net.predict(X).round().ravel()
    array([0., 1., 1., 0.], dtype=float32)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Sequence[str] = "relu",
        *,
        loss: Loss = "mse",
        dtype: DTypeLike = "float32",
        seed: int | None = None,
        init: str = "auto",
    ) -> None:
        sizes = _validate.layer_sizes(sizes)
        names = _validate.activation_names(activation, len(sizes) - 1)
        init = _validate.known_name(init, "init", core.initializer_names())
        if seed is None:
            seed = secrets.randbits(32)  # short enough to note down
        self.seed = _validate.whole_number(seed, "seed", 0, MAX_SEED)
        self._network = build(sizes, names, loss, _validate.float_type(dtype))
        self._network.initialize(self.seed, init)
        self.epochs_trained = 0
        self.history: History | None = None

    # --- Prediction ----------------------------------------------------------------------------

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
        data = _validate.dataset(self._network, X, y, sample_weight)
        return Evaluation(*self._network.evaluate(data))

    # --- Speed ---------------------------------------------------------------------------------

    def explain(
        self, X: ArrayLike, *, batch_size: int | None = None, measure: bool = True
    ) -> Explanation:
        """How rows like X are trained on and predicted here, and how near the machine's limit.

        The plan follows from the sizes alone. A copy of the network is trained, with Adam.

        Parameters
        ----------
        X
            Rows (M, in).
        batch_size
            Rows in a step, at most M. Default 128, or M if that is less.
        measure
            Whether to train two epochs or more and to predict; if not, those figures are None.

        Returns
        -------
        Explanation
            Printed, it is a report of ten lines.

        Examples
        --------
        >>> import briskmlp as bm
        >>> net = bm.MLP([64, 64, 10], loss="cross_entropy", seed=0)
        >>> plan = net.explain(np.zeros((1000, 64)), batch_size=32, measure=False)
        >>> plan.plan, plan.batch_size, plan.flops
        ('sharded', 32, 647168.0)
        """
        x = _validate.rows(X, "X", self._network)
        return explain(self, x, rows_per_step(batch_size, len(x)), measure)

    # --- Gradients -----------------------------------------------------------------------------

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
        return self._network.gradients(_validate.dataset(self._network, X, y, sample_weight))

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

    # --- Training ------------------------------------------------------------------------------

    def fit(  # noqa: PLR0913 - all but the data have defaults
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 10,
        batch_size: int | None = None,
        optimizer: Optimizer | str | None = None,
        shuffle: bool = True,
        sample_weight: ArrayLike | None = None,
        class_weight: str | Mapping[int, float] | ArrayLike | None = None,
        eval_set: Sequence[ArrayLike] | None = None,
        progress: bool | None = None,
        callback: Callable[[History], object] | None = None,
    ) -> History:
        """Train on rows X with targets y, from the parameters as they are.

        A second call goes on where the first one ended, with a fresh optimizer and further
        shuffles.

        Parameters
        ----------
        X
            Rows (M, in), finite.
        y
            Targets, finite: numbers (M, D), or (M,) if D is 1. For classes their numbers (M,) from
            0 to out - 1, or rows of probabilities (M, out); for "binary_cross_entropy" each from 0
            to 1.
        epochs
            How many times to go through all rows. Default 10.
        batch_size
            Rows in a step, at most M; the last step of an epoch may have fewer. Default 128, or M
            if that is less.
        optimizer
            `SGD`, `Adam` or `AdamW`, or the name of one that needs no settings. Default `Adam()`.
        shuffle
            Whether each epoch takes the rows in an order of its own. Default True.
        sample_weight
            Weights of the rows (M,): none negative, not all zero. Default: all the same.
        class_weight
            Weights of the classes, which multiply those of the rows: a list of all, a dict of those
            that are not 1, or "balanced": the same for every class as a whole.
        eval_set
            (X, y) or (X, y, sample_weight) to evaluate on after each epoch.
        progress
            True shows progress, False does not; None (the default) shows it on a terminal when
            training takes longer than half a second.
        callback
            Called after each epoch with the history so far; training stops if it returns true. It
            may change the parameters.

        Returns
        -------
        History
            The figures of each epoch, also as the attribute `history`.

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit; the network is as it was.
        DivergenceError
            If the loss stops being finite. The network has the parameters from before the best
            epoch.
        KeyboardInterrupt
            On Ctrl-C. The network has the parameters of the last finished step.
        MemoryError
            If the working arrays need more memory than the machine has; the network is as it was.
        RuntimeError
            If another thread is fitting this network.

        Examples
        --------
        >>> import briskmlp as bm
        >>> X = np.linspace(-1, 1, 100)[:, np.newaxis]
        >>> net = bm.MLP([1, 16, 1], "tanh", seed=0)
        >>> history = net.fit(X, np.sin(3 * X), epochs=50, optimizer=bm.Adam(0.01), eval_set=(X, X))
        >>> history.keys()
        ['loss', 'eval_loss', 'eval_metric', 'seconds']
        >>> stopped = net.fit(X, np.sin(3 * X), callback=lambda history: len(history) == 3)
        >>> len(stopped)
        3
        """
        data = _validate.dataset(self._network, X, y, sample_weight, class_weight=class_weight)
        eval_data = None if eval_set is None else _validate.eval_dataset(self._network, eval_set)
        _validate.followers(progress, callback)
        options = core.FitOptions(
            epochs=_validate.positive_int(epochs, "epochs"),
            batch_size=rows_per_step(batch_size, len(data[0])),
            shuffle=bool(shuffle),
            seed=self.seed,
            first_epoch=self.epochs_trained,
            optimizer=optimizer_spec(optimizer),
        )
        history, error = train(self._network, data, eval_data, options, progress, callback)
        self.history = history
        self.epochs_trained += epochs_kept(history, error)
        if error is not None:
            raise error
        return history
