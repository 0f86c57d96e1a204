"""What a library costs before it computes: import, disk, and memory while it trains."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

from briskmlp.bench.harness import Spread
from briskmlp.bench.processes import Process, RefusedError
from briskmlp.bench.worker import contestant
from briskmlp.bench.workloads import WORKLOADS

from .settings import Settings, say

KEY = ("contestant",)
ROUNDS = 5
MEMORY_WORKLOADS = ("mnist", "wide")


def measure(settings: Settings) -> Iterator[dict[str, Any]]:
    # One contestant a library: the first of each that trains, or predicts.
    first = {contestant(name).modules: name for name in reversed(settings.contestants)}
    names = [name for name in settings.contestants if name in first.values()]
    imports = import_seconds(names, rounds=2 if settings.quick else ROUNDS)
    numpy_files = files(distribution("numpy"))
    for name in names:
        kind = contestant(name)
        disk = closure(kind.distributions[0])
        result = {
            "contestant": name,
            "title": kind.title,
            "quick": settings.quick,
            "import_seconds": asdict(imports[name]),
            "installed_mb": sum(size for path, size in disk.items() if path not in numpy_files)
            / 1e6,
            "fit_mb": fit_megabytes(name, settings),
        }
        if name == "briskmlp":
            result["wheel_mb"] = zipped_megabytes(distribution("briskmlp"))
        say(f"{kind.title}: {result}")
        yield result


def import_seconds(names: list[str], rounds: int) -> dict[str, Spread]:
    """Seconds of importing each beyond what NumPy takes, in fresh processes that take turns."""
    codes = {name: f"import numpy, {', '.join(contestant(name).modules)}" for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    for code in codes.values():
        run(code)  # the files are in memory from now on
    for _ in range(rounds):
        numpy = run("import numpy")
        for name, code in codes.items():
            times[name].append(run(code) - numpy)
    return {name: Spread.of(values) for name, values in times.items()}


def run(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def closure(name: str) -> dict[str, int]:
    """Sizes of the files of a distribution and of all that it requires and is installed."""
    sizes: dict[str, int] = {}
    seen, waiting = set(), [name]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # required on other systems only
            continue
        sizes |= files(found)
        required = [text for text in found.requires or [] if "extra ==" not in text]
        waiting += [match[0].lower() for t in required if (match := re.match(r"[\w.-]+", t))]
    return sizes


def files(found: Distribution) -> dict[str, int]:
    """Sizes in bytes of a distribution's files, without what Python compiles them to."""
    paths = [found.locate_file(file) for file in found.files or [] if file.suffix != ".pyc"]
    return {str(path): path.stat().st_size for path in paths if path.is_file()}


def zipped_megabytes(found: Distribution) -> float:
    """What the distribution's wheel weighs, which is a zip archive of its files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path in files(found):
            wheel.write(path)
    return len(archive.getvalue()) / 1e6


def fit_megabytes(name: str, settings: Settings) -> dict[str, float]:
    """Peak memory of a first epoch beyond the data, for each of a few workloads."""
    if "train" not in contestant(name).measures:
        return {}
    result = {}
    for workload in WORKLOADS:
        if workload.name in MEMORY_WORKLOADS:
            with Process(name, max(settings.threads)) as process:
                try:
                    result[workload.name] = process.ask("memory", asdict(workload), settings.dtype)
                except RefusedError as refusal:
                    say(f"{name}: {refusal}")
    return result
