"""A network as plain values, for copies and pickles, and back again."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from . import _briskmlp_core as core
from ._losses import Loss, from_plain, loss_of, named_numbers, plain
from ._validate import (
    DType,
    activation_names,
    array_of,
    float_type,
    layer_sizes,
    whole_number,
)

FORMAT = 1  # counted up when the entries of a state or their meaning change
ENTRIES = ("sizes", "activations", "loss", "dtype", "seed", "epochs_trained", "parameters")
MAX_SEED = 2**64 - 1


def build(sizes: list[int], activations: list[str], loss: Loss, dtype: DType) -> core.Network:
    """The core's network, its parameters zero."""
    try:
        return core.Network(sizes, activations, *named_numbers(loss), dtype.name)
    except MemoryError:
        count = sum((K + 1) * N for K, N in pairwise(sizes))
        size = count * dtype.itemsize / 2**30
        raise MemoryError(
            f"a network of sizes {sizes} has {count:,} parameters; their {size:,.1f} GiB are more "
            f"memory than there is"
        ) from None


def state_of(network: core.Network, seed: int, epochs_trained: int) -> dict[str, Any]:
    """Everything that makes the network what it is, as plain values and one array."""
    return {
        "format_version": FORMAT,
        "version": core.__version__,
        "sizes": network.sizes,
        "activations": network.activations,
        "loss": plain(loss_of(network.loss, network.loss_settings)),
        "dtype": network.dtype.name,
        "seed": seed,
        "epochs_trained": epochs_trained,
        "parameters": network.parameters.copy(),
    }


def network_from(state: object) -> tuple[core.Network, int, int]:
    """Network, seed and number of epochs of a state, every entry of which is checked."""
    if not isinstance(state, dict) or "format_version" not in state:
        raise ValueError("this is not the state of a briskmlp network")
    if state["format_version"] != FORMAT:
        raise ValueError(
            f"the network was saved by briskmlp {state.get('version')} in format "
            f"{state['format_version']!r}; briskmlp {core.__version__} reads format {FORMAT}"
        )
    if missing := [name for name in ENTRIES if name not in state]:
        raise ValueError(f"the saved network lacks {', '.join(missing)}")
    sizes = layer_sizes(state["sizes"])
    activations = activation_names(state["activations"], len(sizes) - 1)
    dtype = float_type(state["dtype"])
    network = build(sizes, activations, from_plain(state["loss"]), dtype)
    view = network.parameters
    view[...] = array_of(state["parameters"], "parameters", view.shape, dtype)
    seed = whole_number(state["seed"], "seed", 0, MAX_SEED)
    return network, seed, whole_number(state["epochs_trained"], "epochs_trained", 0)
