"""What can be learnt about a network: how fast it runs, what it looks at, what ails it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from . import _validate
from ._differentiable import Differentiable
from ._history import History
from ._state import MAX_SEED
from ._validate import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ._check import Checkup
    from ._explain import Explanation
    from ._find_lr import RateTest
    from ._importance import Importance
    from ._optimizer import Optimizer
    from ._summary import Summary


class Inspectable(Differentiable):
    """Adds views from outside. Some of them train a copy.

    What they need is imported when it is used, which keeps the import of the package short.
    """

    fit: Callable[..., History]  # `MLP` has it

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
        >>> import numpy as np
        >>> import briskmlp as bm
        >>> net = bm.MLP([64, 64, 10], loss="cross_entropy", seed=0)
        >>> plan = net.explain(np.zeros((1000, 64)), batch_size=32, measure=False)
        >>> plan.plan, plan.batch_size, plan.flops
        ('sharded', 32, 647168.0)
        """
        from ._explain import explain
        from ._training import rows_per_step

        x = _validate.rows(X, "X", self._network)
        return explain(self, x, rows_per_step(batch_size, len(x)), measure)

    def layer_outputs(self, X: ArrayLike) -> list[Array]:
        """What each layer makes of the inputs and passes on to the next one.

        That is after its activation and, if there are any, its residual connection and its norm.

        Parameters
        ----------
        X
            Rows (M, in), or one row (in,).

        Returns
        -------
        list of ndarray
            One a layer: (M, N) for N units, or (N,) for one row. The last is ``net(X)``.

        Examples
        --------
        >>> import briskmlp as bm
        >>> net = bm.MLP([2, 2, 1], init="zeros")
        >>> net.weights[0] = [[1, 0], [0, 1]]
        >>> net.layer_outputs([3, -4])
        [array([3., 0.], dtype=float32), array([0.], dtype=float32)]
        """
        from ._layerwise import passes

        x = _validate.inputs(X, "X", self._network)
        steps = passes(self._network, np.atleast_2d(x))
        return [step.passed_on.reshape(*x.shape[:-1], -1) for step in steps]

    def summary(self, batch_size: int = 128) -> Summary:
        """Layers, shapes, parameters, arithmetic and memory.

        Parameters
        ----------
        batch_size
            Rows in a batch, for its memory. Default 128.

        Returns
        -------
        Summary
            Printed, it is a table.

        Examples
        --------
        >>> import briskmlp as bm
        >>> bm.MLP([784, 128, 10], loss="cross_entropy").summary()
        MLP, loss cross_entropy, float32
        layer  shape      activation  parameters  FLOP a row  bytes a row
        1      784 → 128  relu           100,480     200,704          512
        2      128 → 10   identity         1,290       2,560           40
        all                              101,770     203,264          552
        parameters  407 kB
        a row       203 kFLOP to predict, 409 kFLOP to train on
        a batch     of 128 rows: 472 kB of inputs and outputs
        """
        from ._summary import summary

        return summary(self, _validate.positive_int(batch_size, "batch_size"))

    def permutation_importance(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        repeats: int = 5,
        seed: int = 0,
        sample_weight: ArrayLike | None = None,
    ) -> Importance:
        """By how much the loss rises when a column of X is in random order (Breiman 2001).

        Columns that tell the same share what they are worth, and each may seem to be worth little.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`; best rows that the network was not trained on.
        repeats
            Orders for each column. Default 5.
        seed
            Of the orders, at least 0. Default 0.

        Returns
        -------
        Importance
            ``mean`` and ``std`` by column, (in,); each repeat's ``increases``, (in, repeats); and
            the ``loss`` before.

        Examples
        --------
        >>> import briskmlp as bm
        >>> net = bm.MLP([2, 1], init="zeros")
        >>> net.weights[0] = [[1], [0]]
        >>> X = np.random.default_rng(0).normal(size=(100, 2))
        >>> importance = net.permutation_importance(X, X[:, 0])
        >>> bool(importance.mean[0] > 1), float(importance.mean[1])
        (True, 0.0)
        """
        from ._importance import permutation_importance

        data = self._dataset(X, y, sample_weight)
        repeats = _validate.positive_int(repeats, "repeats")
        seed = _validate.whole_number(seed, "seed", 0, MAX_SEED)
        return permutation_importance(self._network, data, repeats, seed)

    def check(
        self, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None
    ) -> Checkup:
        """Look for what may keep the network from learning, and say what to do about it.

        Found are inputs and targets that are not scaled, columns that are constant, rare classes,
        units that are dead or saturated, gradients that vanish or explode, signs of overfitting or
        of too long steps in the latest `history`. A copy of the network is trained on 2048 of the
        rows, at most, with several learning rates.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        Checkup
            Printed, it is a report. ``findings`` has a ``kind``, ``what`` and ``advice`` each.

        Examples
        --------
        >>> import briskmlp as bm
        >>> X = np.random.default_rng(0).normal(size=(500, 2)) * [1, 40]
        >>> net = bm.MLP([2, 8, 1], seed=0)
        >>> print(net.check(X, X[:, 0]))
        1 finding
        scale of X
          Column 1 of X: far from 0 or widely spread. In column 1 the mean is -0.33 and the
          standard deviation 38.7.
          Train with fit(..., standardize=True), which scales them.
        learning rate
          of rates from 0.0001 to 0.1 try Adam(...): in one pass it lowers the loss ...
        """
        from ._check import check

        return check(self, self._dataset(X, y, sample_weight))

    def find_lr(  # noqa: PLR0913 - all but the data have defaults
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        optimizer: Optimizer | str | None = None,
        low: float = 1e-6,
        high: float = 10.0,
        steps: int = 200,
        batch_size: int | None = None,
        batch_norm: bool = False,
        standardize: bool = False,
        sample_weight: ArrayLike | None = None,
    ) -> RateTest:
        """Look for a good learning rate: raise it batch by batch (Smith 2015).

        A copy of the network is trained, on a random part of the rows if that will do.

        Parameters
        ----------
        X, y, batch_size, batch_norm, standardize, sample_weight
            As for `fit`.
        optimizer
            As for `fit`; its own learning rate does not matter. Default `Adam()`.
        low, high
            The first learning rate and the last one. Default 1e-6 and 10.
        steps
            Number of batches, and of rates, at least 10. Default 200.

        Returns
        -------
        RateTest
            ``rates``, ``losses``, a ``suggestion``, and ``plot()``. The suggestion is a fifth of
            the rate where the loss is lowest: a start for trying half and double.

        Raises
        ------
        TypeError, ValueError
            If an argument does not fit, or the loss is finite for almost no rate.

        Examples
        --------
        >>> import briskmlp as bm
        >>> X = np.random.default_rng(0).normal(size=(2000, 4))
        >>> net = bm.MLP([4, 32, 1], seed=0)
        >>> found = net.find_lr(X, X[:, 0] * X[:, 1])
        >>> 1e-4 < found.suggestion < 0.3
        True
        >>> history = net.fit(X, X[:, 0] * X[:, 1], optimizer=bm.Adam(found.suggestion))
        """
        from ._find_lr import find_lr
        from ._optimizers import optimizer_of

        return find_lr(
            self,
            self._dataset(X, y, sample_weight),
            optimizer_of(optimizer),
            low=_validate.real_number(low, "low"),
            high=_validate.real_number(high, "high"),
            steps=_validate.positive_int(steps, "steps"),
            batch_size=batch_size,
            batch_norm=_validate.batch_norm(batch_norm, len(self.sizes) - 2, self.norm),
            standardize=_validate.boolean(standardize, "standardize"),
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the layers with their units and weights.

        Short for `briskmlp.plots.network`, which see; its neighbours draw what the network
        predicts. Needs matplotlib.
        """
        from . import plots

        return plots.network(self, ax)
