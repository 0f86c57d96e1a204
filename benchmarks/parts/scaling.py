"""Training speed along one dimension at a time: batch, width, depth, threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from briskmlp.bench.harness import Effort, compare, started
from briskmlp.bench.workloads import Workload

from .settings import Settings, say
from .speed import record

KEY = ("axis", "value", "dtype")

# A line each in the plots; the others would only lie between them.
CONTESTANTS = ("briskmlp", "numpy_by_hand", "torch_eager", "jax")
INPUTS, OUTPUTS, WIDTH, DEPTH, BATCH = 64, 10, 256, 2, 128
VALUES = {
    "batch": (8, 32, 128, 512, 2048),
    "width": (16, 64, 256, 1024),
    "depth": (1, 2, 4, 8),
}


def network(width: int = WIDTH, depth: int = DEPTH, batch: int = BATCH) -> Workload:
    return Workload.short(
        f"{depth} x {width}", (INPUTS, *[width] * depth, OUTPUTS), "cross_entropy", batch
    )


def measure(settings: Settings) -> Iterator[dict[str, Any]]:
    names = [name for name in CONTESTANTS if name in settings.contestants]
    effort = Effort(rounds=3, seconds=0.02 if settings.quick else 0.05, budget=2)
    most = max(settings.threads)
    points = [
        (axis, value, network(**{axis: value}), most)
        for axis, values in VALUES.items()
        for value in values
    ]
    points += [("threads", threads, network(), threads) for threads in range(1, most + 1)]
    for threads in range(1, most + 1):
        with started(names, threads) as processes:
            for axis, value, workload, its_threads in points:
                if its_threads == threads:
                    say(f"{axis} {value}")
                    comparison = compare(
                        workload, settings.dtype, threads, processes, ["train"], effort
                    )
                    yield {"axis": axis, "value": value, "quick": settings.quick} | record(
                        comparison
                    )
