"""What can be learnt about a network: how fast it runs, what it looks at, what ails it."""

from __future__ import annotations

from collections.abc import Callable

from numpy.typing import ArrayLike

from . import _validate
from ._differentiable import Differentiable
from ._explain import Explanation, explain
from ._history import History
from ._training import rows_per_step


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
