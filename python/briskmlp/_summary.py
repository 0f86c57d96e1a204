"""What a network consists of and costs, from its sizes alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ._explain import counted, si
from ._layers import describe, runs

if TYPE_CHECKING:
    from ._network import Network

HEADINGS = ("layer", "shape", "activation", "parameters", "FLOP a row", "bytes a row")


@dataclass(frozen=True)
class LayerSummary:
    """One layer: K inputs, N outputs, and what follows from them."""

    inputs: int
    outputs: int
    activation: str
    itemsize: int  # bytes of a number

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return (self.inputs + 1) * self.outputs

    @property
    def flops(self) -> int:
        """Multiplications and additions of the weights for one row, predicted."""
        return 2 * self.inputs * self.outputs

    @property
    def row_bytes(self) -> int:
        """Memory of one row's outputs."""
        return self.outputs * self.itemsize


@dataclass(frozen=True)
class Summary:
    """What `MLP.summary` found. Printed, it is a table.

    FLOPs are the multiplications and additions of the matmuls; activations, losses and the
    optimizer are not counted.
    """

    title: str
    layers: tuple[LayerSummary, ...]
    batch_size: int

    @property
    def parameters(self) -> int:
        """P, the number of weights and biases."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def parameter_bytes(self) -> int:
        """Memory of the parameters."""
        return self.parameters * self.layers[0].itemsize

    @property
    def predict_flops(self) -> int:
        """FLOPs of predicting a row."""
        return sum(layer.flops for layer in self.layers)

    @property
    def train_flops(self) -> int:
        """FLOPs of training on a row: three matmuls a layer, the first without its inputs' one."""
        return 3 * self.predict_flops - self.layers[0].flops

    @property
    def batch_bytes(self) -> int:
        """Memory of a batch: its inputs and all layers' outputs."""
        inputs = self.layers[0].inputs * self.layers[0].itemsize
        return self.batch_size * (inputs + sum(layer.row_bytes for layer in self.layers))

    def __str__(self) -> str:
        rows = [_row(self.layers[at], at + 1, count) for at, count in runs(self.layers)]
        outputs = sum(layer.row_bytes for layer in self.layers)
        rows.append(
            ("all", "", "", f"{self.parameters:,}", f"{self.predict_flops:,}", f"{outputs:,}")
        )
        widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
        lines = [
            "  ".join(
                f"{cell:<{width}}" if column < 3 else f"{cell:>{width}}"
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in (HEADINGS, *rows)
        ]
        return "\n".join(
            [
                self.title,
                *lines,
                f"parameters  {si(self.parameter_bytes)}B",
                f"a row       {si(self.predict_flops)}FLOP to predict, "
                f"{si(self.train_flops)}FLOP to train on",
                f"a batch     of {counted(self.batch_size, 'row')}: {si(self.batch_bytes)}B of "
                "inputs and outputs",
            ]
        )

    __repr__ = __str__


def _row(layer: LayerSummary, number: int, count: int) -> tuple[str, ...]:
    """What the table says of a layer, or of several that are alike and how many they are."""
    times = f"{count} x " if count > 1 else ""
    return (
        f"{number}-{number + count - 1}" if count > 1 else str(number),
        f"{layer.inputs} → {layer.outputs}",
        layer.activation,
        *(f"{times}{figure:,}" for figure in (layer.parameters, layer.flops, layer.row_bytes)),
    )


def summary(net: Network, batch_size: int) -> Summary:
    """Add up what the layers have and do."""
    layers = zip(pairwise(net.sizes), describe(net._network), strict=True)
    return Summary(
        title=f"{type(net).__name__}, loss {net.loss}, {net.dtype}",
        layers=tuple(LayerSummary(K, N, name, net.dtype.itemsize) for (K, N), name in layers),
        batch_size=batch_size,
    )
