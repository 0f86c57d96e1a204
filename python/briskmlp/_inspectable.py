"""What can be learnt about a network: how fast it runs, what it looks at, what ails it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from . import _validate
from ._differentiable import Differentiable
from ._explain import Explanation, explain
from ._history import History
from ._layerwise import layer_outputs
from ._training import rows_per_step
from ._validate import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Inspectable(Differentiable):
    """Adds views from outside. Some of them train a copy."""

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
        x = _validate.rows(X, "X", self._network)
        return explain(self, x, rows_per_step(batch_size, len(x)), measure)

    def layer_outputs(self, X: ArrayLike) -> list[Array]:
        """What each layer makes of the inputs, after its activation.

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
        x = _validate.inputs(X, "X", self._network)
        outputs = layer_outputs(self._network, np.atleast_2d(x))
        return [output.reshape(*x.shape[:-1], -1) for output in outputs]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the layers with their units and weights.

        Short for `briskmlp.plots.network`, which see; its neighbours draw what the network
        predicts. Needs matplotlib.
        """
        from . import plots

        return plots.network(self, ax)
