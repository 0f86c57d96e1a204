"""Training with L-BFGS: whole data set, curvature from the latest steps, SciPy's line search."""

from __future__ import annotations

import math
import time
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from . import _briskmlp_core as core
from . import _checks
from ._algorithm import EpochReport, FitOutcome, OnEpoch, Outcome, Report
from ._datasets import Dataset
from ._layers import split
from ._optimizer import Settings
from ._own_loss import OwnLoss
from ._state import build_like
from ._validate import Array, positive_int


@dataclass(frozen=True, repr=False)
class LBFGS(Settings):
    """L-BFGS (Liu and Nocedal 1989), for small data: needs no learning rate, and SciPy.

    An epoch is an iteration: a step along a direction of descent, found with one to a few looks at
    all rows. In the history its loss is the one after the step, without the penalty. A fit ends
    early when the gradient is small, or rounding lets no further step succeed.

    Parameters
    ----------
    tolerance
        The gradient is small when no entry is larger than this; not negative. Default 1e-5.
    memory
        How many earlier steps to infer the curvature from. Default 10.
    weight_decay
        L2 penalty: half of this multiple of the parameters' squares is added to the loss. Default
        0.
    decay_biases
        Whether the penalty takes the biases too. Default True.

    Raises
    ------
    TypeError, ValueError
        If a setting has the wrong type, or is out of its range; from `fit`, if it is told of
        batches, `batches_per_step` or `average`, or the loss is not finite to begin with.
    ImportError
        From `fit`, if SciPy is not installed.

    Examples
    --------
    >>> import briskmlp as bm
    >>> X = np.linspace(-1, 1, 50)[:, np.newaxis]
    >>> net = bm.MLP([1, 8, 1], "tanh", dtype="float64", seed=0)
    >>> history = net.fit(X, np.sin(3 * X), epochs=200, optimizer=bm.LBFGS())
    >>> bool(history["loss"][-1] < 1e-4)
    True
    """

    _: KW_ONLY
    tolerance: float = 1e-5
    memory: int = 10
    weight_decay: float = 0.0
    decay_biases: bool = True

    def __post_init__(self) -> None:
        _checks.not_negative(self, "tolerance", "weight_decay")
        _checks.boolean(self, "decay_biases")
        object.__setattr__(self, "memory", positive_int(self.memory, "LBFGS: memory"))

    def require_whole_batch(
        self,
        batch_size: int | None,
        rows: int,
        batches_per_step: int,
        average: float,
        dropout: list[float],
        noise: list[float],
        batch_norm: bool,
    ) -> None:
        """Raise ValueError for arguments of `fit` that are about minibatches."""
        if batch_size is not None and positive_int(batch_size, "batch_size") != rows:
            raise ValueError(f"batch_size is {batch_size}, LBFGS takes all {rows} rows at once")
        if batch_norm:
            raise ValueError("batch_norm is True, LBFGS takes False only")
        for name, value, default in (
            ("batches_per_step", batches_per_step, 1),
            ("average", average, 0),
            ("dropout", dropout, []),
            ("input_noise", noise, []),
        ):
            if value != default:
                raise ValueError(f"{name} is {value}, LBFGS takes {default or 0} only")


class Minimisation:
    """At most so many iterations of `LBFGS`, as `fit` carries them out."""

    has_schedule = False

    def __init__(self, settings: LBFGS, iterations: int, loss: OwnLoss | None = None) -> None:
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise ImportError("LBFGS needs SciPy: pip install 'briskmlp[lbfgs]'") from error
        self.settings, self._iterations, self._minimize = settings, iterations, minimize
        self._loss = loss

    def run(
        self,
        network: core.Network,
        data: Dataset,
        eval_data: Dataset | None,
        on_epoch: OnEpoch | None,
    ) -> Outcome:
        descent = _Descent(self, network, data, eval_data, on_epoch)
        try:
            while descent.goes_on and len(descent.reports) < self._iterations:
                descent.goes_on = False  # unless someone changes the parameters
                self._minimize(
                    descent.objective,
                    network.parameters.astype("f8"),
                    method="L-BFGS-B",
                    jac=True,
                    callback=descent.step_done,
                    options={
                        "maxiter": self._iterations - len(descent.reports),
                        "maxfun": 10**9,
                        "maxcor": self.settings.memory,
                        "gtol": self.settings.tolerance,
                        "ftol": 0.0,
                    },
                )
        except BaseException as error:  # Ctrl-C among them: `fit` raises it
            descent.error = error
        epochs = len(descent.reports)
        return FitOutcome(descent.reports, epochs, 1, False, descent.error)

    def gradients(self, network: core.Network, data: Dataset) -> tuple[float, Array]:
        """The loss that is minimised, and its gradient (P,)."""
        own = self._loss
        return network.gradients(data) if own is None else own.gradients(network, data)

    def evaluate(self, network: core.Network, data: Dataset) -> tuple[float, float]:
        own = self._loss
        return network.evaluate(data) if own is None else own.evaluate(network, data)

    def learning_rate(self, epoch: int, step: int) -> float:  # noqa: ARG002 - the protocol's
        return math.nan

    def state(self) -> None:
        """None: SciPy keeps it to itself."""


class _Descent:
    """A minimisation that goes on: what SciPy calls, and whom that tells."""

    def __init__(
        self,
        task: Minimisation,
        network: core.Network,
        data: Dataset,
        eval_data: Dataset | None,
        on_epoch: OnEpoch | None,
    ) -> None:
        self.task = task
        self.network, self.data, self.eval_data = network, data, eval_data
        self.on_epoch = on_epoch
        # Where the line search looks; the network has finished steps only.
        self.trial = build_like(network)
        self.decay = np.full(network.parameters.size, task.settings.weight_decay)
        if not task.settings.decay_biases:
            for bias in split(self.decay, network.sizes)[1]:
                bias[...] = 0
        self.reports: list[Report] = []
        self.error: BaseException | None = None
        self.goes_on = True
        self.latest = time.perf_counter()
        self.started = False

    def objective(self, x: Array) -> tuple[float, Array]:
        """Loss with the penalty, and its gradient."""
        with np.errstate(over="ignore"):
            self.trial.parameters[...] = x
        loss, gradient = self.task.gradients(self.trial, self.data)
        if not math.isfinite(loss) and not self.started:
            raise ValueError(f"the loss is {loss} to begin with; scale the data")
        self.started = True
        total = loss + 0.5 * float(self.decay @ x**2)
        return total, gradient + self.decay * x

    def step_done(self, intermediate_result: Any) -> None:
        """SciPy has finished a step; StopIteration ends its work."""
        x = intermediate_result.x
        parameters = self.network.parameters
        parameters[...] = x
        loss = intermediate_result.fun - 0.5 * float(self.decay @ x**2)
        evaluation = (math.nan, math.nan)
        if self.eval_data is not None:
            evaluation = self.task.evaluate(self.network, self.eval_data)
        now = time.perf_counter()
        report = EpochReport(len(self.reports) + 1, loss, *evaluation, now - self.latest)
        self.latest = now
        self.reports.append(report)
        if self.on_epoch is None:
            return
        given = parameters.copy()
        if self.on_epoch(report):
            raise StopIteration
        if not np.array_equal(parameters, given):
            self.goes_on = True
            raise StopIteration
