"""Memory that runs out is a MemoryError that changes nothing; what was used is given back."""

from __future__ import annotations

import sys

import pytest
from processes import run

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")

# limited(act, room) calls act() with so many more bytes of address space than there are in use, and
# says what it raised. Memory that the allocator holds back does not count as room.
LIMIT = """
import ctypes, gc, pickle, resource
from pathlib import Path
import numpy as np
import briskmlp as bm
bm.set_num_threads(2)
def in_use():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
def limited(act, room):
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    resource.setrlimit(resource.RLIMIT_AS, (in_use() + room, resource.RLIM_INFINITY))
    try:
        act()
        return None
    except BaseException as error:
        return type(error)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
"""


@linux
def test_networks_larger_than_memory() -> None:
    program = """
for sizes in ([2000, 2000, 2000], [10, 4_000_000, 2], [1, 2**31, 1]):
    print(issubclass(limited(lambda: bm.MLP(sizes), 10 << 20), MemoryError))
net = bm.MLP([3, 4, 2], seed=0)
print(net.predict(np.zeros(3)).shape)
"""
    assert run(LIMIT + program) == ["True"] * 3 + ["(2,)"]


@linux
@pytest.mark.parametrize(
    ("way", "threads", "step"),
    [
        ("standardize=False", 1, "512 << 10"),
        ("standardize=False", 2, "512 << 10"),
        ("standardize=True", 1, "3 << 20"),
        ("batch_norm=True", 1, "3 << 20"),
    ],
)
def test_every_call_at_every_limit(way: str, threads: int, step: str) -> None:
    """More and more room, until all goes well: before that, MemoryError and nothing changed."""
    program = f"""
bm.set_num_threads({threads})
rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 300)).astype("f4")
y = rng.normal(size=(3000, 200)).astype("f4")
net = bm.MLP([300, 900, 500, 200], seed=0)
fit = dict(epochs=1, batch_size=1000, {way}, eval_set=(X, y))
net.copy().fit(X, y, **fit)  # starts the threads, and loads all modules
calls = {{
    "fit": lambda: net.fit(X, y, **fit),
    "predict": lambda: net.predict(X),
    "gradients": lambda: net.gradients(X, y),
    "backward": lambda: net.backward(X, y),
    "evaluate": lambda: net.evaluate(X, y),
    "copy": lambda: net.copy(),
    "pickle": lambda: pickle.dumps(net),
    "softmax": lambda: bm.softmax(X),
    "matmul": lambda: bm.matmul(X, X.T),
}}
for name, call in calls.items():
    failures = 0
    for room in range(0, 400 << 20, {step}):
        before = net.parameters.copy(), net.epochs_trained
        error = limited(call, room)
        if error is None:
            break
        assert issubclass(error, MemoryError), (name, room, error)
        assert np.array_equal(net.parameters, before[0]) and net.epochs_trained == before[1]
        failures += 1
    print(name, error is None, failures > 0)
"""
    lines = run(LIMIT + program, timeout=120)
    assert len(lines) == 9
    assert lines[0] == "fit True True"
    assert all(line.split()[1] == "True" for line in lines)


# --- What is given back ------------------------------------------------------------------------

CYCLES = """
import gc, pickle, resource, sys
from pathlib import Path
import numpy as np
import briskmlp as bm
bm.set_num_threads(2)
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 20)).astype("f4")
y = rng.integers(3, size=200)
def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
def cycle(i):
    net = bm.MLP([20, 30 + i % 3, 3], loss="cross_entropy", seed=i)
    net.fit(X, y, epochs=1, batch_size=50, eval_set=(X, y), standardize=i % 2 == 0,
            callback=(lambda history: None) if i % 5 == 0 else None)
    net.predict(X), net.predict(X[0]), net(X[:, ::-1]), net.gradients(X, y), net.evaluate(X, y)
    pickle.loads(pickle.dumps(net)).predict(X)
    try:
        net.fit(X, y[:-1])
    except ValueError:
        pass
    bm.softmax(X), bm.gelu(X), bm.matmul(X, X.T)
for i in range(300):
    cycle(i)
before = resident()
for i in range(int(sys.argv[1])):
    cycle(i)
print((resident() - before) / 2**20)
"""


@linux
@pytest.mark.parametrize(
    "count", [1000, pytest.param(10_000, marks=pytest.mark.slow)], ids=["1,000", "10,000"]
)
def test_cycles_of_use_leave_nothing_behind(count: int) -> None:
    """Made, fitted, asked, pickled, dropped: less than 5 MiB more in 10,000 rounds."""
    assert float(run(CYCLES, str(count), timeout=600)[0]) < 5
