"""What is minimised: scikit-learn's names of losses and links, and how they relate to the core's.

The core's losses are means over a row's targets. scikit-learn's are sums over them, but for the
squared error, whose value is half the mean and whose gradient is that of half the sum.
"""

from __future__ import annotations

from typing import NamedTuple

from .. import _briskmlp_core as core
from .._loss_settings import CrossEntropy, Focal, Huber, Loss, Quantile, Tweedie

# Of regression: the core's loss and the link, by the name of the estimators' parameter.
REGRESSION: dict[str, tuple[str, str]] = {
    "squared_error": ("mse", "identity"),
    "poisson": ("poisson", "exp"),
    "absolute_error": ("mae", "identity"),
    "huber": ("huber", "identity"),
    "log_cosh": ("log_cosh", "identity"),
    "quantile": ("quantile", "identity"),
    "gaussian_nll": ("gaussian_nll", "identity"),
    "gamma": ("gamma", "exp"),
    "tweedie": ("tweedie", "exp"),
}
REGRESSION_SETTINGS = (Huber, Quantile, Tweedie)
CLASS_SETTINGS = (CrossEntropy, Focal)


class Factors(NamedTuple):
    """By what to multiply the core's loss, and its gradient, to have scikit-learn's."""

    value: float
    gradient: float


def regression(loss: object) -> tuple[Loss, str]:
    """The core's loss and the link of a regressor's `loss`."""
    if isinstance(loss, Tweedie):
        return loss, "exp"
    if isinstance(loss, REGRESSION_SETTINGS):
        return loss, "identity"
    return REGRESSION[str(loss)]


def outputs_per_target(loss: Loss) -> int:
    """How many raw outputs a target of a regressor has."""
    if loss == "quantile":
        return len(Quantile().levels)
    if isinstance(loss, Quantile):
        return len(loss.levels)
    return 2 if loss == "gaussian_nll" else 1


def factors(network: core.Network) -> Factors:
    """How scikit-learn's loss and gradient compare with those of a network."""
    targets = float(network.target_cols)
    if network.loss == "mse":
        return Factors(0.5, targets / 2)
    if network.loss in ("cross_entropy", "focal"):
        return Factors(1.0, 1.0)
    return Factors(targets, targets)
