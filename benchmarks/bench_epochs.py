"""Whole epochs of training, from Python."""

from __future__ import annotations

from typing import Any

import briskmlp as bm
import numpy as np
import pytest
from briskmlp._workloads import WORKLOADS, Workload


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_epoch(benchmark: Any, contestant: Any, workload: Workload, dtype: str) -> None:
    X, y = workload.data(dtype)
    settings = {"epochs": 1, "batch_size": workload.batch_size}

    def first_loss(kind: Any) -> float:
        return float(workload.network(kind, dtype).fit(X, y, **settings)["loss"][0])

    assert np.isclose(first_loss(contestant), first_loss(bm.MLP), rtol=1e-3)
    net = workload.network(contestant, dtype)
    benchmark.group = f"{workload}, {dtype}"
    benchmark(net.fit, X, y, **settings)
    median = benchmark.stats.stats.median
    benchmark.extra_info["rows_per_second"] = workload.rows / median
    benchmark.extra_info["gflops"] = workload.rows * workload.flops_per_row / median * 1e-9
