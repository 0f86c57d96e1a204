"""`MLP.explain`: the plan by the sizes alone, and a report whose figures hang together."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import _briskmlp_core as core


def plan(sizes: list[int], rows: int, batch_size: int) -> Any:
    net = bm.MLP(sizes, seed=0)
    return net.explain(np.zeros((rows, sizes[0])), batch_size=batch_size, measure=False)


@pytest.mark.parametrize(
    ("sizes", "batch_size", "kind"),
    [
        ([64, 64, 10], 32, "sharded"),
        ([784, 256, 128, 10], 128, "sharded"),
        ([32, 64, 64, 3], 16384, "chunked"),
        ([300, 10], 32, "two-phase"),
        ([600, 900, 900, 5], 512, "two-phase"),
    ],
)
def test_plan(sizes: list[int], batch_size: int, kind: str) -> None:
    explanation = plan(sizes, 16384, batch_size)
    assert explanation.plan == kind
    products = [k * n for k, n in pairwise(sizes)]
    assert explanation.flops == batch_size * (6 * sum(products) - 2 * products[0])
    assert 0 <= explanation.padding < 16
    assert 0 < explanation.expected_share < 1
    assert explanation.measured_share is None
    assert 1 <= explanation.threads <= bm.get_num_threads()


@pytest.mark.parametrize("loss", core.loss_names())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_measured(loss: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("briskmlp._explain.SECONDS", 0.01)
    monkeypatch.setattr("briskmlp._explain.PEAK_SECONDS", 0.001)
    net = bm.MLP([5, 33, 6], loss=loss, dtype=dtype, seed=0)
    before = net.parameters.copy()
    explanation = net.explain(np.ones((300, 5)))
    assert np.array_equal(net.parameters, before)
    assert net.epochs_trained == 0
    assert net.history is None
    assert explanation.batch_size == 128
    assert explanation.measured_share > 0
    rate = explanation.rows_per_second * explanation.flops / explanation.batch_size * 1e-9
    assert np.isclose(explanation.measured_share, rate / explanation.peak_gflops)
    assert explanation.predict_share > 0
    text = str(explanation)
    assert repr(explanation) == text
    assert f"5-33-6, {dtype}" in text
    assert all(word in text for word in ("plan", "peak", "expected", "measured", "prediction"))
    assert max(map(len, text.splitlines())) <= 100


def test_without_a_measurement_the_text_has_none() -> None:
    text = str(plan([5, 33, 6], 300, 100))
    assert "  expected " in text
    assert not any(word in text for word in ("  measured ", "prediction", "None"))


def test_threads_do_not_change_the_plan() -> None:
    with bm.threads(1):
        one = plan([64, 64, 10], 10000, 32)
    assert one.threads == 1
    assert one.plan == plan([64, 64, 10], 10000, 32).plan


@pytest.mark.parametrize("rows", [0, 3])
def test_rejects(rows: int) -> None:
    net = bm.MLP([2, 1], seed=0)
    with pytest.raises(ValueError, match=r"rows"):
        net.explain(np.zeros((rows, 2)), batch_size=4)
