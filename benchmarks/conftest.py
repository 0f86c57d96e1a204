"""What the benchmarks share: the contestants, and what their records say of the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import briskmlp as bm
import numpy as np
import pytest
from briskmlp.bench.check import CHECKED, Expectation
from briskmlp.bench.contestant import Contestant, Task
from briskmlp.bench.worker import contestant as kind_of
from briskmlp.bench.workloads import Workload

NETWORKS = {"briskmlp": bm.MLP, "numpy": bm.reference.MLP}
# Those that share NumPy's threads and one process; `python -m briskmlp bench` has the others.
CONTESTANTS = ("briskmlp", "numpy_reference", "numpy_by_hand")


@pytest.fixture(params=CONTESTANTS)
def contestant(request: pytest.FixtureRequest) -> Callable[[Workload, str], Contestant]:
    """Give what makes a contestant for a workload, checked to do the work."""

    def make(workload: Workload, dtype: str) -> Contestant:
        task = Task.of(workload, dtype, bm.get_num_threads(), workload.data(dtype))
        model = kind_of(request.param)(task)
        rows = workload.rows_to_predict(dtype)[:CHECKED]
        predictions, loss = model.predict(rows), model.fit(1, shuffle=False)[0]
        assert Expectation.of(task, rows).objection(loss, predictions) is None
        return model

    return make


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Any:
    """Give the class of network to time."""
    return NETWORKS[request.param]


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    """Give the type to compute in."""
    return str(request.param)


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Say what ran; not where."""
    machine_info.pop("node", None)
    machine_info["briskmlp"] = bm.show_config("dict")
    machine_info["numpy"] = np.__version__
