"""Whether more threads ever cost time: `python benchmarks/threads.py [--widths 64] [--batches 1]`.

Times `fit` and `predict` of networks width-width-width-width on 1 thread, on 2, 4, ..., and on as
many as are the default, in turns, and compares medians. Prints the shapes where

- more threads take more than 1.05 times as long as one, or
- the default takes more than 1.1 times as long as the best.

A shape that seems so is measured again, with five times the rounds: on a shared machine most are
noise. What is still there ends the program with 1.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import briskmlp as bm
import numpy as np

WIDTHS = [2**i for i in range(10)]
BATCHES = [2**i for i in range(13)]
SLOWER, WORSE = 1.05, 1.1
SECONDS = 4e-3  # that one measurement should take at least

Work = Callable[[], object]


def fitting(width: int, batch: int) -> Callable[[int], Work]:
    """Of a number of steps."""
    rng = np.random.default_rng(0)
    batches = max(1, min(64, 4096 // batch))
    X, y = (rng.normal(size=(batch * batches, width)).astype("f4") for _ in range(2))
    net = bm.MLP([width] * 4, seed=0)
    settings = {"batch_size": batch, "optimizer": bm.SGD(1e-6), "progress": False}
    return lambda steps: lambda: net.fit(X, y, epochs=max(1, steps // batches), **settings)


def predicting(width: int, batch: int) -> Callable[[int], Work]:
    """As many times over."""
    X = np.random.default_rng(0).normal(size=(batch, width)).astype("f4")
    net = bm.MLP([width] * 4, seed=0)
    out = net.predict(X)

    def times(count: int) -> Work:
        def work() -> None:
            for _ in range(count):
                net.predict(X, out)

        return work

    return times


def seconds(work: Work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(make: Callable[[int], Work], counts: list[int], rounds: int) -> dict[int, float]:
    """Seconds by the number of threads; of work that takes long enough on the default."""
    amount = 64
    while (took := seconds(make(amount))) < SECONDS and amount < 2**20:
        amount *= 2 if took > SECONDS / 4 else 4
    work = make(amount)
    times: dict[int, list[float]] = {count: [] for count in counts}
    for number in range(rounds):
        for count in counts if number % 2 else reversed(counts):
            with bm.threads(count):
                times[count].append(seconds(work))
    return {count: float(np.median(values)) for count, values in times.items()}


def verdict(found: dict[int, float], default: int) -> str:
    """What is wrong with these medians; empty if nothing is."""
    best = min(found, key=found.__getitem__)
    worst = max(found, key=found.__getitem__)
    if found[worst] > SLOWER * found[1]:
        return f"{worst} threads take {found[worst] / found[1]:.2f}x the time of 1"
    if found[default] > WORSE * found[best]:
        return f"the default {default} takes {found[default] / found[best]:.2f}x that of {best}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    default = bm.get_num_threads()
    counts = sorted({default, *(2**i for i in range(default.bit_length()))})
    print(f"threads {counts}, default {default}; times are medians of {arguments.rounds} rounds")
    shapes, bad, gains = 0, 0, []
    for kind, prepare in (("fit", fitting), ("predict", predicting)):
        for width in arguments.widths:
            for batch in arguments.batches:
                make = prepare(width, batch)
                found = medians(make, counts, arguments.rounds)
                if verdict(found, default):
                    found = medians(make, counts, 5 * arguments.rounds)
                shapes += 1
                gains.append(found[1] / found[default])
                if problem := verdict(found, default):
                    bad += 1
                    print(f"{kind:<8} width {width:>4} batch {batch:>5}: {problem}")
    print(
        f"{shapes} shapes, {bad} of them worse than promised; the default is {min(gains):.2f} to "
        f"{max(gains):.2f} times as fast as one thread"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
