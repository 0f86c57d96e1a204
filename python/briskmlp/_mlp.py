"""The network as Python sees it: `MLP` is made, learns, and inherits all else.

Each class adds one thing to the one before it: `Network` has layers and parameters, `Predictor`
predictions, `Differentiable` gradients, `Inspectable` what can be learnt about it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike, DTypeLike

from . import _briskmlp_core as core
from . import _validate
from ._inspectable import Inspectable
from ._state import MAX_SEED, build, is_as_drawn

if TYPE_CHECKING:
    from ._algorithm import Algorithm
    from ._callbacks import Callback
    from ._files import File
    from ._history import History
    from ._lbfgs import LBFGS
    from ._loss_settings import Loss
    from ._optimizer import Optimizer
    from ._own_loss import LossFunction
    from ._validate import Array

    Metric = str | Callable[[Array, Array], float]
    Metrics = Metric | Sequence[Metric] | Mapping[str, Metric]
    Follower = Callback | Callable[[History], object]
    Callbacks = Follower | Sequence[Follower]


class MLP(Inspectable):
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
    norm
        "layer" standardizes what a hidden layer passes on (Ba, Kiros and Hinton 2016): of each row,
        the units' outputs less their mean, by the root of their variance + 1e-5. It has no gain or
        bias of its own, which the next layer's weights and biases amount to. Default None.
    residual
        Whether each hidden layer with as many units as the hidden layer before it adds to its
        outputs what that one had before its norm (He et al. 2016). Default False. See
        docs/layers.md.

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
    init
        The name of the distribution of the initial weights.
    epochs_trained
        Epochs of training that the parameters have seen.
    history
        The `History` of the latest `fit`, also of one that goes on or ended with an error; None
        before.

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
        norm: str | None = None,
        residual: bool = False,
    ) -> None:
        sizes = _validate.layer_sizes(sizes)
        names = _validate.activation_names(activation, len(sizes) - 1)
        self.init = _validate.known_name(init, "init", core.initializer_names())
        if seed is None:
            seed = int.from_bytes(os.urandom(4), "little")  # short enough to note down
        self.seed = _validate.whole_number(seed, "seed", 0, MAX_SEED)
        self._network = build(
            sizes,
            names,
            loss,
            _validate.float_type(dtype),
            _validate.norm_name(norm),
            _validate.boolean(residual, "residual"),
        )
        self._network.initialize(self.seed, self.init)
        self.epochs_trained = 0
        self.history: History | None = None

    def fit(  # noqa: PLR0913 - all but the data have defaults
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 10,
        batch_size: int | None = None,
        optimizer: Optimizer | LBFGS | str | None = None,
        loss: LossFunction | None = None,
        batches_per_step: int = 1,
        average: float = 0.0,
        dropout: float | Sequence[float] = 0.0,
        input_noise: float | ArrayLike = 0.0,
        batch_norm: bool = False,
        shuffle: bool = True,
        standardize: bool = False,
        sample_weight: ArrayLike | None = None,
        class_weight: str | Mapping[int, float] | ArrayLike | None = None,
        eval_set: Sequence[ArrayLike] | None = None,
        metrics: Metrics | None = None,
        time_budget: float | None = None,
        progress: bool | str | None = None,
        callback: Callable[[History], object] | None = None,
        callbacks: Callbacks | None = None,
        resume: File | None = None,
    ) -> History:
        """Train on rows X with targets y, from the parameters as they are.

        A second call goes on where the first one ended, with a fresh optimizer and further
        shuffles. To go on with a fit that was cut short, see `resume`.

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
            `SGD`, `Adam`, `AdamW`, `NAdam`, `RAdam`, `RMSprop`, `Adagrad`, `Lion` or `Muon`;
            `LBFGS`, for small data, of which each epoch is a step; or the name of one that needs no
            settings. Default `Adam()`.
        loss
            What to minimise instead of the network's own loss: a function of a batch's raw outputs
            (m, out) and its entries of y, which may be any array of M entries, that returns the
            loss and its gradient by the raw outputs. See Notes. Default: none.
        batches_per_step
            Batches whose mean gradient makes up one step of the optimizer. Default 1.
        average
            How much of the parameters' running mean a step keeps, in [0, 1); in the first steps at
            most (1 + step) / (10 + step). The mean is what the network has after each epoch, for
            evaluation and callbacks, and in the end. Default 0: no mean.
        dropout
            The share of the hidden units that every row of every batch goes without, in [0, 1), or
            one for each hidden layer (Srivastava et al. 2014); those that stay are scaled up by
            1 / (1 - share). Evaluation and prediction have all units. Default 0.
        input_noise
            The standard deviation of normal noise that every row of every batch gets on its inputs,
            or one for each input, (in,): in the units of X, with `standardize` of the standardized.
            Evaluation and prediction have none. Default 0.
        batch_norm
            Whether each hidden unit's outputs are standardized in every batch: less their mean, by
            the root of their variance + 1e-5 (Ioffe and Szegedy 2015). After each epoch the layers
            take this up, so that the network itself has no norm. See Notes. Default False.
        shuffle
            Whether each epoch takes the rows in an order of its own. Default True.
        standardize
            Whether to train on columns of X less their means, by their standard deviations; and
            for regression so on targets, if the output layer is the identity. The layers take this
            up: the network works on X as it is, before, between and afterwards, and all figures are
            in the units of y. See Notes. Default False.
        sample_weight
            Weights of the rows (M,): none negative, not all zero. Default: all the same.
        class_weight
            Weights of the classes, which multiply those of the rows: a list of all, a dict of those
            that are not 1, or "balanced": the same for every class as a whole.
        eval_set
            (X, y) or (X, y, sample_weight) to evaluate on after each epoch.
        metrics
            More figures of the evaluation set, in columns ``eval_<name>``; every row counts alike.
            Names: "accuracy", "balanced_accuracy", "f1" or "brier" for losses of classification,
            "mae", "mse", "rmse", "r2" or "max_error" for others. Or functions of y and
            ``predict(X)`` that return a number. One, a list, or a dict of them by name.
        time_budget
            Seconds: no epoch is begun that would end later if it took as long as the one before,
            the first one aside. Default: no limit.
        progress
            True shows progress, False does not; None (the default) shows it on a terminal when
            training takes longer than half a second. "line", "tqdm" and "rich" name a display.
        callback
            Called after each epoch with the history so far; training stops if it returns true. It
            may change the parameters.
        callbacks
            One or more such functions or `Callback` objects: `EarlyStopping`, say.
        resume
            A file that `Checkpoint` wrote by epoch, or a folder of them, whose latest is taken and
            which may be empty. The network becomes that of the file, and the fit goes on with the
            epochs that are missing from `epochs`: with the same data and settings to the same bits
            as if it had never stopped. Default: none.

        Returns
        -------
        History
            The figures of each epoch, also as the attribute `history`.

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit, among them a file of another network or another kind of
            training; the network is as it was.
        ImportError
            If the display asked for, or what `LBFGS` needs, is not installed.
        DivergenceError
            If the loss stops being finite. The network has the parameters from before the best
            epoch.
        KeyboardInterrupt
            On Ctrl-C. The network has the parameters of the last finished step or, with
            `EarlyStopping`, those of the best epoch.
        MemoryError
            If the working arrays need more memory than the machine has; the network is as it was.
        RuntimeError
            If another thread is fitting this network.

        Notes
        -----
        With `standardize` the means and deviations are those of this call's X and y, weighted by
        `sample_weight`; a column that is constant is only shifted. They are not kept: a further fit
        takes its own, and goes on from what the network then is. Only weights that are still as
        they were drawn count as drawn for standardized data. What is minimised stays the same; so
        all targets have one scale, except with "gaussian_nll" and "gamma". With "poisson", "gamma"
        and "tweedie" targets are divided by their means and not shifted, with "log_cosh" and
        several quantiles shifted and not divided, see docs/losses.md. Weight decay and clipping act
        on what the weights for standardized data are. A copy of X in the network's dtype is made. A
        warning tells of columns so far from 0 that the dtype is too coarse for predictions.

        With `batch_norm` means and variances for the network are those of up to 4096 of the rows.
        Every batch needs two rows. Weights still as they were drawn count as drawn for standardized
        units, on whose weights decay and clipping act. See docs/layers.md.

        A `loss` function is called once a batch, from this thread, with copies; with all rows of
        `eval_set` for ``eval_loss``; there is no ``eval_metric`` then, and `metrics` are functions.
        It may be any function of the rows together, a ranking say. What it raises ends the fit, as
        Ctrl-C does. Predictions are still those of the network's own loss.

        Examples
        --------
        >>> import numpy as np
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
        # Not needed by who only predicts.
        from ._callbacks import TimeBudget, Training, callback_list
        from ._descent import descent
        from ._lbfgs import LBFGS, Minimisation
        from ._optimizers import optimizer_of
        from ._own_loss import datasets
        from ._progress import open_progress
        from ._training import columns, fresh, make_scorer, rows_per_step, train

        data, eval_data, own_loss = datasets(
            self._network, X, y, sample_weight, class_weight, eval_set, loss
        )
        followers = [*callback_list(callback, "callback"), *callback_list(callbacks)]
        if time_budget is not None:
            followers.append(TimeBudget(time_budget))
        epochs = _validate.positive_int(epochs, "epochs")
        average = _validate.share(average, "average")
        batches_per_step = _validate.positive_int(batches_per_step, "batches_per_step")
        dropped = _validate.dropout(dropout, len(self.sizes) - 2)
        noise = _validate.input_noise(input_noise, self.sizes[0], self.dtype)
        standardize = _validate.boolean(standardize, "standardize")
        normalized = _validate.batch_norm(batch_norm, len(self.sizes) - 2, self.norm)
        rows = len(data[0])
        settings = optimizer_of(optimizer)
        if isinstance(settings, LBFGS):
            settings.require_whole_batch(
                batch_size, rows, batches_per_step, average, dropped, noise, normalized
            )
            batch_size = rows
        batch_size = rows_per_step(batch_size, rows, normalized=normalized)
        scorer = make_scorer(metrics, self, eval_data, eval_set, own_loss is not None)
        figures = columns(eval_data, scorer, own_loss is not None)
        start = fresh(self)
        if resume is not None:
            from ._resume import resumed

            own = own_loss is not None
            start = resumed(resume, self, settings, figures, standardize, normalized, own) or start
        algorithm: Algorithm
        if isinstance(settings, LBFGS):
            algorithm = Minimisation(settings, self.sizes, epochs, own_loss)
        else:
            algorithm = descent(
                settings,
                start,
                own_loss,
                layers=len(self.activations),
                batch_norm=normalized,
                folded=normalized and not is_as_drawn(self._network, self.seed, self.init),
                average=average,
                epochs=epochs,
                batches=-(-rows // batch_size),
                batch_size=batch_size,
                shuffle=_validate.boolean(shuffle, "shuffle"),
                batches_per_step=batches_per_step,
                dropout=dropped,
                noise=noise,
            )
        if standardize:
            from ._standardized import Standardized

            algorithm = Standardized(algorithm, self, data, targets=own_loss is None)
        display = open_progress(
            False if len(start.history) >= epochs else progress,
            epochs=epochs,
            rows=rows,
            metric_name=start.history.metric_name,
            before=len(start.history),
        )
        training = Training(
            self,
            start,
            epochs=epochs,
            rows=rows,
            batch_size=batch_size,
            columns=figures,
        )
        train(
            training,
            start,
            data,
            eval_data,
            algorithm,
            scorer=scorer,
            display=display,
            callbacks=followers,
        )
        if training.error is not None:
            raise training.error
        return training.history
