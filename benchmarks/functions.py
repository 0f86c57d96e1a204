"""Measure the functions of arrays beside NumPy and write the table in docs/functions.md.

    export OMP_NUM_THREADS=1 MALLOC_TOP_PAD_=100000000 MALLOC_TRIM_THRESHOLD_=200000000
    python benchmarks/functions.py            # in about two minutes
    python benchmarks/functions.py exp tanh   # prints those; writes nothing

The second and third keep the allocator from giving a result's memory back and fetching it anew in
every call, which happens to one contestant or the other by chance and costs more than the function.

One thread each. Ours and NumPy's turns alternate; ratios are of medians. NumPy's own function is
the rival where it has one, else the expression that people write, which is shown; for erf, which
NumPy lacks, SciPy's.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import briskmlp as bm
import numpy as np
from briskmlp._function_docs import FUNCTIONS
from numpy.typing import NDArray
from scipy import special

Array = NDArray[Any]
PAGE = Path(__file__).resolve().parents[1] / "docs" / "functions.md"
BEGIN, END = "<!-- functions:begin -->\n", "<!-- functions:end -->\n"
SIZES = (1, 1000, 100_000, 10_000_000)
DTYPES = ("float32", "float64")
ROWS = ("softmax", "log_softmax", "logsumexp")  # along rows of 100
SECONDS = 0.1  # for a function, size and type


class Rival(NamedTuple):
    """An expression in NumPy, as text and as a function of x."""

    text: str
    function: Callable[[Array], Array]


def own(name: str) -> Rival:
    return Rival(f"np.{name}(x)", getattr(np, name))


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(x: Array) -> Array:
    z = x - x.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def logsumexp(x: Array) -> Array:
    top = x.max(axis=-1, keepdims=True)
    return np.log(np.exp(x - top).sum(axis=-1)) + top[..., 0]


def gelu(x: Array) -> Array:
    return 0.5 * x * (1 + special.erf(x / 2**0.5))


def gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


RIVALS = {
    **{name: own(name) for name in ("exp", "expm1", "log", "log1p", "tanh")},
    "erf": Rival("scipy.special.erf(x)", special.erf),
    "sigmoid": Rival("1 / (1 + np.exp(-x))", sigmoid),
    "logsigmoid": Rival("-np.logaddexp(0, -x)", lambda x: -np.logaddexp(0, -x)),
    "softplus": Rival("np.logaddexp(0, x)", lambda x: np.logaddexp(0, x)),
    "relu": Rival("np.maximum(x, 0)", lambda x: np.maximum(x, 0)),
    "leaky_relu": Rival("np.where(x > 0, x, 0.01 * x)", lambda x: np.where(x > 0, x, 0.01 * x)),
    "elu": Rival("np.where(x > 0, x, np.expm1(x))", lambda x: np.where(x > 0, x, np.expm1(x))),
    "selu": Rival(
        "1.0507 * np.where(x > 0, x, 1.6733 * np.expm1(x))",
        lambda x: 1.0507 * np.where(x > 0, x, 1.6733 * np.expm1(x)),
    ),
    "gelu": Rival("0.5 * x * (1 + scipy.special.erf(x / 2**0.5))", gelu),
    "gelu_tanh": Rival("0.5 * x * (1 + np.tanh(0.79788 * (x + 0.044715 * x * x * x)))", gelu_tanh),
    "silu": Rival("x / (1 + np.exp(-x))", lambda x: x / (1 + np.exp(-x))),
    "mish": Rival("x * np.tanh(np.log1p(np.exp(x)))", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "softmax": Rival("e = np.exp(x - x.max(-1)); e / e.sum(-1), rows of 100", softmax),
    "log_softmax": Rival("z - np.log(np.exp(z).sum(-1)), z = x - x.max(-1)", log_softmax),
    "logsumexp": Rival("np.log(np.exp(x - top).sum(-1)) + top, top = x.max(-1)", logsumexp),
}


def operand(name: str, size: int, dtype: str) -> Array:
    x = np.random.default_rng(0).standard_normal(size).astype(dtype)
    if name in ("log", "log1p"):
        return np.abs(x)
    return x.reshape(-1, min(size, 100)) if name in ROWS else x


def seconds(function: Callable[[Array], Array], x: Array, calls: int) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    for _ in range(calls):
        function(x)
    return (time.perf_counter() - begin) / calls


def ratio(name: str, size: int, dtype: str) -> tuple[float, float]:
    """NumPy's time over ours, and our nanoseconds for an element."""
    x = operand(name, size, dtype)
    contestants = (getattr(bm, name), RIVALS[name].function)
    np.testing.assert_allclose(contestants[0](x), contestants[1](x), rtol=1e-4, atol=1e-4)
    # Turns of some milliseconds: whose memory the first call of a turn inherits does not matter.
    calls = max(1, int(4e-3 / min(seconds(contestants[0], x, 1) for _ in range(3))))
    times: tuple[list[float], list[float]] = ([], [])
    deadline = time.perf_counter() + SECONDS
    while time.perf_counter() < deadline or len(times[0]) < 5:
        for function, record in zip(contestants, times, strict=True):
            record.append(seconds(function, x, calls))
    ours, numpys = map(statistics.median, times)
    return numpys / ours, 1e9 * ours / size


def table(names: list[str]) -> Iterator[str]:
    """Lines of the table, then of what is lost."""
    sizes = " | ".join(f"{size:,}" for size in SIZES)
    yield f"| function | ULP | | {sizes} | NumPy |"
    yield "|---|--:|---|" + "--:|" * len(SIZES) + "---|"
    lost = []
    for name in names:
        for index, dtype in enumerate(DTYPES):
            cells = []
            for size in SIZES:
                times, nanoseconds = ratio(name, size, dtype)
                cells.append(f"{times:.2f}x" if times >= 1 else f"**{times:.2f}x** ▼")
                if times < 1:
                    lost.append(
                        f"- {name}, {dtype}, {size:,} elements: NumPy is {1 / times:.2f} times as "
                        f"fast (ours takes {nanoseconds:.2f} ns an element)."
                    )
            bound = str(FUNCTIONS[name].ulp[index]) if name in FUNCTIONS else ""
            rival = f"`{RIVALS[name].text}`" if index == 0 else ""
            yield f"| {name} | {bound} | {dtype} | {' | '.join(cells)} | {rival} |"
    yield ""
    yield from ["Where we lose:", "", *lost] if lost else ["NumPy is faster in none."]


def main(names: list[str]) -> None:
    bm.set_num_threads(1)
    lines = []
    for line in table(names or list(RIVALS)):
        print(line, flush=True)
        lines.append(line)
    if not names:
        head, rest = PAGE.read_text("utf-8").split(BEGIN)
        text = "\n".join(lines)
        PAGE.write_text(f"{head}{BEGIN}{text}\n{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
