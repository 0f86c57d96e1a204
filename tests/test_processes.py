"""Forks, other ways to start processes, the end of the interpreter: nothing hangs or crashes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from processes import run

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

# What every program below begins with: work that takes the team of threads, and its right result.
WORK = """
import os, signal, sys, time
import numpy as np
import briskmlp as bm
bm.set_num_threads(3)
X = np.random.default_rng(0).normal(size=(500, 64)).astype("f4")
def work():
    net = bm.MLP([64, 128, 128, 1], seed=0)
    net.fit(X, X[:, 0], epochs=1, batch_size=250)
    return net.predict(X).tobytes()
right = work()
"""
FORK = """
def child(task):
    '''What task() says in a forked child: True, False, or None when it says nothing in time.'''
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if task() else 1)
        finally:
            os._exit(2)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
"""


@posix
def test_a_hundred_forks_of_a_process_with_a_team() -> None:
    program = """
for i in range(100):
    assert child(lambda: work() == right), f"child {i}"
    assert work() == right, f"parent {i}"
print("done")
"""
    assert run(WORK + FORK + program, timeout=120) == ["done"]


@posix
def test_a_fork_while_other_threads_compute() -> None:
    program = """
import threading
stop = False
def compute():
    while not stop:
        assert work() == right
others = [threading.Thread(target=compute) for _ in range(2)]
for other in others: other.start()
for i in range(30):
    assert child(lambda: work() == right), f"child {i}"
stop = True
for other in others: other.join(30)
assert work() == right
print("done")
"""
    assert run(WORK + FORK + program, timeout=120) == ["done"]


@posix
def test_a_child_of_a_child() -> None:
    program = """
assert child(lambda: work() == right and child(lambda: work() == right) and work() == right)
print("done")
"""
    assert run(WORK + FORK + program) == ["done"]


@posix
@pytest.mark.parametrize("where", ["callback", "loss"])
def test_a_fork_in_the_middle_of_a_fit(where: str) -> None:
    program = """
ends = []
def forks(*_):
    if len(ends) < 3:
        ends.append(child(lambda: work() == right))
def loss(raw, y):
    forks()
    error = raw[:, 0] - y
    return np.mean(error**2), 2 * error[:, np.newaxis] / len(y)
net = bm.MLP([64, 128, 128, 1], seed=0)
settings = {"callback": forks} if sys.argv[1] == "callback" else {"loss": loss}
net.fit(X, X[:, 0], epochs=4, **settings)
print(ends, work() == right)
"""
    assert run(WORK + FORK + program, where) == ["[True, True, True] True"]


@posix
def test_a_fit_goes_on_in_parent_and_child() -> None:
    """Forked in a callback, from which both return."""
    program = """
pids = []
def fork(history):
    if not pids:
        pids.append(os.fork())
def fit(callback):
    net = bm.MLP([64, 128, 128, 1], seed=0)
    net.fit(X, X[:, 0], epochs=3, batch_size=250, callback=callback)
    return net.predict(X).tobytes()
alone = fit(lambda history: None)
good = fit(fork) == alone
if pids[0] == 0:
    os._exit(0 if good else 1)
print(good, os.waitpid(pids[0], 0)[1])
"""
    assert run(WORK + program) == ["True 0"]


@posix
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, tmp_path: Path) -> None:
    """Spawned processes import the program, so it is a file."""
    program = """
import multiprocessing
def task(_):
    return work() == right
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(pool.map_async(task, range(6)).get(60), work() == right)
"""
    answer = run(WORK + program, method, timeout=120, path=tmp_path / "program.py")
    assert answer == [f"{[True] * 6} True"]


@posix
def test_loky() -> None:
    """joblib's processes, which it limits by OMP_NUM_THREADS; a network travels in a pickle."""
    pytest.importorskip("joblib")
    program = """
import joblib
net = bm.MLP([64, 128, 1], seed=0)
def task(net):
    import briskmlp
    return net.predict(X).tobytes(), briskmlp.get_num_threads()
with joblib.parallel_config("loky", inner_max_num_threads=1):
    answers = joblib.Parallel(n_jobs=2, timeout=60)(joblib.delayed(task)(net) for _ in range(4))
expected = net.predict(X).tobytes()
print([(same == expected, threads) for same, threads in answers])
"""
    assert run(WORK + program, timeout=120) == [str([(True, 1)] * 4)]


# --- The end of the interpreter ----------------------------------------------------------------

AT_WORK = """
import threading
def fit(callback):
    net = bm.MLP([64, 128, 128, 1], seed=0)
    while True:
        net.fit(X, X[:, 0], epochs=5, callback=callback)
def predict():
    net = bm.MLP([64, 128, 128, 1], seed=0)
    while True:
        net.predict(X), net.predict(X[0]), bm.exp(X), bm.softmax(X), bm.matmul(X, X.T)
for task in (lambda: fit(None), lambda: fit(lambda history: None), predict, predict):
    threading.Thread(target=task, daemon=True).start()
"""


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.15, 0.2])
def test_daemon_threads_at_exit(seconds: float) -> None:
    """They neither hold up the end of the program nor bring it down."""
    program = WORK + AT_WORK + f"time.sleep({seconds}); print('end')"
    assert run(program) == ["end"]


def test_work_at_exit() -> None:
    program = WORK + "import atexit; atexit.register(lambda: print(work() == right)); print('end')"
    assert run(program) == ["end", "True"]


def test_an_exit_in_a_callback() -> None:
    program = """
def leave(history):
    print("leaves", flush=True)
    sys.exit(0)
bm.MLP([64, 128, 1], seed=0).fit(X, X[:, 0], callback=leave)
"""
    assert run(WORK + program) == ["leaves"]


@pytest.mark.parametrize("before", ["", "import briskmlp"])
def test_another_interpreter_in_the_process(before: str) -> None:
    """An error that says so, whether or not the main one has the package; it hangs no one."""
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    program = f"""
        {before}
        import {name} as interpreters
        code = '''if True:
            import warnings
            warnings.simplefilter("ignore")
            try:
                from briskmlp import _briskmlp_core
            except ImportError as error:
                print(error, flush=True)
        '''
        interpreters.run_string(interpreters.create(), code)
    """
    [message] = run(program)
    assert "main interpreter" in message
