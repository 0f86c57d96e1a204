"""One contestant in a process of its own: `python -m briskmlp.bench.worker NAME THREADS`.

It reads a command a line, a word and its arguments in JSON, and answers each with a line of JSON.
What its library prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from .check import CHECKED
from .contestant import Contestant, Task, UnsupportedError
from .ours import Ours, peak_gflops
from .rivals import load
from .workloads import Workload

MAX_EPOCHS = 30  # of a training that does not reach its goal
# A process that goes on after a pause is slow until its threads are on processors of their own and
# its data in the caches. Until then it is not measured, unless a call is too long to feel it.
WARM_UP = 0.02  # seconds
LONG_CALL = 0.25  # seconds
COMMANDS = ("build", "train", "predict", "row", "row_out", "peak", "memory", "reach")


def contestant(name: str) -> type[Contestant]:
    """The class of a contestant by its name, "briskmlp" or a rival's."""
    return Ours if name == "briskmlp" else load(name)


def resident_megabytes(which: str) -> float:
    """Memory of this process that is in RAM: VmRSS now, or VmHWM at most since it was reset."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.findall(rf"{which}:\s+(\d+) kB", status)[0]) / 1024


class Worker:
    """The commands; each is a method."""

    def __init__(self, name: str, threads: int) -> None:
        self.kind, self.threads = contestant(name), threads
        self.seconds: dict[str, float] = {}  # of a call of each measure, when it was last measured

    def build(self, workload: dict[str, Any], dtype: str) -> dict[str, Any]:
        """Prepare for a workload; returns what must be checked."""
        self.seconds.clear()
        case = Workload(**workload)
        self.contestant = self.kind(Task.of(case, dtype, self.threads, case.data(dtype)))
        self.rows = case.rows_to_predict(dtype)
        self.one_row = self.rows[0].copy()
        self.out = np.empty(case.sizes[-1], dtype)
        predictions = self.contestant.predict(self.rows[:CHECKED])
        loss = self.contestant.fit(1, shuffle=False)[0] if "train" in self.kind.measures else None
        return {"predictions": np.asarray(predictions).tolist(), "loss": loss}

    def train(self, times: int) -> float:
        """Seconds of so many epochs."""
        fit = self.contestant.fit
        return self.measured("train", times, lambda: fit(1), lambda: fit(times))

    def predict(self, times: int) -> float:
        """Seconds of predicting many rows so many times."""
        return self.repeated("predict", times, lambda: self.contestant.predict(self.rows))

    def row(self, times: int) -> float:
        """Seconds of predicting one row so many times."""
        predict, row = self.contestant.predict, self.one_row
        return self.repeated("row", times, lambda: predict(row))

    def row_out(self, times: int) -> float:
        """Seconds of predicting one row into an array at hand, which only ours can."""
        assert isinstance(self.contestant, Ours)
        predict, row, out = self.contestant.predict_into, self.one_row, self.out
        return self.repeated("row_out", times, lambda: predict(row, out))

    def repeated(self, measure: str, times: int, call: Callable[[], object]) -> float:
        """Seconds of so many calls."""

        def calls() -> None:
            for _ in range(times):
                call()

        return self.measured(measure, times, call, calls)

    def measured(
        self, measure: str, times: int, call: Callable[[], object], calls: Callable[[], object]
    ) -> float:
        """Seconds of `calls`, after as many of `call` as it takes to warm up."""
        begin = time.perf_counter()
        if self.seconds.get(measure, 0) < LONG_CALL:
            while time.perf_counter() < begin + WARM_UP:
                call()
        start = time.perf_counter()
        calls()
        seconds = time.perf_counter() - start
        self.seconds[measure] = seconds / times
        return seconds

    def peak(self, dtype: str) -> float:
        """GFLOP/s that the processors given to this process can do."""
        return peak_gflops(dtype)

    def memory(self, workload: dict[str, Any], dtype: str) -> float:
        """Megabytes that building the network and training an epoch take beyond the data.

        In a process that has done nothing else; where Linux counts it.
        """
        case = Workload(**workload)
        task = Task.of(case, dtype, self.threads, case.data(dtype))
        for module in self.kind.modules:
            import_module(module)
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # VmHWM falls back to VmRSS
        before = resident_megabytes("VmRSS")
        self.kind(task).fit(1)
        return resident_megabytes("VmHWM") - before

    def reach(
        self, folder: str, workload: dict[str, Any], goal: float, seed: int
    ) -> list[tuple[float, float]]:
        """Train until a share `goal` of the test rows is right: seconds and share, each epoch.

        The arrays are files in the folder. The clock includes what is compiled on the way, and
        stands still while the test rows are predicted.
        """
        X, y, X_test, y_test = (
            np.load(Path(folder) / f"{name}.npy") for name in ("X", "y", "X_test", "y_test")
        )
        case = Workload(**workload)
        model = self.kind(Task.of(case, X.dtype.name, self.threads, (X, y), seed))
        curve: list[tuple[float, float]] = []
        paused, start = 0.0, time.perf_counter()

        def after_epoch() -> bool:
            nonlocal paused
            now = time.perf_counter()
            right = float((model.predict(X_test).argmax(axis=1) == y_test).mean())
            curve.append((now - start - paused, right))
            paused += time.perf_counter() - now
            return right >= goal

        model.fit(MAX_EPOCHS, after_epoch=after_epoch)
        return curve


def serve(worker: Worker, commands: TextIO, answers: TextIO) -> None:
    """Obey line after line, until there are no more."""
    for line in commands:
        word, _, arguments = line.strip().partition(" ")
        answer: dict[str, Any]
        try:
            if word not in COMMANDS:
                raise ValueError(f"unknown command {word!r}")
            answer = {"answer": getattr(worker, word)(*json.loads(arguments))}
        except UnsupportedError as error:
            answer = {"error": str(error)}
        except Exception as error:  # whatever a library may raise: it gets no number
            first_line = next(iter(str(error).splitlines()), "")
            answer = {"error": f"{type(error).__name__}: {first_line}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main(name: str, threads: str) -> None:
    """Serve on standard input and output."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(Worker(name, int(threads)), sys.stdin, answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
