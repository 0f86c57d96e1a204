"""Seconds until 88 % of Fashion-MNIST's test images are right, from several seeds."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from briskmlp.bench.harness import started
from briskmlp.bench.processes import RefusedError
from briskmlp.bench.worker import contestant
from briskmlp.bench.workloads import Workload
from briskmlp.demos._datasets import FASHION_FOLDER, load_fashion

from .settings import Settings, say

KEY = ("contestant", "threads", "dtype")
GOAL = 0.88
SEEDS = (0, 1, 2)


def measure(settings: Settings) -> Iterator[dict[str, Any]]:
    if not FASHION_FOLDER.is_dir():
        say(f"no Fashion-MNIST in {FASHION_FOLDER}: left out")
        return
    kinds = {name: contestant(name) for name in settings.contestants}
    # Those that compile for long would be timed at compiling.
    names = [name for name, k in kinds.items() if "train" in k.measures and k.by_default]
    threads, seeds = max(settings.threads), SEEDS[: 1 if settings.quick else None]
    with tempfile.TemporaryDirectory() as folder, started(names, threads) as processes:
        rows = save_images(Path(folder), settings.dtype)
        workload = Workload("Fashion-MNIST", (784, 256, 128, 100, 10), "cross_entropy", 128, rows)
        curves: dict[str, list[Any]] = {name: [] for name in names}
        for seed in seeds:
            for name in names:
                try:
                    curve = processes[name].ask("reach", folder, asdict(workload), GOAL, seed)
                except RefusedError as refusal:
                    say(f"{name}: {refusal}")
                    continue
                seconds, right = curve[-1]
                say(f"{name}: {right:.2%} after {seconds:.2f} s, {len(curve)} epochs")
                curves[name].append(curve)
    for name in names:
        if curves[name]:
            yield {
                "contestant": name,
                "title": contestant(name).title,
                "threads": threads,
                "dtype": settings.dtype,
                "quick": settings.quick,
                "sizes": workload.sizes,
                "batch_size": workload.batch_size,
                "goal": GOAL,
                "seconds": statistics.median(curve[-1][0] for curve in curves[name]),
                "epochs": statistics.median(len(curve) for curve in curves[name]),
                "reached": all(curve[-1][1] >= GOAL for curve in curves[name]),
                "curves": curves[name],
            }


def save_images(folder: Path, dtype: str) -> int:
    """Put the arrays where the workers find them; returns the number of rows to train on."""
    images = load_fashion(FASHION_FOLDER)
    for suffix, (pixels, labels) in (("", images.train), ("_test", images.test)):
        np.save(folder / f"X{suffix}.npy", pixels.reshape(len(pixels), -1).astype(dtype))
        np.save(folder / f"y{suffix}.npy", labels)
    return len(images.train[0])
