"""Training, prediction of many rows and of one: every workload, every contestant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from briskmlp.bench.harness import Comparison, compare, started
from briskmlp.bench.table import table
from briskmlp.bench.workloads import WORKLOADS

from .settings import Settings, say

KEY = ("name", "threads", "dtype")


def measure(settings: Settings) -> Iterator[dict[str, Any]]:
    workloads = [w for w in WORKLOADS if settings.workloads is None or w.name in settings.workloads]
    for threads in settings.threads:
        with started(settings.contestants, threads) as processes:
            for workload in workloads:
                comparison = compare(
                    workload, settings.dtype, threads, processes, effort=settings.effort
                )
                say("\n" + "\n".join(table(comparison)))
                yield record(comparison) | {"quick": settings.quick}


def record(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON; the work of a row is in it, so that shares of the peak can be had."""
    workload = comparison.workload
    return {
        **asdict(workload),
        "dtype": comparison.dtype,
        "threads": comparison.threads,
        "flops_per_row": {
            "train": workload.flops_per_row,
            "predict": workload.forward_flops_per_row,
        },
        "peak_gflops": asdict(comparison.peak_gflops),
        "contestants": {name: asdict(outcome) for name, outcome in comparison.outcomes.items()},
    }
