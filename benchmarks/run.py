"""Measure everything on this machine and write it to results/<processor>.json.

    python benchmarks/run.py            # all parts, in about fifteen minutes
    python benchmarks/run.py speed      # one part; what was there before and is not measured stays

`report.py` makes the README's tables and the plots from it.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import briskmlp as bm
from briskmlp._names import unknown_name
from briskmlp.bench.ours import PEAK_METHOD
from briskmlp.bench.rivals import RIVALS, load
from parts import accuracy, estimators, footprint, scaling, speed
from parts.settings import Settings

RESULTS = Path(__file__).parent / "results"
PARTS = {
    part.__name__.split(".")[1]: part for part in (speed, scaling, accuracy, footprint, estimators)
}


def main() -> None:
    options = parser().parse_args()
    for name in {*options.parts} - {*PARTS}:
        parser().error(unknown_name("part", name, PARTS))
    config = bm.show_config("dict")
    rivals = options.rivals.split(",") if options.rivals else installed()
    settings = Settings(
        contestants=("briskmlp", *rivals),
        threads=options.threads or tuple(sorted({1, bm.get_num_threads()})),
        dtype=options.dtype,
        workloads=tuple(options.workloads.split(",")) if options.workloads else None,
        quick=options.quick,
    )
    path = RESULTS / f"{re.sub('[^a-z0-9]+', '-', config['cpu'].lower()).strip('-')}.json"
    results = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    results["machine"] = machine(config)
    results["software"] = results.get("software", {}) | software(config, rivals)
    for name in options.parts or PARTS:
        begin = time.perf_counter()
        for record in PARTS[name].measure(settings):
            results[name] = merged(results.get(name, []), record, PARTS[name].KEY)
            path.write_text(json.dumps(rounded(results), indent=1) + "\n", "utf-8")
        print(f"{name}: {time.perf_counter() - begin:.0f} s", file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    result.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    result.add_argument("--threads", type=lambda text: tuple(map(int, text.split(","))))
    result.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    result.add_argument("--workloads", help="of the speeds, with commas between them")
    result.add_argument("--rivals", help="with commas between them; default: all installed")
    result.add_argument("--quick", action="store_true", help="a trial: few rounds, marked so")
    return result


def installed() -> list[str]:
    return [name for name in RIVALS if load(name).installed()]


def machine(config: dict[str, Any]) -> dict[str, Any]:
    """What it is; not whose, or when."""
    names = ("cpu", "isa", "available_processors", "l1d_bytes", "l2_bytes", "l3_bytes")
    return {name: config[name] for name in names} | {
        "system": f"{platform.system()} {platform.machine()}",
        "peak": PEAK_METHOD,
    }


def software(config: dict[str, Any], rivals: list[str]) -> dict[str, str]:
    names = ["briskmlp", "numpy", *(d for name in rivals for d in load(name).distributions)]
    return {
        "python": platform.python_version(),
        "compiler": config["compiler"],
        "threading": config["threading"],
        **dict(versions(names)),
    }


def versions(distributions: list[str]) -> Iterator[tuple[str, str]]:
    for name in distributions:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def rounded(value: Any) -> Any:
    """The same with five digits, more than any measurement has."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def merged(
    records: list[dict[str, Any]], new: dict[str, Any], key: tuple[str, ...]
) -> list[dict[str, Any]]:
    """The records with the new one in the place of that with the same key, or at the end."""
    at = {tuple(record[name] for name in key): record for record in records}
    at[tuple(new[name] for name in key)] = new
    return list(at.values())


if __name__ == "__main__":
    main()
