"""Training with L-BFGS: whole data set, curvature from the latest steps, SciPy's line search."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from . import _briskmlp_core as core
from . import _checks
from ._algorithm import EpochReport, FitOutcome, OnEpoch, Outcome, Report
from ._datasets import Dataset
from ._layers import split
from ._optimizer import ALL_ALIKE, ParameterGroups, Settings, layer_rates
from ._own_loss import OwnLoss
from ._state import build_like, num_parameters
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
        Whether the penalties take the biases too. Default True.
    l1
        L1 penalty: this multiple of the parameters' sizes is added to the loss, which makes many of
        them 0. Default 0.
    groups
        `ParameterGroups`, whose `layer_rates` are 0 for layers that stay as they are and 1 for
        others: there is no rate to multiply. Default: all layers learn.

    Raises
    ------
    TypeError, ValueError
        If a setting has the wrong type, or is out of its range; from `fit`, if it is told of
        batches, `batches_per_step`, `average`, dropout or noise, or the loss is not finite to begin
        with.
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
    l1: float = 0.0
    groups: ParameterGroups = ALL_ALIKE

    def __post_init__(self) -> None:
        _checks.not_negative(self, "tolerance", "weight_decay", "l1")
        _checks.boolean(self, "decay_biases")
        object.__setattr__(self, "memory", positive_int(self.memory, "LBFGS: memory"))
        if not isinstance(self.groups, ParameterGroups):
            raise TypeError(_checks.message(self, "groups", "be ParameterGroups", self.groups))
        rates = self.groups.layer_rates
        if rates is not None and (not {0.0, 1.0}.issuperset(rates) or not any(rates)):
            must = "have layer_rates of 0 and 1, not all 0: it has no rate to multiply"
            raise ValueError(_checks.message(self, "groups", must, rates))

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
        for name, value, default in (
            ("batches_per_step", batches_per_step, 1),
            ("average", average, 0),
            ("batch_norm", batch_norm, False),
        ):
            if value != default:
                raise ValueError(f"{name} is {value}, LBFGS takes {default} only")
        for name, values in (("dropout", dropout), ("input_noise", noise)):
            if values:
                raise ValueError(
                    f"LBFGS takes no {name}: it compares losses, which must not change by chance"
                )


class Variables:
    """What SciPy minimises by: parameters that learn, those with an L1 penalty in two parts.

    The size of p is the least u + v with p = u - v and neither negative: smooth, but for bounds.

    Attributes
    ----------
    bounds
        The lower and the upper bound of each; None if there are none.
    """

    def __init__(self, settings: LBFGS, sizes: Sequence[int]) -> None:
        learn = np.ones(num_parameters(list(sizes)), bool)
        penalized = learn.copy()
        layers = len(sizes) - 1
        rates = layer_rates(settings.groups, layers) or [1.0] * layers
        for weights, biases, rate in zip(*split(learn, sizes), rates, strict=True):
            weights[...] = biases[...] = rate
        if not (settings.decay_biases and settings.groups.decay_biases):
            for biases in split(penalized, sizes)[1]:
                biases[...] = False
        self._learn = np.flatnonzero(learn)
        self._decay = np.where(penalized[self._learn], settings.weight_decay, 0.0)
        self._l1 = settings.l1
        in_two = penalized[self._learn] & (settings.l1 > 0)
        self._in_two = np.flatnonzero(in_two)  # of those that learn
        self.bounds: list[tuple[float | None, None]] | None = None
        if in_two.any():
            lower = [0.0 if two else None for two in in_two] + [0.0] * len(self._in_two)
            self.bounds = [(low, None) for low in lower]

    def of(self, parameters: Array) -> Array:
        """The variables that stand for parameters (P,)."""
        p = parameters[self._learn].astype("f8")
        parts = p[self._in_two]
        p[self._in_two] = np.maximum(parts, 0)
        return np.append(p, np.maximum(-parts, 0))

    def write(self, x: Array, parameters: Array) -> None:
        """Let parameters (P,) be what the variables stand for."""
        with np.errstate(over="ignore"):
            parameters[self._learn] = self._learning(x)

    def penalty(self, x: Array) -> float:
        """What is added to the loss."""
        parts = float(x[self._in_two].sum() + x[len(self._learn) :].sum())
        return 0.5 * float(self._decay @ self._learning(x) ** 2) + self._l1 * parts

    def gradient(self, x: Array, gradient: Array) -> Array:
        """The gradient of loss and penalty, from that of the loss by the parameters (P,)."""
        by_p = gradient[self._learn] + self._decay * self._learning(x)
        by_v = self._l1 - by_p[self._in_two]
        by_p[self._in_two] += self._l1
        return np.append(by_p, by_v)

    def _learning(self, x: Array) -> Array:
        p = x[: len(self._learn)].copy()
        p[self._in_two] -= x[len(self._learn) :]
        return p


class Minimisation:
    """At most so many iterations of `LBFGS`, as `fit` carries them out."""

    has_schedule = False

    def __init__(
        self,
        settings: LBFGS,
        sizes: Sequence[int],
        iterations: int,
        loss: OwnLoss | None = None,
    ) -> None:
        try:
            from scipy.optimize import minimize
        except ImportError as error:
            raise ImportError("LBFGS needs SciPy: pip install 'briskmlp[lbfgs]'") from error
        self.settings, self._iterations, self._minimize = settings, iterations, minimize
        self.variables, self._loss = Variables(settings, sizes), loss

    def run(
        self,
        network: core.Network,
        data: Dataset,
        eval_data: Dataset | None,
        on_epoch: OnEpoch | None,
    ) -> Outcome:
        search = _Search(self, network, data, eval_data, on_epoch)
        try:
            while search.goes_on and len(search.reports) < self._iterations:
                search.goes_on = False  # unless someone changes the parameters
                self._minimize(
                    search.objective,
                    self.variables.of(network.parameters),
                    method="L-BFGS-B",
                    jac=True,
                    bounds=self.variables.bounds,
                    callback=search.step_done,
                    options={
                        "maxiter": self._iterations - len(search.reports),
                        "maxfun": 10**9,
                        "maxcor": self.settings.memory,
                        "gtol": self.settings.tolerance,
                        "ftol": 0.0,
                    },
                )
        except BaseException as error:  # Ctrl-C among them: `fit` raises it
            search.error = error
        epochs = len(search.reports)
        return FitOutcome(search.reports, epochs, 1, False, search.error)

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


class _Search:
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
        self.trial.parameters[...] = network.parameters
        self.reports: list[Report] = []
        self.error: BaseException | None = None
        self.goes_on = True
        self.latest = time.perf_counter()
        self.started = False

    def objective(self, x: Array) -> tuple[float, Array]:
        """Loss with the penalty, and its gradient."""
        variables = self.task.variables
        variables.write(x, self.trial.parameters)
        loss, gradient = self.task.gradients(self.trial, self.data)
        if not math.isfinite(loss) and not self.started:
            raise ValueError(f"the loss is {loss} to begin with; scale the data")
        self.started = True
        return loss + variables.penalty(x), variables.gradient(x, gradient)

    def step_done(self, intermediate_result: Any) -> None:
        """SciPy has finished a step; StopIteration ends its work."""
        x = intermediate_result.x
        parameters = self.network.parameters
        self.task.variables.write(x, parameters)
        loss = intermediate_result.fun - self.task.variables.penalty(x)
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
