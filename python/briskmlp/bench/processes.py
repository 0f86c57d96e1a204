"""The processes of the contestants: how they start, are asked, and wait without stealing time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .worker import contestant

LIMIT = 300.0  # seconds for an answer; compiling takes the longest
THREAD_VARIABLES = (
    "BLIS_NUM_THREADS",
    "BRISKMLP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class RefusedError(Exception):
    """A contestant, called `name`, gave no answer; the message says why."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def core_of(processor: int) -> str:
    """What tells the core of a processor from others: the hyperthreads that share it."""
    path = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
    return path.read_text("ascii") if path.is_file() else str(processor)


def processors(count: int) -> set[int]:
    """So many of the processors that this process may use, on cores of their own if possible."""
    mine = sorted(os.sched_getaffinity(0))
    first_of_core = {core_of(processor): processor for processor in reversed(mine)}
    firsts = sorted(first_of_core.values())
    return set((firsts + [p for p in mine if p not in firsts])[:count])


@contextlib.contextmanager
def confined(count: int) -> Iterator[None]:
    """Processes that start inside the block may use so many processors; Linux only."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors(count))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Process:
    """The process of one contestant with its number of threads and as many processors.

    It runs only while it is asked something: in between it is stopped, its threads included, some
    of which would otherwise wait for work in a loop.
    """

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        variables = dict.fromkeys(THREAD_VARIABLES, str(threads))
        variables |= contestant(name).environment
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        with confined(threads):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "briskmlp.bench.worker", name, str(threads)],
                env=os.environ | variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                start_new_session=True,  # Ctrl-C is for the parent
            )
        self._process.send_signal(signal.SIGSTOP)

    def ask(self, word: str, *arguments: Any) -> Any:
        """Let it run one command and return its answer; a `RefusedError` if there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.send_signal(signal.SIGCONT)
        timer = threading.Timer(LIMIT, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(f"{word} {json.dumps(arguments)}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            raise RefusedError(self.name, f"its process ended: {self._last_words()}")
        self._process.send_signal(signal.SIGSTOP)
        answer = json.loads(line)
        if "error" in answer:
            raise RefusedError(self.name, answer["error"])
        return answer["answer"]

    def _last_words(self) -> str:
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return lines[-1] if lines else f"status {self._process.returncode}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()
