"""How long Ctrl-C takes to end a fit: `python benchmarks/interrupts.py [--times 50]`.

Several networks are fitted, each interrupted at random moments; prints, in milliseconds from the
signal to the KeyboardInterrupt, the median, the 99th percentile and the longest.
"""

from __future__ import annotations

import argparse
import os
import signal
import threading
import time

import briskmlp as bm
import numpy as np

# Hidden layers, rows and batch: from steps of microseconds to steps of a good part of a second.
CASES = {
    "small": ((64, 64), 20_000, 32),
    "middle": ((256, 128), 20_000, 128),
    "wide": ((2048, 2048), 20_000, 512),
    "huge batches": ((64, 64, 64), 200_000, 200_000),
}
INPUTS = 32


def delays(case: str, times: int, rng: np.random.Generator) -> np.ndarray:
    """Seconds (times,) from the signal to the exception."""
    hidden, rows, batch = CASES[case]
    X = rng.normal(size=(rows, INPUTS)).astype("f4")
    net = bm.MLP([INPUTS, *hidden, 1], seed=0)
    result = []
    for _ in range(times):
        sent: list[float] = []

        def interrupt(sent: list[float] = sent) -> None:
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.02 + rng.uniform(0, 0.1), interrupt)
        timer.start()
        try:
            net.fit(X, X[:, 0], epochs=10**6, batch_size=batch, optimizer=bm.SGD(1e-4))
        except KeyboardInterrupt:
            result.append(time.perf_counter() - sent[0])
        timer.join()
    return np.array(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50, help="interrupts of each network")
    times = parser.parse_args().times
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job would ignore it
    rng = np.random.default_rng(0)
    print(f"{'ms to the exception':<20} {'median':>8} {'99 %':>8} {'longest':>8}")
    for case in CASES:
        ms = 1e3 * delays(case, times, rng)
        print(f"{case:<20} {np.median(ms):8.1f} {np.quantile(ms, 0.99):8.1f} {ms.max():8.1f}")


if __name__ == "__main__":
    main()
