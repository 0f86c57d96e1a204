"""The optimizers, as frozen settings validated on construction.

`MLP.fit` carries out the rule they name; `briskmlp.reference.optimizers` is where each rule can be
read.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from . import _checks
from ._lbfgs import LBFGS
from ._names import unknown_name
from ._optimizer import Optimizer

if TYPE_CHECKING:
    from .schedules import Schedule


@dataclass(frozen=True, repr=False)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked for.

    Parameters
    ----------
    learning_rate
        Length of a step as a multiple of the gradient; positive, or a schedule.
    momentum
        Share of the previous step that the next one keeps, in [0, 1). Default 0.
    nesterov
        Take the gradient's step beyond the momentum's (Sutskever et al. 2013); needs momentum.
    weight_decay, l1, clip, groups
        As for every `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9)
    SGD(0.1, momentum=0.9)
    >>> SGD(-1)
    Traceback (most recent call last):
    ValueError: SGD: learning_rate must be positive, got -1.0
    """

    kind: ClassVar[str] = "sgd"

    learning_rate: float | Schedule
    _: KW_ONLY
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.below_one(self, "momentum")
        _checks.boolean(self, "nesterov")
        if self.nesterov and self.momentum == 0:
            must = "be above 0 for nesterov"
            raise ValueError(_checks.message(self, "momentum", must, self.momentum))


@dataclass(frozen=True, repr=False)
class Moments(Optimizer):
    """An optimizer with running means."""

    learning_rate: float | Schedule = 1e-3
    _: KW_ONLY
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.betas(self)
        _checks.positive(self, "eps")


@dataclass(frozen=True, repr=False)
class Adam(Moments):
    """Adam (Kingma and Ba 2015): steps scaled by running moments of the gradient.

    Parameters
    ----------
    learning_rate
        About the largest change of a parameter in one step; positive, or a schedule. Default 0.001.
    betas
        How much of the running mean of the gradient, and of its square, a step keeps; each in
        [0, 1). Default (0.9, 0.999).
    eps
        Added to the root of the mean square, so that nothing is divided by zero; positive. Default
        1e-8.
    weight_decay, l1, clip, groups
        As for every `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of its range.

    Examples
    --------
    >>> Adam(3e-4).betas
    (0.9, 0.999)
    >>> import briskmlp as bm
    >>> bm.Adam(3e-4, clip=bm.ClipNorm(1))
    Adam(0.0003, clip=ClipNorm(1.0))
    """

    kind: ClassVar[str] = "adam"


@dataclass(frozen=True, repr=False)
class AdamW(Moments):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Parameters
    ----------
    learning_rate, betas, eps, l1, clip, groups
        As for `Adam`.
    weight_decay
        Every step first shrinks the parameters by the factor 1 - learning_rate * weight_decay,
        whatever the gradient. Default 0.01.

    Examples
    --------
    >>> AdamW(weight_decay=0.1)
    AdamW(weight_decay=0.1)
    """

    kind: ClassVar[str] = "adamw"

    _: KW_ONLY
    weight_decay: float = 0.01


@dataclass(frozen=True, repr=False)
class NAdam(Moments):
    """Adam with Nesterov's look ahead (Dozat 2016): the newest gradient counts at once.

    Parameters
    ----------
    learning_rate
        As for `Adam`. Default 0.002.
    betas, eps, weight_decay, l1, clip, groups
        As for `Adam`. The first beta rises to its value as 1 - 0.96 ** (0.004 * step) / 2.

    Examples
    --------
    >>> NAdam().learning_rate
    0.002
    """

    kind: ClassVar[str] = "nadam"

    learning_rate: float | Schedule = 2e-3


@dataclass(frozen=True, repr=False)
class RAdam(Moments):
    """Adam with short steps until the mean square can be trusted (Liu et al. 2020).

    Parameters
    ----------
    learning_rate, betas, eps, weight_decay, l1, clip, groups
        As for `Adam`.

    Examples
    --------
    >>> RAdam()
    RAdam()
    """

    kind: ClassVar[str] = "radam"


@dataclass(frozen=True, repr=False)
class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square (Tieleman and Hinton 2012).

    Parameters
    ----------
    learning_rate
        As for `Adam`. Default 0.01.
    alpha
        How much of the running mean square a step keeps, in [0, 1). Default 0.99.
    eps
        Added to the root; positive. Default 1e-8.
    momentum
        Share of the previous step that the next one keeps, in [0, 1). Default 0.
    weight_decay, l1, clip, groups
        As for every `Optimizer`.

    Examples
    --------
    >>> RMSprop(0.001, momentum=0.9)
    RMSprop(0.001, momentum=0.9)
    """

    kind: ClassVar[str] = "rmsprop"

    learning_rate: float | Schedule = 1e-2
    _: KW_ONLY
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.below_one(self, "alpha", "momentum")
        _checks.positive(self, "eps")

    def _own(self) -> dict[str, Any]:
        own = super()._own()
        return own | {"betas": (0.0, own.pop("alpha"))}


@dataclass(frozen=True, repr=False)
class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all squares so far (Duchi et al. 2011).

    Parameters
    ----------
    learning_rate
        As for `Adam`. Default 0.01.
    eps
        Added to the root; positive. Default 1e-10.
    weight_decay, l1, clip, groups
        As for every `Optimizer`.

    Examples
    --------
    >>> Adagrad(0.1)
    Adagrad(0.1)
    """

    kind: ClassVar[str] = "adagrad"

    learning_rate: float | Schedule = 1e-2
    _: KW_ONLY
    eps: float = 1e-10

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.positive(self, "eps")


@dataclass(frozen=True, repr=False)
class Lion(Optimizer):
    """Steps of one length along the sign of the momentum (Chen et al. 2023).

    Parameters
    ----------
    learning_rate
        The change of every parameter in one step, a third to a tenth of Adam's; positive, or a
        schedule. Default 0.0001.
    betas
        How much the old momentum counts in the step's direction, and how much of it a step keeps;
        each in [0, 1). Default (0.9, 0.99).
    weight_decay
        Decoupled, as for `AdamW`. Default 0.
    l1, clip, groups
        As for every `Optimizer`.

    Examples
    --------
    >>> Lion(weight_decay=1)
    Lion(weight_decay=1.0)
    """

    kind: ClassVar[str] = "lion"

    learning_rate: float | Schedule = 1e-4
    _: KW_ONLY
    betas: tuple[float, float] = (0.9, 0.99)

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.betas(self)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    cls.kind: cls for cls in (SGD, Adam, AdamW, NAdam, RAdam, RMSprop, Adagrad, Lion)
}


def optimizer_of(optimizer: object) -> Optimizer | LBFGS:
    """An optimizer as given, by its name, or for None: `Adam()`."""
    if optimizer is None:
        return Adam()
    if isinstance(optimizer, (Optimizer, LBFGS)):
        return optimizer
    if not isinstance(optimizer, str):
        kinds = ", ".join(cls.__name__ for cls in (*OPTIMIZERS.values(), LBFGS))
        raise TypeError(f"optimizer must be one of {kinds}, or a name, got {optimizer!r}")
    if optimizer == "lbfgs":
        return LBFGS()
    if optimizer not in OPTIMIZERS:
        raise ValueError(unknown_name("optimizer", optimizer, [*OPTIMIZERS, "lbfgs"]))
    if optimizer == "sgd":
        raise ValueError("optimizer 'sgd' needs a learning rate: pass SGD(learning_rate)")
    return OPTIMIZERS[optimizer]()
