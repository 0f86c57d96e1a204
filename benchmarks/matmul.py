"""Products of matrices: briskmlp.matmul against numpy.matmul, interleaved, on the same threads.

    python benchmarks/matmul.py --threads 1 [--tables square skinny layouts] [--dtypes float32]

prints a table for each, as Markdown, and then every case that NumPy wins. Results are compared
before they are timed. Where the two processors share a core, two threads say nothing: the rate of
multiply-adds on all threads is measured first and printed.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import time
from functools import partial

SQUARE = (8, 16, 24, 32, 48, 64, 100, 128, 192, 256, 384, 512, 768, 1000, 1024, 1536, 2048)
SKINNY = (1, 3, 16, 64, 100, 1000)
LAYOUT_SIZES = (16, 64, 100, 256, 512, 1000, 1024)
ROUNDS = 25
SECONDS = 0.0005  # at least, for one timing of one contestant: short, so that noise meets both


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tables", nargs="+", default=["square", "skinny", "layouts"])
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    return parser.parse_args()


ARGS = parse()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(ARGS.threads)  # before NumPy reads them

import briskmlp as bm  # noqa: E402
import numpy as np  # noqa: E402
from briskmlp import _briskmlp_core as core  # noqa: E402


def seconds_of(call, repeats):
    start = time.perf_counter()
    for _ in itertools.repeat(None, repeats):
        call()
    return (time.perf_counter() - start) / repeats


def race(a, b, *out):
    """Median seconds a call of ours and of NumPy's."""
    calls = [partial(bm.matmul, a, b, *out), partial(np.matmul, a, b, *out)]
    ours, theirs = calls[0]().copy(), calls[1]()
    bound = 2 * a.shape[-1] * np.finfo(a.dtype).eps * (np.abs(a) @ np.abs(b))
    assert (np.abs(ours - theirs) <= bound).all(), (a.shape, b.shape)
    repeats = [max(1, int(SECONDS / max(seconds_of(call, 1), 1e-7))) for call in calls]
    times = [[], []]
    rounds = ROUNDS if max(seconds_of(call, 1) for call in calls) < 0.02 else 7
    for _ in range(rounds):
        for call, repeat, into in zip(calls, repeats, times, strict=True):
            into.append(seconds_of(call, repeat))
    return tuple(statistics.median(t) for t in times)


def draw(rng, rows, cols, dtype):
    return rng.standard_normal((rows, cols)).astype(dtype)


class Report:
    """What was measured, and what NumPy won."""

    def __init__(self, dtype):
        self.dtype, self.ratios, self.lost = dtype, {}, []

    def add(self, table, name, ours, theirs):
        self.ratios.setdefault(table, []).append(theirs / ours)
        if theirs < ours:
            self.lost.append(f"{table} {name}: {theirs / ours:.2f}")

    def close(self):
        for table, ratios in self.ratios.items():
            mean = statistics.geometric_mean(ratios)
            print(
                f"\n{self.dtype}, {table}: {mean:.2f} times NumPy's speed (geometric mean of "
                f"{len(ratios)}), lowest {min(ratios):.2f}"
            )
        print(f"\nNumPy wins {len(self.lost)}: " + "; ".join(self.lost or ["none"]))


def square(report, rng):
    peak = core.peak_gflops(report.dtype, 0.2) * ARGS.threads
    print("\n| n | µs | NumPy µs | ratio | GFLOP/s | of the peak |")
    print("|---:|---:|---:|---:|---:|---:|")
    for n in SQUARE:
        ours, theirs = race(draw(rng, n, n, report.dtype), draw(rng, n, n, report.dtype))
        rate = 2e-9 * n**3 / ours
        report.add("square", n, ours, theirs)
        print(
            f"| {n} | {ours * 1e6:.2f} | {theirs * 1e6:.2f} | {theirs / ours:.2f} | "
            f"{rate:.0f} | {rate / peak:.0%} |",
            flush=True,
        )


def skinny(report, rng):
    print("\n| M | K | " + " | ".join(f"N = {n}" for n in SKINNY) + " |")
    print("|---:|---:|" + "---:|" * len(SKINNY))
    for m, k in itertools.product(SKINNY, SKINNY):
        row = []
        for n in SKINNY:
            ours, theirs = race(draw(rng, m, k, report.dtype), draw(rng, k, n, report.dtype))
            report.add("skinny", f"{m}x{k}x{n}", ours, theirs)
            row.append(f"{theirs / ours:.2f}")
        print(f"| {m} | {k} | " + " | ".join(row) + " |", flush=True)


def layouts(report, rng):
    """Operands and results that do not lie in rows of neighbours."""
    names = ["A transposed", "B transposed", "both", "out transposed", "strided"]
    print("\n| M, K, N | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * len(names))
    shapes = [(n, n, n) for n in LAYOUT_SIZES]
    shapes += [(1, 100, 100), (100, 100, 1), (64, 1000, 64), (3, 1000, 1000), (1, 1000, 1000)]
    shapes += [(1000, 1000, 1), (1000, 16, 1000), (1000, 1000, 16)]
    for m, k, n in shapes:
        dtype = report.dtype
        a, b = draw(rng, m, k, dtype), draw(rng, k, n, dtype)
        at, bt = draw(rng, k, m, dtype).T, draw(rng, n, k, dtype).T
        out = np.empty((n, m), dtype).T
        wide = draw(rng, 2 * m, 2 * k, dtype)[::2, ::2], draw(rng, 2 * k, 2 * n, dtype)[::2, ::2]
        row = []
        cases = [(at, b), (a, bt), (at, bt), (a, b, out), wide]
        for name, operands in zip(names, cases, strict=True):
            ours, theirs = race(*operands)
            report.add("layouts", f"{m}x{k}x{n} {name}", ours, theirs)
            row.append(f"{theirs / ours:.2f}")
        print(f"| {m}, {k}, {n} | " + " | ".join(row) + " |", flush=True)


def main() -> None:
    bm.set_num_threads(ARGS.threads)
    print(f"NumPy {np.__version__}, {ARGS.threads} threads, {bm.show_config('dict')['isa']}")
    for dtype in ARGS.dtypes:
        rng = np.random.default_rng(0)
        report = Report(dtype)
        rate = core.peak_gflops(dtype, 0.2)
        print(f"\n## {dtype}, {ARGS.threads} threads of {rate:.0f} GFLOP/s each")
        for table in ARGS.tables:
            {"square": square, "skinny": skinny, "layouts": layouts}[table](report, rng)
        report.close()


if __name__ == "__main__":
    sys.exit(main())
