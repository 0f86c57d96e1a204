"""What the benchmarks share: the contestants, and what their records say of the machine."""

from __future__ import annotations

from typing import Any

import briskmlp as bm
import numpy as np
import pytest

CONTESTANTS = {"briskmlp": bm.MLP, "numpy": bm.reference.MLP}


@pytest.fixture(params=CONTESTANTS)
def contestant(request: pytest.FixtureRequest) -> Any:
    """Give the class of network to time."""
    return CONTESTANTS[request.param]


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    """Give the type to compute in."""
    return str(request.param)


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Say what ran; not where."""
    machine_info.pop("node", None)
    machine_info["briskmlp"] = bm.show_config("dict")
    machine_info["numpy"] = np.__version__
