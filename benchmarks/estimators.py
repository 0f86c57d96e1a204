"""The estimators beside scikit-learn's: fitting and predicting, same settings, same threads.

    python benchmarks/estimators.py --threads 1                       # all cases, as a table
    python benchmarks/estimators.py --cases 1000x20 --solvers adam    # some of them

`run.py estimators` runs it for every number of threads and keeps the results. The two take turns in
one process; between turns it rests, until idle threads have gone to sleep. What a case is worth is
measured only if both come to the same loss.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple


class Case(NamedTuple):
    """A size of problem, and how many epochs or iterations of it to time."""

    rows: int
    features: int
    hidden: tuple[int, ...]
    epochs: int
    rounds: int

    @property
    def name(self) -> str:
        return f"{self.rows}x{self.features}"


CASES = (
    Case(50, 20, (100,), epochs=1, rounds=21),  # what a fit costs beside its training
    Case(1_000, 20, (100,), epochs=20, rounds=9),
    Case(10_000, 50, (64, 64), epochs=5, rounds=7),
    Case(60_000, 784, (256, 128), epochs=1, rounds=3),
)
SOLVERS = ("adam", "lbfgs")
DTYPES = ("float32", "float64")
CLASSES = 10
PREDICTED = 10_000  # rows, at most
# Seconds: OpenBLAS's threads spin for a tenth of one after their work, on a processor that whoever
# comes next would have.
REST = 0.15
# How far losses may be apart: rounding, which training magnifies, by the type.
TOLERANCE = {"float32": 1e-2, "float64": 1e-6}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cases", nargs="+", default=[case.name for case in CASES])
    parser.add_argument("--solvers", nargs="+", default=SOLVERS)
    parser.add_argument("--dtypes", nargs="+", default=DTYPES)
    parser.add_argument("--rounds", type=int, help="instead of each case's own")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each")
    return parser.parse_args()


ARGS = parse()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(ARGS.threads)  # before NumPy reads them
os.environ["BRISKMLP_NUM_THREADS"] = str(ARGS.threads)

import warnings  # noqa: E402
from dataclasses import asdict  # noqa: E402

import briskmlp  # noqa: E402
import numpy as np  # noqa: E402
import sklearn.neural_network  # noqa: E402
from briskmlp.bench.harness import Spread  # noqa: E402
from briskmlp.bench.processes import processors  # noqa: E402

CONTESTANTS = {"briskmlp": briskmlp, "scikit-learn": sklearn.neural_network}


def data(case: Case, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((case.rows, case.features), dtype=np.float32).astype(dtype)
    y = (X @ rng.standard_normal((case.features, CLASSES)).astype(dtype)).argmax(axis=1)
    return X, y


def estimators(case: Case, solver: str) -> dict[str, Any]:
    settings = {
        "hidden_layer_sizes": case.hidden,
        "solver": solver,
        "max_iter": case.epochs,
        "tol": 0.0,
        "n_iter_no_change": case.epochs,
        "random_state": 0,
    }
    return {name: module.MLPClassifier(**settings) for name, module in CONTESTANTS.items()}


def race(calls: dict[str, Callable[[], object]], rounds: int, each: float) -> dict[str, Any]:
    """Seconds a call of each contestant, in turns of at least `each` seconds."""
    repeats = {
        name: max(1, int(each / max(seconds(call, 1), 1e-7))) for name, call in calls.items()
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds):
        order = list(calls) if turn % 2 else list(reversed(calls))
        for name in order:
            time.sleep(REST)
            times[name].append(seconds(calls[name], repeats[name]))
    return {name: asdict(Spread.of(values)) for name, values in times.items()}


def seconds(call: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def measured(case: Case, solver: str, dtype: str) -> dict[str, Any]:
    X, y = data(case, dtype)
    both = estimators(case, solver)
    for estimator in both.values():
        estimator.fit(X, y)
    ours, theirs = (estimator.loss_ for estimator in both.values())
    if not abs(ours - theirs) <= TOLERANCE[dtype] * abs(theirs):
        raise SystemExit(f"{case.name} {solver} {dtype}: losses {ours} and {theirs}: not the same")
    some, one = X[:PREDICTED], X[:1]
    rounds = ARGS.rounds or case.rounds
    return {
        "rows": case.rows,
        "features": case.features,
        "hidden": case.hidden,
        "solver": solver,
        "dtype": dtype,
        "threads": ARGS.threads,
        "epochs": case.epochs,
        "predicted": len(some),
        "quick": ARGS.rounds is not None,
        "seconds": {
            "fit": race({k: lambda e=e: e.fit(X, y) for k, e in both.items()}, rounds, 0.02),
            "predict": race({k: lambda e=e: e.predict(some) for k, e in both.items()}, 9, 0.02),
            "row": race({k: lambda e=e: e.predict(one) for k, e in both.items()}, 9, 0.02),
        },
    }


def lines(record: dict[str, Any]) -> Iterator[str]:
    head = (
        f"{record['rows']}x{record['features']} {record['hidden']} {record['solver']} "
        f"{record['dtype']}, threads {record['threads']}"
    )
    yield head
    for what, times in record["seconds"].items():
        ours, theirs = (times[name]["median"] for name in CONTESTANTS)
        yield f"  {what:8} {theirs:10.6f} s -> {ours:10.6f} s  {theirs / ours:6.2f}x"


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors(ARGS.threads))
    warnings.simplefilter("ignore")  # that so few epochs do not converge
    for case in CASES:
        for solver in ARGS.solvers:
            for dtype in ARGS.dtypes:
                if case.name not in ARGS.cases:
                    continue
                record = measured(case, solver, dtype)
                text = [json.dumps(record)] if ARGS.json else lines(record)
                print(*text, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
