"""`python -m briskmlp bench`: training and prediction on this machine, beside other libraries.

Each library that is installed runs at its best settings in a process of its own, limited to the
same processors, and must first come to the same results. They take turns; medians count, and the
spread is half the distance between the quartiles.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from collections.abc import Callable, Sequence

from .._names import unknown_name
from .._runtime import get_num_threads, show_config
from .harness import Comparison, compare, started
from .rivals import RIVALS, load
from .table import table, verdict
from .workloads import LOSSES, WORKLOADS, Workload


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns its exit status."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        workloads, rivals = chosen_workloads(options), chosen_rivals(options.rivals)
    except ValueError as error:
        parser.error(str(error))
    config = show_config("dict")
    print(f"{config['cpu']}, {config['isa']}, {config['available_processors']} processors")
    comparisons = []
    for threads in options.threads or sorted({1, get_num_threads()}):
        with started(["briskmlp", *rivals], threads) as processes:
            for workload in workloads:
                progress = progress_line(f"{workload.name}, threads: {threads}")
                comparison = compare(workload, options.dtype, threads, processes, progress=progress)
                progress("")
                print("", *table(comparison), sep="\n", flush=True)
                comparisons.append(comparison)
    conclude(comparisons)
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    result = argparse.ArgumentParser(
        prog="briskmlp bench",
        description=__doc__,
        epilog="workloads: " + "; ".join(map(str, WORKLOADS)),
    )
    result.add_argument("names", nargs="*", metavar="NAME", help="workloads; default: all")
    result.add_argument("--sizes", type=numbers, help="a network of your own: 784,256,10")
    result.add_argument("--batch", type=positive, default=128, help="its batch (%(default)s)")
    result.add_argument("--rows", type=positive, help="rows in its epoch; default: a few batches")
    result.add_argument("--loss", default="mse", choices=LOSSES, help="and its loss (%(default)s)")
    result.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    result.add_argument(
        "--threads", type=numbers, help="numbers of threads: 1,2; default: 1 and all"
    )
    result.add_argument(
        "--rivals",
        type=lambda text: text.split(","),
        help=f"of {', '.join(RIVALS)}; default: all that are installed, except those that take "
        f"long to compile ({', '.join(n for n in RIVALS if not load(n).by_default)})",
    )
    return result


def positive(text: str) -> int:
    """Read a number from 1 on."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text!r}")
    return int(text)


def numbers(text: str) -> tuple[int, ...]:
    """Read numbers with commas between them."""
    return tuple(positive(part) for part in text.split(","))


def chosen_workloads(options: argparse.Namespace) -> list[Workload]:
    """The workloads that the options ask for."""
    if options.sizes:
        if len(options.sizes) < 2:
            raise ValueError("--sizes needs at least two numbers, inputs and outputs")
        return [Workload.short("yours", options.sizes, options.loss, options.batch, options.rows)]
    by_name = {workload.name: workload for workload in WORKLOADS}
    for name in options.names:
        if name not in by_name:
            raise ValueError(unknown_name("workload", name, by_name))
    return [by_name[name] for name in options.names or by_name]


def chosen_rivals(names: Sequence[str] | None) -> list[str]:
    """The rivals that are asked for, or those that are here."""
    if names is None:
        return [name for name in RIVALS if load(name).by_default and load(name).installed()]
    for name in names:
        if name not in RIVALS:
            raise ValueError(unknown_name("rival", name, RIVALS))
        if not load(name).installed():
            raise ValueError(f"rival {name} needs {' and '.join(load(name).modules)} installed")
    return list(names)


def progress_line(what: str) -> Callable[[str], None]:
    """Show on a terminal what is being done, in one line; an empty text ends it."""
    start = time.perf_counter()

    def show(text: str) -> None:
        line = f"{time.perf_counter() - start:3.0f} s  {what}: {text}" if text else ""
        if sys.stderr.isatty():
            print(f"\r{line:<99}" + ("" if text else "\r"), end="", file=sys.stderr, flush=True)

    return show


def conclude(comparisons: Sequence[Comparison]) -> None:
    """Say what all tables come to."""
    print()
    for sentence in verdict(comparisons):
        print(textwrap.fill(sentence, 100, subsequent_indent="  "))
