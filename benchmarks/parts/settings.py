"""What all parts are told, and how they say what they are doing."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from briskmlp.bench.harness import Effort


@dataclass(frozen=True)
class Settings:
    contestants: tuple[str, ...]  # ours first
    threads: tuple[int, ...]
    dtype: str
    workloads: tuple[str, ...] | None  # None: all
    quick: bool

    @property
    def effort(self) -> Effort:
        return Effort(rounds=3, seconds=0.04, budget=1) if self.quick else Effort()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
