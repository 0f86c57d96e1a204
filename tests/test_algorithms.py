"""What carries out a fit keeps what `_algorithm.Algorithm` promises, where `fit` never asks too."""

from __future__ import annotations

import math
from typing import Any

import briskmlp as bm
import numpy as np
import pytest
from briskmlp._descent import Descent
from briskmlp._lbfgs import Minimisation
from briskmlp._standardized import Standardized
from cases import core_options

RNG = np.random.default_rng(0)
DATA = (RNG.normal(5, 3, (40, 3)), RNG.normal(-2, 4, (40, 1)), None)


def network() -> bm.MLP:
    return bm.MLP([3, 4, 1], "tanh", dtype="float64", seed=0)


def descent(rates: Any = None) -> Descent:
    """Two epochs of five steps, at a rate of 0.1 or those of each epoch."""
    options = core_options(epochs=2, batch_size=8, shuffle=False)
    return Descent(options, rates, optimizer="sgd", batches=5, resumed=None, own_loss=None)


def minimisation() -> Minimisation:
    pytest.importorskip("scipy", minversion="1.11")
    return Minimisation(bm.LBFGS(), [3, 4, 1], 2)


@pytest.mark.parametrize("make", [descent, minimisation])
@pytest.mark.parametrize("standardized", [False, True])
def test_evaluations_are_of_the_data_as_they_are(make: Any, standardized: bool) -> None:
    net, algorithm = network(), make()
    if standardized:
        algorithm = Standardized(algorithm, net, DATA)
    algorithm.run(net._network, DATA, None, None)
    assert algorithm.evaluate(net._network, DATA) == tuple(net.evaluate(*DATA[:2]))


def test_rates_are_counted_from_the_first_step() -> None:
    asked = []

    def rates(epoch: int, batches: int) -> np.ndarray:
        asked.append((epoch, batches))
        return 10.0 * epoch + np.arange(batches)

    for algorithm in (descent(rates), Standardized(descent(rates), network(), DATA)):
        assert algorithm.has_schedule
        assert algorithm.learning_rate(1, 1) == 0
        assert algorithm.learning_rate(2, 5) == 14
    assert asked == [(0, 5), (1, 5)] * 2
    assert Standardized(descent(), network(), DATA).learning_rate(2, 5) == 0.1
    assert not descent().has_schedule
    assert math.isnan(minimisation().learning_rate(2, 5))


@pytest.mark.parametrize("standardized", [False, True])
def test_there_is_no_state_before_it_runs(standardized: bool) -> None:
    net, algorithm = network(), descent()
    if standardized:
        algorithm = Standardized(algorithm, net, DATA)
    assert algorithm.state() is None
    algorithm.run(net._network, DATA, None, None)
    state = algorithm.state()
    assert state.standardized == standardized
    if not standardized:
        np.testing.assert_array_equal(state.arrays["weights"], net.parameters)
