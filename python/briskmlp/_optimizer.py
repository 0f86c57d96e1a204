"""What all optimizers have in common: their settings, checked, and how the core is told of them.

They hold no state. Defaults and order of the update are PyTorch's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from . import _briskmlp_core as core
from . import _checks

if TYPE_CHECKING:
    from .schedules import Schedule


class Settings:
    """Settings that print as the call that makes them, without what is left at its default."""

    def __repr__(self) -> str:
        positional, named = [], []
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if field.kw_only is True:
                named.append(f"{field.name}={value!r}")
            else:
                positional.append(repr(value))
        return f"{type(self).__name__}({', '.join(positional + named)})"


@dataclass(frozen=True, repr=False)
class ClipNorm(Settings):
    """Shorten each step's gradient to a norm, over all parameters together, of at most `limit`.

    (Pascanu, Mikolov and Bengio 2013.) The whole gradient has to be known before any parameter
    changes, which costs small networks some speed; `ClipValue` does not.

    >>> ClipNorm(1)
    ClipNorm(1.0)
    """

    limit: float

    def __post_init__(self) -> None:
        _checks.positive(self, "limit")


@dataclass(frozen=True, repr=False)
class ClipValue(Settings):
    """Limit each entry of a step's gradient to [-limit, limit].

    >>> ClipValue(0.5)
    ClipValue(0.5)
    """

    limit: float

    def __post_init__(self) -> None:
        _checks.positive(self, "limit")


@dataclass(frozen=True, repr=False)
class ParameterGroups(Settings):
    """What is different for some of the parameters.

    Parameters
    ----------
    layer_rates
        A factor of the learning rate for each layer, from the first on; 0 freezes it. Default: 1.
    decay_biases
        Whether weight decay and L1 take the biases too. Default True.

    Raises
    ------
    TypeError, ValueError
        If a setting has the wrong type, or a rate is negative.

    Examples
    --------
    >>> ParameterGroups(layer_rates=(0.1, 1), decay_biases=False)
    ParameterGroups(layer_rates=(0.1, 1.0), decay_biases=False)
    """

    _: KW_ONLY
    layer_rates: Sequence[float] | None = None
    decay_biases: bool = True

    def __post_init__(self) -> None:
        _checks.boolean(self, "decay_biases")
        rates = self.layer_rates
        if rates is None:
            return
        values = tuple(rates) if isinstance(rates, Iterable) else (rates,)
        if not isinstance(rates, Iterable) or not all(map(_checks.is_real, values)):
            raise TypeError(_checks.message(self, "layer_rates", "be numbers", rates))
        if not all(math.isfinite(rate) and rate >= 0 for rate in values):
            must = "be finite and not negative"
            raise ValueError(_checks.message(self, "layer_rates", must, rates))
        object.__setattr__(self, "layer_rates", tuple(map(float, values)))


def layer_rates(groups: ParameterGroups, layers: int) -> list[float]:
    """The factor of each of so many layers; none if they are all alike."""
    rates = list(groups.layer_rates or ())
    if rates and len(rates) != layers:
        raise ValueError(f"layer_rates has {len(rates)} entries, the network has {layers} layers")
    return rates


ALL_ALIKE = ParameterGroups()


@dataclass(frozen=True, repr=False, kw_only=True)
class Optimizer(Settings):
    """What every optimizer can be told beside its own settings.

    Parameters
    ----------
    weight_decay
        L2 penalty: this multiple of the parameters is added to the gradient. Default 0.
    l1
        L1 penalty: this multiple of the parameters' signs is added to the gradient. Default 0.
    clip
        A `ClipNorm` or a `ClipValue`, or None (the default) to take gradients as they are. They are
        clipped with the L1 penalty and without weight decay.
    groups
        What is different for some of the parameters, see `ParameterGroups`.
    """

    kind: ClassVar[str]

    weight_decay: float = 0.0
    l1: float = 0.0
    clip: ClipNorm | ClipValue | None = None
    groups: ParameterGroups = ALL_ALIKE

    @property
    def rate(self) -> float | Schedule:
        """The learning rate, or what makes it from the progress of training."""
        rate: float | Schedule = self.learning_rate  # type: ignore[attr-defined]
        return rate

    def __post_init__(self) -> None:
        if not callable(self.rate):
            _checks.positive(self, "learning_rate")
        _checks.not_negative(self, "weight_decay", "l1")
        if self.clip is not None and not isinstance(self.clip, (ClipNorm, ClipValue)):
            must = "be a ClipNorm, a ClipValue or None"
            raise TypeError(_checks.message(self, "clip", must, self.clip))
        if not isinstance(self.groups, ParameterGroups):
            raise TypeError(_checks.message(self, "groups", "be ParameterGroups", self.groups))

    def _own(self) -> dict[str, Any]:
        """Settings that the core has by the same names."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("clip", "groups", "learning_rate"):
            del own[name]
        return own

    def spec(self, layers: int, average: float = 0.0) -> core.OptimizerSpec:
        """Settings for the core, for a network of so many layers.

        With a schedule the core's learning rate is 1, for the schedule's to multiply.
        """
        own = self._own()
        if isinstance(self.clip, ClipNorm):
            own["clip_norm"] = self.clip.limit
        elif isinstance(self.clip, ClipValue):
            own["clip_value"] = self.clip.limit
        return core.OptimizerSpec(
            self.kind,
            learning_rate=1.0 if callable(self.rate) else self.rate,
            layer_rates=layer_rates(self.groups, layers),
            decay_biases=self.groups.decay_biases,
            average=average,
            **own,
        )
