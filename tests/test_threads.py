"""How many threads are used: what the machine, the environment and the program allow; and that
many Python threads at once get what each would get alone.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import briskmlp as bm
import numpy as np
import pytest
from processes import run

pytestmark = pytest.mark.skipif(
    bm.show_config("dict")["threading"] == "serial", reason="has no threads"
)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")

COUNT = "import briskmlp as bm; print(bm.get_num_threads())"
# How many workers a fit has when it may have as many as it likes.
WORKERS = """
    import sys, numpy as np, briskmlp as bm
    from pathlib import Path
    X = np.random.default_rng(0).normal(size=(1000, 64)).astype("f4")
    def team():
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    before = team()
    bm.MLP([64, 500, 500, 1], seed=0).fit(X, X[:, 0], epochs=1, batch_size=1000)
    print(1 + team() - before)
"""


def default_count(**environment: str) -> int:
    return int(run(COUNT, **environment)[0])


@pytest.fixture(autouse=True)
def _threads_as_before():
    with bm.threads(bm.get_num_threads()):
        yield


# --- Limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "BRISKMLP_NUM_THREADS"])
def test_environment_variables(variable: str) -> None:
    most = default_count()
    assert default_count(**{variable: "1"}) == 1
    assert default_count(**{variable: "1000"}) == most
    assert int(run(WORKERS, **{variable: "1"})[0]) == 1


def test_the_lower_variable_counts() -> None:
    for omp, own in (("1", "1000"), ("1000", "1"), ("1,4", "")):
        assert default_count(OMP_NUM_THREADS=omp, BRISKMLP_NUM_THREADS=own) == 1


@pytest.mark.parametrize("value", ["0", "-2", "two", "1.5"])
def test_a_variable_that_says_nothing(value: str) -> None:
    """Another library's is passed over; our own is an error that names it."""
    assert default_count(OMP_NUM_THREADS=value) == default_count()
    with pytest.raises(AssertionError, match=f'BRISKMLP_NUM_THREADS is "{value}", expected'):
        default_count(BRISKMLP_NUM_THREADS=value)


@linux
def test_affinity() -> None:
    """A mask of one processor, from before Python starts or from before the first use."""
    one = min(os.sched_getaffinity(0))
    limit = f"import os; os.sched_setaffinity(0, [{one}])\n"
    assert run(limit + COUNT) == ["1"]
    assert run(limit + WORKERS.replace("\n    ", "\n")) == ["1"]
    assert run(limit + "bm = __import__('briskmlp'); bm.set_num_threads(3)\n" + COUNT) == ["3"]


@linux
@pytest.mark.parametrize("count", [1, 2, 5])
def test_as_many_workers_as_set(count: int) -> None:
    program = WORKERS.replace("before = team()", f"bm.set_num_threads({count}); before = team()")
    assert run(program) == [str(count)]


def test_threads_block() -> None:
    before = bm.get_num_threads()

    def inside() -> None:
        with bm.threads(before + 3):
            assert bm.get_num_threads() == before + 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        inside()
    assert bm.get_num_threads() == before


# --- threadpoolctl -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begin",
    [
        "import threadpoolctl, briskmlp as bm",
        "import briskmlp as bm, threadpoolctl; net = bm.MLP([1, 1])",
        "import briskmlp as bm, threadpoolctl; bm.get_num_threads()",
        "import briskmlp as bm, threadpoolctl, pickle; pickle.loads(pickle.dumps(bm.MLP([1, 1])))",
    ],
)
def test_threadpoolctl(begin: str) -> None:
    pytest.importorskip("threadpoolctl")
    program = f"""
        {begin}
        bm.set_num_threads(4)
        [ours] = [i for i in threadpoolctl.threadpool_info() if i["internal_api"] == "briskmlp"]
        print(ours["num_threads"], ours["version"] == bm.__version__)
        with threadpoolctl.threadpool_limits(1):
            print(bm.get_num_threads())
        with threadpoolctl.threadpool_limits(2, user_api="briskmlp"):
            print(bm.get_num_threads())
        with threadpoolctl.threadpool_limits(1, user_api="blas"):
            print(bm.get_num_threads())
        print(bm.get_num_threads())
    """
    assert run(program) == ["4 True", "1", "2", "4", "4"]


def test_threadpoolctl_is_not_loaded_by_us() -> None:
    program = "import sys, briskmlp as bm; bm.MLP([1, 1]); print('threadpoolctl' in sys.modules)"
    assert run(program) == ["False"]


# --- At once -----------------------------------------------------------------------------------

X = np.random.default_rng(0).normal(size=(600, 64)).astype("f4")
Y = X @ np.random.default_rng(1).normal(size=(64, 3)).astype("f4")


def make(seed: int) -> bm.MLP:
    return bm.MLP([64, 100 + seed, 60, 3], "tanh", seed=seed)


def in_threads(count: int, task: Callable[[int], object]) -> list[object]:
    """The results of task(0), task(1), ..., begun at the same moment in Python threads."""
    start = threading.Barrier(count)

    def work(number: int) -> object:
        start.wait(60)
        return task(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count), timeout=120))


def life(seed: int) -> list[np.ndarray]:
    """Train and predict, several times over."""
    net = make(seed)
    results = []
    for _ in range(4):
        net.fit(X, Y, epochs=2, batch_size=64)
        results += [net.predict(X), net.predict(X[seed]), net.gradients(X, Y)[1]]
    return results


def test_eight_threads_with_networks_of_their_own() -> None:
    """Whichever finds the team of threads in use works alone, to the same bits."""
    bm.set_num_threads(1)
    expected = [life(seed) for seed in range(8)]
    bm.set_num_threads(4)
    for alone, together in zip(expected, in_threads(8, life), strict=True):
        assert all(map(np.array_equal, alone, together))


def test_one_network_predicts_in_eight_threads() -> None:
    bm.set_num_threads(4)
    net = make(0)
    whole, raw, loss = net.predict(X), net(X), net.evaluate(X, Y)

    def predict(number: int) -> bool:
        row = slice(number * 7, None)
        return all(
            np.array_equal(net.predict(X[row]), whole[row])
            and np.array_equal(net(X), raw)
            and np.array_equal(net.predict(X[number]), whole[number])
            and net.evaluate(X, Y) == loss
            for _ in range(200)
        )

    assert in_threads(8, predict) == [True] * 8


def test_a_network_that_is_being_fitted_predicts() -> None:
    """Finite numbers, from some moment of the fit; afterwards what the fit alone gives."""
    bm.set_num_threads(2)
    net, alone = make(0), make(0)
    alone.fit(X, Y, epochs=20, batch_size=64)

    def task(number: int) -> bool:
        if number == 0:
            net.fit(X, Y, epochs=20, batch_size=64)
        return all(np.isfinite(net.predict(X)).all() for _ in range(20))

    assert all(in_threads(4, task))
    assert np.array_equal(net.parameters, alone.parameters)


def test_functions_of_arrays_in_eight_threads() -> None:
    bm.set_num_threads(4)
    big = np.random.default_rng(0).normal(size=(1000, 600)).astype("f4")
    calls = [lambda: bm.exp(big), lambda: bm.softmax(big), lambda: bm.matmul(big, big.T)]
    expected = [call() for call in calls]

    def task(number: int) -> bool:
        return all(
            np.array_equal(calls[(number + i) % 3](), expected[(number + i) % 3]) for i in range(4)
        )

    assert in_threads(8, task) == [True] * 8


def test_the_number_of_threads_changes_while_others_compute() -> None:
    net = make(0)
    with bm.threads(1):
        whole = net.predict(X)
        trained = life(3)

    def task(number: int) -> bool:
        if number == 0:
            for i in range(300):
                bm.set_num_threads(1 + i % 6)
            return True
        if number == 1:
            return all(map(np.array_equal, life(3), trained))
        return all(np.array_equal(net.predict(X), whole) for _ in range(100))

    assert in_threads(4, task) == [True] * 4


# --- Idle --------------------------------------------------------------------------------------


@linux
def test_idle_workers_cost_no_processor_time() -> None:
    """They watch for 50 microseconds and then sleep: half a second of leisure costs nearly none."""
    program = """
        import time, numpy as np, briskmlp as bm
        bm.set_num_threads(4)
        X = np.random.default_rng(0).normal(size=(2000, 64)).astype("f4")
        bm.MLP([64, 200, 200, 1], seed=0).fit(X, X[:, 0], epochs=2)
        before = time.process_time()
        time.sleep(0.5)
        print(time.process_time() - before)
    """
    assert float(run(program)[0]) < 0.02  # three workers that spin would use up to 1.5
