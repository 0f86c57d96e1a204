"""Comparisons as text: a table each, at most 100 columns wide, and what they come to."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from .harness import Comparison, Outcome, Spread

COLUMNS = {"train": "training, rows/s", "predict": "4096 rows predicted, /s", "row": "one row, µs"}
DEEDS = {"train": "Training", "predict": "Predicting 4096 rows", "row": "Predicting one row"}
NAME, SPEED, SPREAD, RATIO = 19, 8, 7, 11  # widths


def rate(per_second: float) -> str:
    """Write a rate in three digits.

    >>> rate(4_812_345.0), rate(97_340.0), rate(12.0)
    ('4.81M', '97.3k', '12')
    """
    for factor, letter in ((1e6, "M"), (1e3, "k")):
        if per_second >= factor:
            return f"{per_second / factor:.3g}{letter}"
    return f"{per_second:.3g}"


def microseconds(per_second: float) -> str:
    """Write the time that one takes.

    >>> microseconds(2e6), microseconds(712.0)
    ('0.5', '1404')
    """
    time = 1e6 / per_second
    return f"{time:.3g}" if time < 999.5 else f"{time:.0f}"


def speed(measure: str, spread: Spread) -> str:
    """Write a rate, or the time of one row."""
    return microseconds(spread.median) if measure == "row" else rate(spread.median)


def ratio(ours: Outcome, theirs: Outcome, measure: str) -> float | None:
    """How many times as fast ours is, if both were measured."""
    if measure in ours.speeds and measure in theirs.speeds:
        return ours.speeds[measure].median / theirs.speeds[measure].median
    return None


def share_of_peak(comparison: Comparison, measure: str) -> float:
    """What share of the processor's peak ours computes."""
    work = comparison.workload
    flops = work.flops_per_row if measure == "train" else work.forward_flops_per_row
    done = comparison.outcomes["briskmlp"].speeds[measure].median * flops * 1e-9
    return done / comparison.peak_gflops.median


def table(comparison: Comparison) -> Iterator[str]:
    """The lines about one workload."""
    threads = comparison.threads
    yield f"{comparison.workload}, {threads} thread{'s' if threads > 1 else ''}, {comparison.dtype}"
    width = SPEED + SPREAD + RATIO
    yield " " * NAME + "".join(f"{text:^{width}}" for text in COLUMNS.values())
    yield " " * NAME + f"{'':>{SPEED}}{'spread':>{SPREAD}}{'ours is':>{RATIO}}" * len(COLUMNS)
    ours = comparison.outcomes["briskmlp"]
    for outcome in comparison.outcomes.values():
        if outcome.refused:
            yield f"  {outcome.title:<{NAME - 2}}no number: {outcome.refused}"[:100]
        else:
            cells = (cell(comparison, outcome, measure) for measure in COLUMNS)
            yield f"  {outcome.title:<{NAME - 2}}{''.join(cells)}".rstrip()
    if "row_out" in ours.speeds:
        yield f"  One row with out= takes us {microseconds(ours.speeds['row_out'].median)} µs."


def cell(comparison: Comparison, outcome: Outcome, measure: str) -> str:
    """One contestant's three columns of a measure."""
    if measure not in outcome.speeds:
        return f"{'-':>{SPEED}}{'':>{SPREAD + RATIO}}"
    spread = outcome.speeds[measure]
    quartiles = f"±{(spread.high - spread.low) / 2 / spread.median:.0%}"
    ours = comparison.outcomes["briskmlp"]
    if outcome is not ours:
        times = ratio(ours, outcome, measure)
        text = "" if times is None else f"{times:.2f}x{' <' if times < 1 else '  '}"
    elif measure == "row":
        text = ""
    else:
        text = f"{share_of_peak(comparison, measure):.0%} peak"
    return f"{speed(measure, spread):>{SPEED}}{quartiles:>{SPREAD}}{text:>{RATIO}}"


def verdict(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """What it comes to, a sentence a measure, defeats included."""
    for measure, deed in DEEDS.items():
        best = [b for c in comparisons if (b := against_best(c, measure)) is not None]
        if not best:
            continue
        mean = statistics.geometric_mean(times for times, _ in best)
        where = "" if len(best) == 1 else " on average"
        text = f"{deed}: {mean:.2f}x as fast as the best rival{where}"
        lost = [f"{label} ({times:.2f}x)" for times, label in best if times < 1]
        yield f"{text}; slower on {', '.join(lost)}." if lost else f"{text}, and never slower."


def against_best(comparison: Comparison, measure: str) -> tuple[float, str] | None:
    """How many times as fast as the best rival ours is, and who that is on what."""
    ours = comparison.outcomes["briskmlp"]
    ratios = {o.title: ratio(ours, o, measure) for o in comparison.outcomes.values() if o != ours}
    known = [(times, title) for title, times in ratios.items() if times is not None]
    if not known:
        return None
    times, title = min(known)
    threads = f"{comparison.threads} thread{'s' if comparison.threads > 1 else ''}"
    return times, f"{comparison.workload.name} with {threads} than {title}"
