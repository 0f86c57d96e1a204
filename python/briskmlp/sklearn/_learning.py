"""A fit as scikit-learn counts it: epochs, their figures, when to stop, and the next rate."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.optimize import _check_optimize_result

from .._validate import dropout
from ._following import Followers
from ._lbfgs import minimise
from ._parameters import STOCHASTIC_SOLVERS
from ._stochastic import Rows, SolverSettings, StochasticSolver
from ._validation import Validation

SMALLEST_RATE = 1e-6  # at which "adaptive" gives up


def begin_figures(estimator: Any, *, anew: bool, validated: bool) -> None:
    """Set the figures of a training that starts, or those that one which goes on lacks."""
    have = vars(estimator)
    stochastic = estimator.solver in STOCHASTIC_SOLVERS
    if anew or "t_" not in have:
        estimator.n_iter_ = estimator.t_ = 0
    if anew or "loss_" not in have:
        estimator.loss_ = math.nan
    if stochastic and (anew or "loss_curve_" not in have):
        estimator.loss_curve_ = []
    fits = "best_loss_" in have and (have.get("validation_scores_") is not None) == validated
    if (stochastic or validated) and (anew or not fits):
        estimator._no_improvement_count = 0
        estimator.validation_scores_ = [] if validated else None
        estimator.best_validation_score_ = -np.inf if validated else None
        estimator.best_loss_ = None if validated else np.inf


class Learning:
    """One call of `fit` or `partial_fit`, once there are a network and data."""

    def __init__(
        self,
        estimator: Any,
        dataset: Rows,
        validation: Validation | None,
        followers: Followers,
        *,
        incremental: bool,
    ) -> None:
        self.estimator, self.dataset, self.validation = estimator, dataset, validation
        self.followers, self.incremental = followers, incremental
        self.rows = len(dataset[1])
        self.ended = False  # by who follows, or for want of progress

    def run(self) -> None:
        """Train, by the solver that was asked for."""
        if self.estimator.solver in STOCHASTIC_SOLVERS:
            self.descend()
        else:
            self.minimise()

    def end_before_it_begins(self) -> None:
        """Train for no epoch at all, as one who follows asked for."""
        self.estimator.n_iter_ = 0

    def descend(self) -> None:
        """Train by "adam" or "sgd"."""
        est = self.estimator
        if not self.incremental or not hasattr(est, "_optimizer"):
            est._optimizer = StochasticSolver(est._net._network, solver_settings(est))
        est._optimizer.set_alpha(float(est.alpha))
        batch_size = self._batch_size()
        est.n_iter_ = 0
        try:
            est._optimizer.run(
                self.dataset,
                batch_size=batch_size,
                epochs=1 if self.incremental else est.max_iter,
                order=self._order(),
                on_epoch=self._epoch_done,
            )
        except FloatingPointError:
            self._diverged()
        except KeyboardInterrupt:
            self.ended = True
            warnings.warn("Training interrupted by user.", stacklevel=2)
        self._restore_best()
        if not self.ended and not self.incremental:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({est.max_iter}) reached and the "
                f"optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )

    def minimise(self) -> None:
        """Train by "lbfgs"."""
        est = self.estimator
        est.n_iter_ = 0
        followed = self.validation is not None or self.followers
        result = minimise(
            est._net._network,
            self.dataset,
            alpha=est.alpha,
            threads=est.n_threads,
            on_step=self._step_done if followed else None,
            maxfun=est.max_fun,
            maxiter=est.max_iter,
            gtol=est.tol,
        )
        est.loss_ = result.fun
        self._restore_best()
        if self.ended:
            est.n_iter_ = result.nit
        else:
            est.n_iter_ = _check_optimize_result("lbfgs", result, est.max_iter)

    def _batch_size(self) -> int:
        size = self.estimator.batch_size
        if isinstance(size, str):
            return min(200, self.rows)
        if size > self.rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be "
                "clipped",
                stacklevel=2,
            )
        return min(int(size), self.rows)

    def _order(self) -> Callable[[], NDArray[np.uint32] | None]:
        """What gives each epoch its order of the rows: a shuffle of the one before."""
        numbers = np.arange(self.rows, dtype=np.uint32) if self.estimator.shuffle else None

        def next_order() -> NDArray[np.uint32] | None:
            self.followers.epoch_begins()
            if numbers is not None:
                self.estimator._random_state.shuffle(numbers)
            return numbers

        return next_order

    def _epoch_done(self, loss: float) -> bool:
        """Take down an epoch of "adam" or "sgd"; true ends the training."""
        est = self.estimator
        est.n_iter_ += 1
        est.loss_ = loss
        est.t_ += self.rows
        est.loss_curve_.append(loss)
        self._say(f"Iteration {est.n_iter_}, loss = {loss:.8f}")
        score = self._scored()
        if self.validation is None:
            self._judge_loss(loss)
        stop = self.followers.epoch_done(loss, score)
        if est.solver == "sgd" and est.learning_rate == "invscaling":
            rate = float(est.learning_rate_init) / (est.t_ + 1) ** est.power_t
            est._optimizer.learning_rate = rate
        self.ended = self._stalled() or stop
        return self.ended

    def _diverged(self) -> None:
        """Take down an epoch without finite numbers; further ones would have none either."""
        self.estimator._net.parameters[...] = np.nan
        self._epoch_done(math.nan)
        self.ended = True
        if self.validation is not None:  # or there is nothing to go back to, which is an error
            warnings.warn(
                f"The loss is not finite any more after {self.estimator.n_iter_} epochs; a lower "
                f"learning rate may help.",
                ConvergenceWarning,
                stacklevel=2,
            )

    def _step_done(self, loss: float) -> bool:
        """Take down an iteration of "lbfgs"; true ends the training."""
        est = self.estimator
        est.n_iter_ += 1
        est.loss_ = loss
        score = self._scored()
        stop = self.followers.epoch_done(loss, score)
        stalled = self.validation is not None and est._no_improvement_count > est.n_iter_no_change
        self.ended = stop or stalled
        return self.ended

    def _scored(self) -> float:
        """The score of an epoch on the validation set, taken down; NaN without one."""
        if self.validation is None:
            return math.nan
        est, score = self.estimator, self.validation.score()
        est.validation_scores_.append(score)
        self._say(f"Validation score: {score:f}")
        if score < est.best_validation_score_ + est.tol:
            est._no_improvement_count += 1
        else:  # NaN among them
            est._no_improvement_count = 0
        if score > est.best_validation_score_:
            est.best_validation_score_ = score
            self.validation.keep()
        return score

    def _judge_loss(self, loss: float) -> None:
        est = self.estimator
        if loss > est.best_loss_ - est.tol:
            est._no_improvement_count += 1
        else:
            est._no_improvement_count = 0
        est.best_loss_ = min(est.best_loss_, loss)  # which passes over NaN

    def _stalled(self) -> bool:
        """Whether too many epochs in a row were no better, and no smaller rate is left to try."""
        est = self.estimator
        if est._no_improvement_count <= est.n_iter_no_change:
            return False
        figure = "Training loss" if self.validation is None else "Validation score"
        message = (
            f"{figure} did not improve more than tol={est.tol:f} for "
            f"{est.n_iter_no_change} consecutive epochs."
        )
        if est.solver != "sgd" or est.learning_rate != "adaptive":
            self._say(f"{message} Stopping.")
            return True
        if est._optimizer.learning_rate <= SMALLEST_RATE:
            self._say(f"{message} Learning rate too small. Stopping.")
            return True
        est._optimizer.learning_rate /= 5.0
        self._say(f"{message} Setting learning rate to {est._optimizer.learning_rate:f}")
        est._no_improvement_count = 0
        return False

    def _restore_best(self) -> None:
        if self.validation is not None:
            self.validation.restore()

    def _say(self, text: str) -> None:
        verbose = self.estimator.verbose
        if verbose and not isinstance(verbose, str):
            print(text)  # noqa: T201 - as scikit-learn does


def solver_settings(est: Any) -> SolverSettings:
    """The settings of "adam" or "sgd" that an estimator's parameters ask for."""
    shares = dropout(est.dropout, len(est._net.sizes) - 2)
    return SolverSettings(
        solver=est.solver,
        learning_rate_init=float(est.learning_rate_init),
        momentum=float(est.momentum),
        nesterovs_momentum=bool(est.nesterovs_momentum),
        beta_1=float(est.beta_1),
        beta_2=float(est.beta_2),
        epsilon=float(est.epsilon),
        alpha=float(est.alpha),
        dropout=shares,
        weight_decay=float(est.weight_decay),
        threads=est.n_threads,
        # Drawn only where it is needed: scikit-learn's draws are to stay as they are.
        seed=est._random_state.randint(2**31) if shares else 0,
    )
