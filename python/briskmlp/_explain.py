"""How a network is trained and run on this machine, and how near the processor's limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _briskmlp_core as core
from ._datasets import CLASS_LOSSES
from ._runtime import get_num_threads

if TYPE_CHECKING:
    from ._inspectable import Inspectable
    from ._validate import Array

SECONDS = 0.2  # that a measurement lasts
PEAK_SECONDS = 0.05
PARTS = {"two-phase": "row tiles", "chunked": "chunks of rows", "sharded": "shards of hidden units"}
WORK = {
    "two-phase": "row tiles through all layers and back, then the weights tile by tile",
    "chunked": "each chunk of rows adds up its own gradient while it is in cache",
    "sharded": "hidden units are dealt out, with the weights into and out of them",
}


@dataclass(frozen=True)
class Explanation:
    """What `MLP.explain` found. Printed, it is a short report.

    Shares are fractions of a peak that is measured, that of the threads which training uses
    (`peak_gflops`) or, for prediction, of all that may be used. They count useful arithmetic only:
    the multiplications and additions of the matmuls.
    """

    sizes: tuple[int, ...]
    dtype: str
    isa: str
    lanes: int  # elements of a vector
    register_tile: tuple[int, int]  # rows and columns of the matmul's innermost block
    batch_size: int
    plan: str  # "two-phase", "chunked" or "sharded"
    parts: int  # pieces of work side by side
    row_tile: int  # rows that go through the layers together
    threads: int  # at most, for training
    barriers: int  # a step
    exchanged_bytes: int  # a step, between threads
    flops: float  # a step
    padding: float  # arithmetic beyond that, as a fraction of it, on outputs rounded up to vectors
    peak_gflops: float  # of all threads that training uses
    expected_share: float
    measured_share: float | None
    rows_per_second: float | None  # of training
    predict_share: float | None
    predict_rows_per_second: float | None

    def __str__(self) -> str:
        rows, columns = self.register_tile
        lines = [
            f"{'-'.join(map(str, self.sizes))}, {self.dtype}, {self.isa}: vectors of {self.lanes}, "
            f"register tile {rows} x {columns}",
            f"training    batches of {self.batch_size} rows, "
            f"at most {counted(self.threads, 'thread')}",
            f"  plan      {self.plan}: {WORK[self.plan]}",
            f"            {self.parts} {PARTS[self.plan]}, {self.row_tile} rows at a time; "
            f"in a step {counted(self.barriers, 'barrier')}, {si(self.exchanged_bytes)}B exchanged",
            f"  work      {si(self.flops)}FLOP a step, {self.padding:.0%} more for padding",
            f"  peak      {self.peak_gflops:.0f} GFLOP/s, measured",
            f"  expected  {self.expected_share:.0%} of the peak",
        ]
        if self.measured_share is not None and self.rows_per_second is not None:
            lines.append(f"  measured  {self.measured_share:.0%}: {si(self.rows_per_second)}rows/s")
        if self.predict_share is not None and self.predict_rows_per_second is not None:
            lines.append(
                f"prediction  {self.predict_share:.0%} of the peak of all threads: "
                f"{si(self.predict_rows_per_second)}rows/s"
            )
        return "\n".join(lines)

    __repr__ = __str__


def counted(number: int, noun: str) -> str:
    """Write a number of things: "1 barrier", "3 barriers"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def si(number: float) -> str:
    """Write a number in three digits and a prefix: "1.05 M"."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g} {prefix}"
    return f"{number:.3g} "


def explain(net: Inspectable, X: Array, batch_size: int, measure: bool) -> Explanation:
    """Ask the core for its plan, and time it unless `measure` is false."""
    network, dtype = net._network, str(net.dtype)
    rows = len(X)
    plan = core.plan(network, batch_size, -(-rows // batch_size))
    a_core = core.peak_gflops(dtype, PEAK_SECONDS)
    peak = a_core * plan.threads
    expected = core.expected_seconds(network, batch_size, a_core, plan.threads)
    trained = fit_rate(net, X, batch_size) if measure else None
    predicted = rows / seconds_of(lambda: net(X)) if measure else None
    forward = 2 * sum(k * n for k, n in pairwise(net.sizes))
    return Explanation(
        sizes=net.sizes,
        dtype=dtype,
        isa=plan.isa,
        lanes=plan.lanes,
        register_tile=(plan.tile_rows, plan.tile_columns),
        batch_size=batch_size,
        plan=plan.kind,
        parts=plan.parts,
        row_tile=plan.row_tile,
        threads=plan.threads,
        barriers=plan.barriers,
        exchanged_bytes=int(plan.exchanged) * net.dtype.itemsize,
        flops=plan.flops,
        padding=plan.padded_flops / plan.flops - 1,
        peak_gflops=peak,
        expected_share=plan.flops / expected * 1e-9 / peak,
        measured_share=trained and plan.flops / batch_size * trained * 1e-9 / peak,
        rows_per_second=trained,
        predict_share=predicted and forward * predicted * 1e-9 / (a_core * get_num_threads()),
        predict_rows_per_second=predicted,
    )


def fit_rate(net: Inspectable, X: Array, batch_size: int) -> float:
    """Rows a second of training a copy, on targets of one, which suit every loss."""
    copy = net.copy()
    network = net._network
    classes = network.loss in CLASS_LOSSES
    y = np.ones(len(X) if classes else (len(X), network.target_cols), net.dtype)

    def epochs(count: int) -> None:
        copy.fit(X, y, epochs=count, batch_size=batch_size, progress=False)

    once = seconds_of(lambda: epochs(1))
    # Several epochs in one call, as training is: a call has costs of its own.
    count = max(1, round(SECONDS / once))
    start = time.perf_counter()
    epochs(count)
    return len(X) * count / (time.perf_counter() - start)


def seconds_of(call: Callable[[], Any]) -> float:
    """The shortest of several calls."""
    best, begin = np.inf, time.perf_counter()
    while (start := time.perf_counter()) < begin + SECONDS:
        call()
        best = min(best, time.perf_counter() - start)
    return float(best)
