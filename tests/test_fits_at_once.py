"""Two fits of one network at the same time: the second is an error, whatever kinds they are."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest

X = np.random.default_rng(0).normal(size=(60, 3)) * [1, 10, 100]
Y = X[:, 0] - X[:, 2]
MESSAGE = "this network is being fitted already; wait for that fit to end, or fit a copy"
KINDS: dict[str, dict[str, object]] = {
    "plain": {},
    "standardized": {"standardize": True},
    "lbfgs": {"optimizer": "lbfgs"},
    "both": {"optimizer": "lbfgs", "standardize": True},
}


@pytest.fixture(params=KINDS)
def first(request: pytest.FixtureRequest) -> dict[str, object]:
    if "optimizer" in KINDS[request.param]:
        pytest.importorskip("scipy")
    return KINDS[request.param]


@pytest.fixture
def net() -> bm.MLP:
    return bm.MLP([3, 8, 1], seed=0)


def during(net: bm.MLP, settings: dict[str, object], act: Callable[[], None]) -> bm.History:
    """Call `act` here while another thread fits the network, after its first epoch."""
    begun, done = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def wait(_: bm.History) -> None:
        begun.set()
        assert done.wait(60)

    def fit() -> None:
        try:
            net.fit(X, Y, epochs=3, callback=wait, **settings)
        except BaseException as error:
            errors.append(error)
            begun.set()

    worker = threading.Thread(target=fit)
    worker.start()
    try:
        assert begun.wait(60)
        act()
    finally:
        done.set()
        worker.join()
    assert not errors
    assert net.history is not None
    return net.history


@pytest.mark.parametrize("other", KINDS)
def test_in_another_thread(net: bm.MLP, first: dict[str, object], other: str) -> None:
    if "optimizer" in KINDS[other]:
        pytest.importorskip("scipy")
    alone = net.copy()
    expected = alone.fit(X, Y, epochs=3, **first)

    def fit_too() -> None:
        before = net.parameters.copy(), net.epochs_trained, net.history
        with pytest.raises(RuntimeError, match=MESSAGE):
            net.fit(X, Y, epochs=2, **KINDS[other])
        np.testing.assert_array_equal(net.parameters, before[0])
        assert (net.epochs_trained, net.history) == before[1:]

    history = during(net, first, fit_too)
    np.testing.assert_array_equal(history["loss"], expected["loss"])
    np.testing.assert_array_equal(net.parameters, alone.parameters)
    net.fit(X, Y, epochs=1, **KINDS[other])


def test_in_its_own_callback(net: bm.MLP, first: dict[str, object]) -> None:
    def fit_too(_: bm.History) -> None:
        net.fit(X, Y, **first)

    with pytest.raises(RuntimeError, match=MESSAGE):
        net.fit(X, Y, epochs=1, callback=fit_too, **first)
    net.fit(X, Y, epochs=1, **first)


def test_copies_are_free(net: bm.MLP, first: dict[str, object]) -> None:
    def fit_copies() -> None:
        for twin in (net.copy(), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
            assert len(twin.fit(X, Y, epochs=2, **first)) == 2

    assert len(during(net, first, fit_copies)) == 3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_frees_the_network(
    net: bm.MLP, first: dict[str, object], error: type[BaseException]
) -> None:
    def fail(_: bm.History) -> None:
        raise error

    with pytest.raises(error):
        net.fit(X, Y, callback=fail, **first)
    net.fit(X, Y, epochs=1, **first)


def test_resuming_does_not_change_a_network_that_is_being_fitted(
    net: bm.MLP, tmp_path: Path
) -> None:
    net.copy().fit(X, Y, epochs=1, standardize=True, callbacks=bm.Checkpoint(tmp_path))

    def resume() -> None:
        before = net.parameters.copy()
        with pytest.raises(RuntimeError, match=MESSAGE):
            net.fit(X, Y, epochs=3, standardize=True, resume=tmp_path)
        np.testing.assert_array_equal(net.parameters, before)

    during(net, {"standardize": True}, resume)
