"""`python -m briskmlp bench`: training and prediction on this machine, beside plain NumPy.

Each number of threads gets a process of its own, because NumPy reads it once, when it starts. In
it the two take turns, so that a change of the machine's speed meets both, and medians count.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from . import reference
from ._mlp import MLP
from ._names import unknown_name
from ._runtime import get_num_threads, show_config
from ._workloads import WORKLOADS, Workload

ROUNDS = 5  # of which the median counts
SECONDS = 0.1  # that a measurement lasts, at least
PAUSE = 0.05  # seconds before each: until then threads of the last one may wait for work in a loop
THREAD_VARIABLES = (
    "BRISKMLP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns its exit status."""
    options = parser().parse_args(arguments)
    workloads = chosen(options)
    if options.worker:
        json.dump([measure(workload, options.dtype) for workload in workloads], sys.stdout)
        return 0
    config = show_config("dict")
    print(f"{config['cpu']}, {config['isa']}, NumPy {np.__version__}, {options.dtype}")
    for threads in options.threads or sorted({1, get_num_threads()}):
        print_table(workloads, threads, run_worker(arguments, threads))
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    result = argparse.ArgumentParser(prog="briskmlp bench", description=__doc__)
    result.add_argument("names", nargs="*", metavar="NAME", help="workloads; default: all")
    result.add_argument("--sizes", type=integers, help="a network of your own: 784,256,10")
    result.add_argument("--batch", type=int, default=128, help="its rows in a step (%(default)s)")
    result.add_argument("--rows", type=int, default=8192, help="and in an epoch (%(default)s)")
    result.add_argument("--loss", default="mse", help="and its loss (%(default)s)")
    result.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    result.add_argument(
        "--threads", type=integers, help="numbers of threads: 1,2; default: 1 and all"
    )
    result.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return result


def integers(text: str) -> tuple[int, ...]:
    """Read numbers with commas between them."""
    return tuple(int(part) for part in text.split(","))


def chosen(options: argparse.Namespace) -> list[Workload]:
    """The workloads that the options ask for."""
    if options.sizes:
        return [Workload("yours", options.sizes, options.loss, options.batch, options.rows)]
    by_name = {workload.name: workload for workload in WORKLOADS}
    for name in options.names:
        if name not in by_name:
            raise SystemExit(unknown_name("workload", name, by_name))
    return [by_name[name] for name in options.names or by_name]


def run_worker(arguments: Sequence[str], threads: int) -> list[dict[str, float]]:
    """Measure in a process whose NumPy and briskmlp use so many threads."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    command = [sys.executable, "-m", "briskmlp", "bench", *arguments, "--worker"]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    measured: list[dict[str, float]] = json.loads(result.stdout)
    return measured


def measure(workload: Workload, dtype: str) -> dict[str, float]:
    """Rows a second in training and prediction, microseconds for one row, of both."""
    X, y = workload.data(dtype)
    ours, numpy = workload.network(MLP, dtype), workload.network(reference.MLP, dtype)
    settings = {"epochs": 1, "batch_size": workload.batch_size}
    losses = [float(net.fit(X, y, **settings)["loss"][0]) for net in (ours, numpy)]
    if not math.isclose(*losses, rel_tol=1e-3):
        raise SystemExit(f"{workload.name}: losses differ, {losses[0]} and NumPy's {losses[1]}")
    rows, row = X[:4096], X[0]
    calls: dict[str, Callable[[], object]] = {
        "train": lambda: ours.fit(X, y, **settings),
        "numpy_train": lambda: numpy.fit(X, y, **settings),
        "predict": lambda: ours.predict(rows),
        "numpy_predict": lambda: numpy.predict(rows),
        "row": lambda: ours.predict(row),
        "numpy_row": lambda: numpy.predict(row),
    }
    seconds = interleaved(calls)
    counts = {"train": len(X), "predict": len(rows), "row": 1}
    return {name: counts[name.removeprefix("numpy_")] / t for name, t in seconds.items()}


def interleaved(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of a call of each, measured in turns."""
    repeats = {name: repeats_for(call) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            time.sleep(PAUSE)
            start = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            times[name].append((time.perf_counter() - start) / repeats[name])
    return {name: statistics.median(values) for name, values in times.items()}


def repeats_for(call: Callable[[], object]) -> int:
    """How often to call in order to measure long enough."""
    repeats = 1
    while True:
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        seconds = time.perf_counter() - start
        if seconds > SECONDS / 4:
            return max(1, round(repeats * SECONDS / seconds))
        repeats *= 4


def print_table(
    workloads: Sequence[Workload], threads: int, results: Sequence[dict[str, float]]
) -> None:
    """Print what one number of threads gave, and what it comes to."""
    print(f"\n{threads} thread{'s' if threads > 1 else ''}")
    print(f"{'':<44}{'training, rows/s':^28}{'prediction, rows/s':^28}{'one row, µs':^22}")
    columns = f"{'briskmlp':>11}{'NumPy':>9}{'ratio':>8}"
    print(f"{'network, loss, batch size':<44}{columns}{columns}{columns}")
    for workload, result in zip(workloads, results, strict=True):
        train = compared(result["train"], result["numpy_train"], rate)
        predict = compared(result["predict"], result["numpy_predict"], rate)
        row = compared(result["row"], result["numpy_row"], microseconds)
        print(f"{workload!s:<44}{train}{predict}{row}")
    ratios = [result["train"] / result["numpy_train"] for result in results]
    slower = [w.name for w, ratio in zip(workloads, ratios, strict=True) if ratio < 1]
    verdict = f"slower than NumPy on {', '.join(slower)}" if slower else "never slower than NumPy"
    print(f"Training: {statistics.geometric_mean(ratios):.1f}x NumPy on average, {verdict}.")


def compared(ours: float, numpy: float, text: Callable[[float], str]) -> str:
    """Three columns: two speeds and their ratio."""
    return f"{text(ours):>11}{text(numpy):>9}{ours / numpy:>7.1f}x"


def rate(per_second: float) -> str:
    """Write a rate in three digits: 4.81M, 97.3k."""
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if per_second >= factor:
            return f"{per_second / factor:.3g}{letter}"
    return f"{per_second:.3g}"


def microseconds(per_second: float) -> str:
    """Write the time that one takes."""
    return f"{1e6 / per_second:.2f}"
