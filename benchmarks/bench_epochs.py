"""Whole epochs of training, from Python."""

from __future__ import annotations

from typing import Any

import pytest
from briskmlp.bench.workloads import WORKLOADS, Workload


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_epoch(benchmark: Any, contestant: Any, workload: Workload, dtype: str) -> None:
    model = contestant(workload, dtype)
    benchmark.group = f"{workload}, {dtype}"
    benchmark(model.fit, 1)
    median = benchmark.stats.stats.median
    benchmark.extra_info["rows_per_second"] = workload.rows / median
    benchmark.extra_info["gflops"] = workload.rows * workload.flops_per_row / median * 1e-9
