"""Where the time of `fit` goes: samples of `perf`, sorted by phase of the training step.

    python benchmarks/profile_fit.py digits --threads 2

It needs `perf` and an extension with its symbols: pip install . -Cinstall.strip=false
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections import Counter

import briskmlp as bm
from briskmlp.bench.workloads import WORKLOADS

# The first that matches a function's name. All that copies memory in a step gathers rows.
PHASES = {
    "gather": r"gather_rows|BatchRows|memcpy|memmove",
    "forward, dX": r"tile_row_major|narrow_forward|::(back|for)ward<",
    "dW": r"tile_column_major|narrow_gradient",
    "loss": r"::mse<|cross_entropy|gaussian_nll|exponentials|TurnedRows",
    "optimizer": r"::adam<|::sgd",
    "transposes": r"::transpose",
    "sums": r"::add_rows<",
    "waiting": r"::barrier|spin_pause|Seat|::work$|take_part|_yield",
    "between kernels": r"Shard|Step|Minibatch|Pass|dense_|sum_matrices|::gemm",
    "once an epoch": r"::fit<|finite|BlockMatrices",
}
SECONDS = 5.0


def train(name: str, threads: int) -> None:
    """Fit for some seconds and print those of one step: of the fastest epoch, and of the median."""
    workload = next(w for w in WORKLOADS if w.name == name)
    X, y = workload.data("float32")
    net = workload.network()
    bm.set_num_threads(threads)
    seconds: list[float] = []
    while sum(seconds) < SECONDS:
        epochs = max(1, int(SECONDS / 4 / max(seconds[-1], 1e-6))) if seconds else 1
        history = net.fit(X, y, epochs=epochs, batch_size=workload.batch_size, progress=False)
        seconds += [float(s) for s in history["seconds"]]
    seconds.sort()
    print(seconds[0] / workload.steps, seconds[len(seconds) // 2] / workload.steps)


def profile(name: str, threads: int) -> tuple[str, Counter[str]]:
    """Return what `train` prints in a process of its own, and its samples by function."""
    child = [sys.executable, __file__, name, "--threads", str(threads), "--train"]
    with tempfile.NamedTemporaryFile() as data:
        record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", data.name, "--"]
        steps = subprocess.run([*record, *child], check=True, capture_output=True, text=True).stdout
        report = ["perf", "report", "-i", data.name, "-F", "sample,dso,sym", "-t", "|"]
        lines = subprocess.run(
            [*report, "--stdio", "-q"], check=True, capture_output=True, text=True
        ).stdout.splitlines()
    samples: Counter[str] = Counter()
    for line in lines:
        count, library, function = (field.strip() for field in [*line.split("|", 2), "", ""][:3])
        # Python, NumPy and the making of the data stay out of it.
        if re.search(r"_briskmlp_core|libc", library):
            samples[function] += int(count)
    return steps, samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", choices=[w.name for w in WORKLOADS])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--train", action="store_true", help="only train, unobserved")
    parser.add_argument("--functions", action="store_true", help="also show each function")
    options = parser.parse_args()
    if options.train:
        train(options.workload, options.threads)
        return
    steps, samples = profile(options.workload, options.threads)
    phases: Counter[str] = Counter()
    for function, count in samples.items():
        fits = (phase for phase, names in PHASES.items() if re.search(names, function))
        phases[next(fits, "other")] += count
    fastest, median = (float(s) * 1e6 for s in steps.split())
    print(f"{options.workload}, threads: {options.threads}: ", end="")
    print(f"a step takes {fastest:.2f} us, median {median:.2f}")
    for phase in (*PHASES, "other"):
        print(f"{100 * phases[phase] / samples.total():6.1f} %  {phase}")
    for function, count in samples.most_common(25 if options.functions else 0):
        print(f"{count:8}  {function}")


if __name__ == "__main__":
    main()
