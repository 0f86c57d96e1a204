"""Damaged files by the thousand: a sample of what tests/fuzz/fuzz_load.py does for hours."""

from __future__ import annotations

import random

import pytest
from fuzz.fuzz_load import case, check, packed, valid_files

SEEDS = range(4)
CASES = 500


def test_undamaged_files_load() -> None:
    assert all(check(packed(parts)) for parts in valid_files())


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_files_load_or_are_refused(seed: int) -> None:
    """All of them: the generator is seeded, so that a failure comes again."""
    files = valid_files()
    for number in range(CASES):
        check(case(files, random.Random(f"{seed} {number}").randrange))
