"""The class StochasticSolver: runs that go on, stop and fail. What it computes is compared with
scikit-learn in test_sklearn_trajectory.py.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from briskmlp import _briskmlp_core as core
from briskmlp.sklearn._stochastic import SolverSettings, SolverState, StochasticSolver

M, K, N = 100, 5, 3


def problem(dtype: str = "float64") -> tuple[core.Network, tuple[Any, Any, None]]:
    network = core.Network([K, 16, N], ["relu", "identity"], "cross_entropy", [], dtype)
    network.initialize(4, "auto")
    rng = np.random.default_rng(1)
    X = rng.normal(size=(M, K)).astype(dtype)
    return network, (X, (X[:, :N]).argmax(axis=1).astype(np.int32), None)


def run(
    solver: StochasticSolver,
    data: Any,
    epochs: int,
    on_epoch: Callable[[float], bool] = lambda _loss: False,
    order: Callable[[], Any] = lambda: None,
) -> None:
    solver.run(data, batch_size=16, epochs=epochs, order=order, on_epoch=on_epoch)


@pytest.mark.parametrize(
    "settings",
    [
        SolverSettings(),
        SolverSettings(dropout=[0.3], weight_decay=0.1, seed=8),
        SolverSettings(solver="sgd", learning_rate_init=0.1),
        SolverSettings(solver="sgd", momentum=0.0, weight_decay=0.1),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pieces_have_the_bits_of_the_whole(settings: SolverSettings, dtype: str) -> None:
    network, data = problem(dtype)
    before = network.parameters.copy()
    run(StochasticSolver(network, settings), data, 6)
    whole = network.parameters.copy()
    network.parameters[...] = before
    solver = StochasticSolver(network, settings)
    run(solver, data, 1)
    run(solver, data, 3)
    state: SolverState = pickle.loads(pickle.dumps(solver.state))
    other, _ = problem(dtype)  # as after a pickle
    other.parameters[...] = network.parameters
    run(StochasticSolver(other, settings, state), data, 2)
    np.testing.assert_array_equal(other.parameters, whole)


def test_it_stops_when_told_and_goes_on_from_there() -> None:
    network, data = problem()
    before = network.parameters.copy()
    run(StochasticSolver(network, SolverSettings()), data, 5)
    whole = network.parameters.copy()
    network.parameters[...] = before
    solver = StochasticSolver(network, SolverSettings())
    losses: list[float] = []

    def on_epoch(loss: float) -> bool:
        losses.append(loss)
        return len(losses) == 3

    run(solver, data, 100, on_epoch)
    assert len(losses) == 3
    assert losses[2] < losses[0]
    assert (solver.state.epochs, solver.state.steps) == (3, 21)
    run(solver, data, 2)
    np.testing.assert_array_equal(network.parameters, whole)


@pytest.mark.parametrize("where", ["order", "on_epoch"])
def test_what_callbacks_raise_passes_on(where: str) -> None:
    network, data = problem()
    calls = 0

    def fails(*_: float) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return False if where == "on_epoch" else None

    solver = StochasticSolver(network, SolverSettings())
    with pytest.raises(KeyboardInterrupt):
        run(solver, data, 5, **{where: fails})
    done = 1 if where == "order" else 2
    assert (solver.state.epochs, solver.state.steps) == (done, 7 * done)
    run(solver, data, 5 - done)
    interrupted = network.parameters.copy()
    other, _ = problem()
    run(StochasticSolver(other, SolverSettings()), data, 5)
    np.testing.assert_array_equal(other.parameters, interrupted)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_counts_the_finished_steps() -> None:
    network, (X, y, _) = problem()
    # Epochs that take far longer than the core does between two looks for signals.
    data = (np.tile(X, (10_000, 1)), np.tile(y, 10_000), None)
    batches, epochs = 10_000 * M // 16, 0

    def order() -> None:
        nonlocal epochs
        epochs += 1
        if epochs == 2:
            threading.Timer(0.003, os.kill, (os.getpid(), signal.SIGINT)).start()

    solver = StochasticSolver(network, SolverSettings())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(solver, data, 10**6, order=order)
    finally:
        signal.signal(signal.SIGINT, before)
    whole, rest = divmod(solver.state.steps, batches)
    assert whole >= 1
    other, _ = problem()
    again = StochasticSolver(other, SolverSettings())
    run(again, data, whole)
    if rest:
        run(again, (data[0][: 16 * rest], data[1][: 16 * rest], None), 1)
    np.testing.assert_array_equal(network.parameters, other.parameters)


def test_changed_parameters_are_gone_on_with() -> None:
    network, data = problem()
    solver = StochasticSolver(network, SolverSettings(learning_rate_init=1e-6))
    run(solver, data, 1)
    network.parameters[...] = 0.25
    run(solver, data, 1)
    np.testing.assert_allclose(network.parameters, 0.25, atol=1e-4)


def test_divergence_is_an_error() -> None:
    network, (X, y, _) = problem()
    before = network.parameters.copy()
    solver = StochasticSolver(
        network, SolverSettings(solver="sgd", learning_rate_init=1e300, alpha=1.0)
    )
    with pytest.raises(FloatingPointError, match="epoch 1, step"):
        run(solver, (X, y, None), 3)
    np.testing.assert_array_equal(network.parameters, before)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_decoupled_decay_takes_its_share_of_the_weights_only(solver: str) -> None:
    network, (X, y, _) = problem()
    start = network.parameters.copy()
    after = []
    for decay in (0.0, 0.5):
        network.parameters[...] = start
        settings = SolverSettings(solver=solver, learning_rate_init=0.01, weight_decay=decay)
        # One step: the gradients are the same.
        StochasticSolver(network, settings).run(
            (X, y, None), batch_size=M, epochs=1, order=lambda: None, on_epoch=lambda _: False
        )
        after.append(network.parameters.copy())
    is_weight = np.ones(len(start), bool)
    is_weight[K * 16 : (K + 1) * 16] = is_weight[-N:] = False
    expected = np.where(is_weight, 0.01 * 0.5 * start, 0)
    np.testing.assert_allclose(after[0] - after[1], expected, atol=1e-15)


@pytest.mark.parametrize("threads", [1, 2, None])
def test_threads_change_no_bits(threads: int | None) -> None:
    network, data = problem("float32")
    losses: list[float] = []

    def on_epoch(loss: float) -> bool:
        losses.append(loss)
        return False

    run(StochasticSolver(network, SolverSettings(alpha=0.1, threads=threads)), data, 4, on_epoch)
    other, _ = problem("float32")
    expected: list[float] = []
    run(
        StochasticSolver(other, SolverSettings(alpha=0.1, threads=1)),
        data,
        4,
        lambda loss: expected.append(loss) is not None,
    )
    assert losses == expected
    np.testing.assert_array_equal(network.parameters, other.parameters)
