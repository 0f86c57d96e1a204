"""What the documentation of both estimators says in the same words."""

from __future__ import annotations

from typing import TypeVar

Class = TypeVar("Class", bound=type)

SHARED = {
    "layers": """\
hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(100,)
        The widths of the hidden layers.
    activation : str or list of str, default='relu'
        Of the hidden layers, one for all or one for each: 'identity', 'logistic', 'tanh', 'relu';
        or any other that `briskmlp.MLP` knows: 'gelu', 'silu', ...""",
    "training": """\
solver : {'adam', 'sgd', 'lbfgs'}, default='adam'
        Kingma and Ba's Adam, stochastic gradient descent, or SciPy's L-BFGS-B on all rows at once,
        which suits small data.
    alpha : float, default=0.0001
        L2 penalty on the weights, not the biases: half of this multiple of their squares, divided
        by the (weighted) number of rows of the batch, is added to the loss.
    batch_size : int or 'auto', default='auto'
        Rows of a step; 'auto' is 200, or all rows if there are fewer.
    learning_rate : {'constant', 'invscaling', 'adaptive'}, default='constant'
        For 'sgd': the same all the time; or divided by the number of rows seen to the power of
        `power_t`; or divided by 5 when the training makes no progress.
    learning_rate_init : float, default=0.001
        The learning rate to begin with.
    power_t : float, default=0.5
        The exponent of 'invscaling'.
    max_iter : int, default=200
        The most epochs, or iterations of 'lbfgs'.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    random_state : int, RandomState instance or None, default=None
        What initial weights, shuffles and the validation part are drawn from, in the same order as
        scikit-learn draws them.
    tol : float, default=1e-4
        An epoch is progress if it betters the loss, or the validation score, by at least this.
    verbose : bool, int, or {'bar', 'line', 'tqdm', 'rich'}, default=False
        Whether to print scikit-learn's lines; or one of briskmlp's displays of progress.
    warm_start : bool, default=False
        Whether `fit` goes on from the parameters that an earlier one left.
    momentum : float, default=0.9
        Of 'sgd', between 0 and 1.
    nesterovs_momentum : bool, default=True
        Whether that is Nesterov's.
    early_stopping : bool, default=False
        Whether to set aside a part of the rows, judge each epoch by its score on them, and restore
        the parameters of the best one. Not with 'lbfgs'.
    validation_fraction : float, default=0.1
        How large that part is.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of Adam's running means of gradients and of their squares.
    epsilon : float, default=1e-8
        Added to the denominator of Adam's steps.
    n_iter_no_change : int, default=10
        The training ends when more epochs than this in a row were no progress.
    max_fun : int, default=15000
        The most looks at all rows by 'lbfgs'.""",
    "more": """\
dropout : float or list of float, default=0.0
        Share of the hidden units that each row of a batch goes without, in [0, 1), or one for each
        hidden layer. Not with 'lbfgs'.
    weight_decay : float, default=0.0
        Decoupled decay (Loshchilov and Hutter 2019): each step takes this multiple of the learning
        rate off the weights, not the biases. Not with 'lbfgs'.
    norm : {'layer'} or None, default=None
        'layer' standardizes, row by row, what each hidden layer passes on (Ba, Kiros and Hinton
        2016).
    residual : bool, default=False
        Whether each hidden layer with as many units as the one before adds to its outputs what
        that one had before its norm (He et al. 2016).
    scoring : str, callable or None, default=None
        The score of `early_stopping` and of an `eval_set`: any of scikit-learn's scorers. By
        default that of `score`.
    n_threads : int or None, default=None
        The most threads that fitting and predicting use; results do not depend on it. By default
        what `briskmlp.get_num_threads` says.""",
    "attributes": """\
coefs_, intercepts_ : list of ndarray
        The weights (K, N) and biases (N,) of each layer. Writing to them, or replacing them,
        changes the predictions.
    loss_ : float
        The loss of the latest epoch.
    best_loss_ : float or None
        The lowest loss of an epoch; None where a validation score is what counts.
    loss_curve_ : list of float
        The loss of each epoch; not with 'lbfgs'.
    validation_scores_ : list of float or None
        The validation score after each epoch, with `early_stopping` or an `eval_set`.
    best_validation_score_ : float or None
        The highest of them.
    t_ : int
        The number of rows seen in training.
    n_iter_ : int
        The number of epochs, or iterations of 'lbfgs', of the latest fit.
    n_layers_, n_outputs_ : int
        The number of layers, the inputs among them, and of raw outputs.
    out_activation_ : str
        What takes raw outputs to predictions: 'identity', 'exp', 'logistic' or 'softmax'.
    n_features_in_ : int
        The number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if they have all strings as such.
    network_ : briskmlp.MLP
        The network itself, not a copy.""",
}


def documented(kind: Class) -> Class:
    """Put the shared paragraphs in their places, marked by their names in angle brackets."""
    text = kind.__doc__ or ""
    for name, paragraph in SHARED.items():
        text = text.replace(f"<{name}>", paragraph)
    kind.__doc__ = text
    return kind
