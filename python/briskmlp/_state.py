"""A network as plain values, for copies and pickles, and back again."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import _briskmlp_core as core
from ._losses import from_plain, loss_of, named_numbers, plain
from ._runtime import meet_threadpoolctl
from ._validate import (
    DType,
    activation_names,
    array_of,
    boolean,
    float_type,
    known_name,
    layer_sizes,
    norm_name,
    whole_number,
)

if TYPE_CHECKING:
    from ._loss_settings import Loss

# Counted up when the entries of a state or their meaning change: a later one is written only where
# it is needed, so that earlier versions can read the rest.
FORMAT, NEWEST_FORMAT = 1, 2
ENTRIES = ("sizes", "activations", "loss", "dtype", "seed", "epochs_trained")
# Entries of format 2, and what they are where they are left out.
BETWEEN_LAYERS = {"norm": None, "residual": False}
MAX_SEED = 2**64 - 1
MAX_EPOCHS = 2**30  # so that batches, of up to 2^32 an epoch, can be counted


class Outline(NamedTuple):
    """All of a network but its parameters."""

    sizes: list[int]
    activations: list[str]
    loss: Loss
    dtype: DType
    seed: int
    init: str
    epochs_trained: int
    norm: str | None
    residual: bool


def num_parameters(sizes: list[int]) -> int:
    """P, the number of weights and biases together."""
    return sum((K + 1) * N for K, N in pairwise(sizes))


def build(
    sizes: list[int],
    activations: list[str],
    loss: Loss,
    dtype: DType,
    norm: str | None,
    residual: bool,
) -> core.Network:
    """The core's network, its parameters zero."""
    meet_threadpoolctl()
    try:
        return core.Network(
            sizes, activations, *named_numbers(loss), dtype.name, norm=norm, residual=residual
        )
    except MemoryError:
        count = num_parameters(sizes)
        size = count * dtype.itemsize / 2**30
        raise MemoryError(
            f"a network of sizes {sizes} has {count:,} parameters; their {size:,.1f} GiB are more "
            f"memory than there is"
        ) from None


def build_like(
    network: core.Network, loss: Loss | None = None, dtype: DType | None = None
) -> core.Network:
    """A network of the same kind, with another loss or type if one is given, parameters zero."""
    loss = loss or loss_of(network.loss, network.loss_settings)
    dtype = dtype or network.dtype
    return build(network.sizes, network.activations, loss, dtype, network.norm, network.residual)


def is_as_drawn(network: core.Network, seed: int, init: str) -> bool:
    """Whether the parameters are still the initial ones."""
    drawn = build_like(network)
    drawn.initialize(seed, init)
    return np.array_equal(drawn.parameters, network.parameters)


def state_of(network: core.Network, seed: int, init: str, epochs_trained: int) -> dict[str, Any]:
    """Everything that makes the network what it is, as plain values and one array."""
    between = {"norm": network.norm, "residual": network.residual}
    plain_layers = between == BETWEEN_LAYERS
    return {
        "format_version": FORMAT if plain_layers else NEWEST_FORMAT,
        "version": core.__version__,
        "sizes": network.sizes,
        "activations": network.activations,
        **({} if plain_layers else between),
        "loss": plain(loss_of(network.loss, network.loss_settings)),
        "dtype": network.dtype.name,
        "seed": seed,
        "init": init,
        "epochs_trained": epochs_trained,
        "parameters": network.parameters.copy(),
    }


def require_version(state: object) -> None:
    """Raise ValueError unless this is a state in the format that is read here."""
    if not isinstance(state, dict) or "format_version" not in state:
        raise ValueError("this is not the state of a briskmlp network")
    if state["format_version"] not in range(FORMAT, NEWEST_FORMAT + 1):
        raise ValueError(
            f"the network was saved by briskmlp {state.get('version')} in format "
            f"{state['format_version']!r}; briskmlp {core.__version__} reads formats up to "
            f"{NEWEST_FORMAT}"
        )


def outline_of(state: dict[str, Any]) -> Outline:
    """All of a state but its parameters, every entry checked."""
    if missing := [name for name in ENTRIES if name not in state]:
        raise ValueError(f"the saved network lacks {', '.join(missing)}")
    sizes = layer_sizes(state["sizes"])
    between = BETWEEN_LAYERS | state
    return Outline(
        sizes,
        activation_names(state["activations"], len(sizes) - 1),
        from_plain(state["loss"]),
        float_type(state["dtype"]),
        whole_number(state["seed"], "seed", 0, MAX_SEED),
        # The earliest pickles have no such entry.
        known_name(state.get("init", "auto"), "init", core.initializer_names()),
        whole_number(state["epochs_trained"], "epochs_trained", 0, MAX_EPOCHS),
        norm_name(between["norm"]),
        boolean(between["residual"], "residual"),
    )


def network_from(state: dict[str, Any]) -> tuple[core.Network, Outline]:
    """The network of a state, and its outline; every entry is checked."""
    require_version(state)
    outline = outline_of(state)
    if "parameters" not in state:
        raise ValueError("the saved network lacks parameters")
    network = build(
        outline.sizes,
        outline.activations,
        outline.loss,
        outline.dtype,
        outline.norm,
        outline.residual,
    )
    view = network.parameters
    view[...] = array_of(state["parameters"], "parameters", view.shape, outline.dtype)
    return network, outline
