"""The estimators beside scikit-learn's: `estimators.py`, a process a number of threads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .settings import Settings, say

KEY = ("rows", "features", "solver", "dtype", "threads")
SCRIPT = Path(__file__).parents[1] / "estimators.py"


def measure(settings: Settings) -> Iterator[dict[str, Any]]:
    if "scikit_learn" not in settings.contestants:
        return
    rounds = ["--rounds", "2"] if settings.quick else []
    for threads in settings.threads:
        command = [sys.executable, str(SCRIPT), "--json", "--threads", str(threads), *rounds]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                record = json.loads(line)
                say(f"estimators: {record}")
                yield record
        if process.returncode:
            raise SystemExit(f"{SCRIPT.name} ended with status {process.returncode}")
