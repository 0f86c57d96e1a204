"""Ctrl-C at any moment of a fit: KeyboardInterrupt, and a network that works as before.

How soon it comes is measured by benchmarks/interrupts.py; here only that it comes.
"""

from __future__ import annotations

import sys

import pytest
from processes import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

# Calls fit() again and again, interrupted at random moments, and looks at the network each time.
PROGRAM = """
import os, random, signal, sys, threading, time
import numpy as np
import briskmlp as bm
count, kind = int(sys.argv[1]), sys.argv[2]
random.seed(0)
bm.set_num_threads(3)
rng = np.random.default_rng(0)
rows = 40 if kind.startswith("short") else 20_000
X = rng.normal(size=(rows, 16)).astype("f4")
y = X[:, 0] * X[:, 1]
net = bm.MLP([16, 64, 64, 1], "tanh", seed=0)
settings = {
    "long": {},
    "short": {},
    "short standardized": {"standardize": True},
    "evaluated": {"eval_set": (X, y), "metrics": "mae", "callback": lambda history: None},
    "batch norm": {"batch_norm": True},
    "own loss": {"loss": lambda raw, y: (0.0, 0 * raw)},
    "lbfgs": {"optimizer": "lbfgs"},
}[kind]
epochs = 2 if kind.startswith("short") else 1_000_000
def fit():
    while True:
        net.fit(X, y, epochs=epochs, batch_size=min(rows, 500) if kind != "lbfgs" else None,
                **settings)
# Nothing is imported below: an import that is cut short warns of open files, and CPython ends by
# the signal whenever one came while it ran the source of a dataclass.
net.fit(X, y, **settings | {"epochs": 1, "callback": None})
for i in range(count):
    before = net.epochs_trained
    timer = threading.Timer(random.uniform(0, 0.05), os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        fit()
    except KeyboardInterrupt:
        pass
    timer.join()
    assert np.isfinite(net.parameters).all()
    assert np.isfinite(net.predict(X)).all()
    assert net.epochs_trained >= before
    trained = net.epochs_trained
    assert len(net.fit(X, y, epochs=1)) == 1
    assert net.epochs_trained == trained + 1
print("done")
"""


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        ("long", 50),
        ("short", 50),
        ("short standardized", 25),
        ("evaluated", 25),
        ("batch norm", 10),
        ("own loss", 10),
        ("lbfgs", 10),
    ],
)
def test_at_random_moments(kind: str, count: int) -> None:
    if kind == "lbfgs":
        pytest.importorskip("scipy")
    assert run(PROGRAM, str(count), kind, timeout=120) == ["done"]


@pytest.mark.parametrize("followed", [False, True])
@pytest.mark.parametrize("hidden", [64, 4096])  # of the latter a batch has fewer tiles than threads
def test_within_an_epoch(hidden: int, followed: bool) -> None:
    program = """
        import os, signal, sys, threading
        import numpy as np
        import briskmlp as bm
        hidden, followed = int(sys.argv[1]), sys.argv[2] == "True"
        few = np.random.default_rng(0).normal(size=(100, 64)).astype("f4")
        X, y = (np.broadcast_to(few[0, :n], (10_000_000, n)) for n in (64, 1))
        bm.set_num_threads(8)
        net = bm.MLP([64, hidden, 1], seed=0)
        before = net.parameters.copy()
        asked = []
        def rates(progress):  # asked for before the fit, and when its epoch begins
            asked.append(len(progress))
            if len(asked) == 2:
                threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            return 0.001 + 0 * progress
        settings = {"optimizer": bm.Adam(rates), "callback": print if followed else None}
        try:
            net.fit(X, y, epochs=1, batch_size=100, shuffle=False, **settings)
        except KeyboardInterrupt:
            print(net.epochs_trained, len(net.history))
        print((net.parameters != before).any(), np.isfinite(net.parameters).all())
        print(len(net.fit(few, few[:, 0], epochs=1)), net.epochs_trained)
    """
    assert run(program, str(hidden), str(followed)) == ["0 0", "True True", "1 1"]
