"""A network written by hand in NumPy, as it is and with briskmlp's functions of arrays.

    python benchmarks/numpy_mlp.py --threads 1

times steps of SGD three ways: NumPy; bm.matmul in place of numpy.matmul and nothing else; bm.linear
with its activation fused, and bm.linear_backward.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--threads", type=int, default=1)
ARGS = parser.parse_args()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = str(ARGS.threads)

import briskmlp as bm  # noqa: E402
import numpy as np  # noqa: E402

ROUNDS, STEPS = 15, 10


def plain(matmul):
    """One step of SGD with any matmul."""

    def step(x, y, layers):
        xs = [x]
        for layer, (w, b) in enumerate(layers):
            z = matmul(xs[-1], w) + b
            xs.append(np.maximum(z, 0) if layer < len(layers) - 1 else z)
        d = (xs[-1] - y) * np.float32(2 / y.size)
        for layer in reversed(range(len(layers))):
            w, b = layers[layer]
            d_w, d_b = matmul(xs[layer].T, d), d.sum(axis=0)
            if layer:
                d = matmul(d, w.T) * (xs[layer] > 0)
            w -= np.float32(0.01) * d_w
            b -= np.float32(0.01) * d_b

    return step


def fused(x, y, layers):
    """The same with linear and linear_backward."""
    xs = [x]
    for layer, (w, b) in enumerate(layers):
        xs.append(bm.linear(xs[-1], w, b, "relu" if layer < len(layers) - 1 else "identity"))
    d = (xs[-1] - y) * np.float32(2 / y.size)
    for layer in reversed(range(len(layers))):
        w, b = layers[layer]
        if layer:
            d_x, d_w, d_b = bm.linear_backward(d, xs[layer], w)
            d = d_x * (xs[layer] > 0)
        else:  # nobody needs d_x
            d_w, d_b = bm.matmul(x.T, d), d.sum(axis=0)
        w -= np.float32(0.01) * d_w
        b -= np.float32(0.01) * d_b


def network(sizes, rng):
    return [
        (
            (rng.standard_normal((k, n)) / np.sqrt(k)).astype("float32"),
            np.zeros(n, "float32"),
        )
        for k, n in itertools.pairwise(sizes)
    ]


def main() -> None:
    bm.set_num_threads(ARGS.threads)
    print(f"{ARGS.threads} threads\n\n| network | rows | NumPy µs | bm.matmul | bm.linear |")
    print("|---|--:|--:|--:|--:|")
    for sizes, rows in [
        ((1, 64, 64, 1), 32),
        ((64, 64, 10), 32),
        ((128, 256, 256, 256, 10), 128),
        ((784, 256, 128, 10), 128),
        ((1024, 1024, 1024), 256),
    ]:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((rows, sizes[0])).astype("float32")
        y = rng.standard_normal((rows, sizes[-1])).astype("float32")
        ways = [plain(np.matmul), plain(bm.matmul), fused]
        nets = [network(sizes, np.random.default_rng(1)) for _ in ways]
        times = [[], [], []]
        for _ in range(ROUNDS):
            for way, net, into in zip(ways, nets, times, strict=True):
                start = time.perf_counter()
                for _ in range(STEPS):
                    way(x, y, net)
                into.append((time.perf_counter() - start) / STEPS)
        for net in nets[1:]:  # the same training
            assert all(
                np.allclose(w, v, rtol=1e-3, atol=1e-4)
                for (w, _), (v, _) in zip(net, nets[0], strict=True)
            )
        numpy, ours, linear = (statistics.median(t) for t in times)
        print(
            f"| {'-'.join(map(str, sizes))} | {rows} | {numpy * 1e6:.0f} | {numpy / ours:.2f} | "
            f"{numpy / linear:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
