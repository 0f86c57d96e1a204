"""What tests share that run programs in processes of their own, with an end to their patience."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path


def handle_interrupts() -> None:
    """In the child: a shell's background job ignores Ctrl-C, and so do its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(
    program: str,
    *arguments: str,
    timeout: float = 60,
    path: Path | None = None,
    **environment: str,
) -> list[str]:
    """The lines that a program prints; it must end in time, with 0 and without a warning.

    With a `path` it is written there and run from there. Variables of the environment that are
    about threads are those given here, and no others.
    """
    program = textwrap.dedent(program)
    if path is not None:
        path.write_text(program, "utf-8")
    plain = {name: text for name, text in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-W", "error", *(["-c", program] if path is None else [path]), *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env=plain | environment,
        preexec_fn=handle_interrupts if sys.platform != "win32" else None,
    )
    assert done.returncode == 0, f"ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout.splitlines()
