"""Contestants measured in turns, so that a change of the machine's speed meets all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field

import numpy as np

from .check import CHECKED, Expectation
from .contestant import Task
from .processes import Process, RefusedError
from .worker import contestant
from .workloads import PREDICTED, Workload

MEASURES = ("train", "predict", "row", "row_out")
FEWEST_EPOCHS = 3  # of a timed training: a fit has costs of its own beside theirs
PEAKS = 10  # measurements of 0.1 s, of which the best counts
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How much to measure."""

    rounds: int = 5  # of which median and quartiles count
    seconds: float = 0.08  # that a turn lasts, at least
    budget: float = 5.0  # seconds for one measure of all contestants; it may cost rounds ...
    fewest_rounds: int = 3  # ... down to these


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of a speed, in rows a second or GFLOP/s."""

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise.

        >>> Spread.of([1.0, 2.0, 4.0, 3.0, 5.0])
        Spread(median=3.0, low=2.0, high=4.0, rounds=5)
        """
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))

    @classmethod
    def of_peak(cls, values: Sequence[float]) -> Spread:
        """Summarise what nothing can exceed: the largest counts, the others were disturbed."""
        return cls(max(values), min(values), max(values), len(values))


@dataclass
class Outcome:
    """What one contestant came to: its speeds in rows a second, or why it has none."""

    title: str
    speeds: dict[str, Spread] = field(default_factory=dict)
    refused: str | None = None


@dataclass
class Comparison:
    """All contestants on one workload; ours is called "briskmlp"."""

    workload: Workload
    dtype: str
    threads: int
    peak_gflops: Spread
    outcomes: dict[str, Outcome]


@contextmanager
def started(names: Sequence[str], threads: int) -> Iterator[dict[str, Process]]:
    """The processes of contestants, as long as the block lasts."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Process(name, threads)) for name in names}


def compare(
    workload: Workload,
    dtype: str,
    threads: int,
    processes: dict[str, Process],
    measures: Sequence[str] = MEASURES,
    effort: Effort = Effort(),
    progress: Progress = lambda _: None,
) -> Comparison:
    """Let contestants, ours among them, prove that they do the work, and measure their speeds."""
    outcomes = {name: Outcome(contestant(name).title) for name in processes}
    task = Task.of(workload, dtype, threads, workload.data(dtype))
    expected = expectations(task, {contestant(name).epsilon_hat for name in processes})
    for name, process in processes.items():
        progress(f"{outcomes[name].title}: the results")
        outcomes[name].refused = objection(process, task, expected)
    for measure in measures:
        runners = {
            name: process
            for name, process in processes.items()
            if measure in contestant(name).measures and not outcomes[name].refused
        }
        rows = {"train": workload.rows, "predict": PREDICTED}.get(measure, 1)
        for name, times in without_quitters(runners, measure, effort, progress, outcomes).items():
            outcomes[name].speeds[measure] = Spread.of([rows / time for time in times])
    progress("peak")
    try:
        peaks = [processes["briskmlp"].ask("peak", dtype) for _ in range(PEAKS)]
    except RefusedError as refusal:
        raise SystemExit(f"briskmlp itself gave no answer: {refusal}") from None
    return Comparison(workload, dtype, threads, Spread.of_peak(peaks), outcomes)


def expectations(task: Task, forms: set[bool]) -> dict[bool, Expectation]:
    """What contestants must come to, by whether they have epsilon hat."""
    rows = task.workload.rows_to_predict(task.dtype)[:CHECKED]
    return {form: Expectation.of(task, rows, epsilon_hat=form) for form in forms}


def objection(process: Process, task: Task, expected: dict[bool, Expectation]) -> str | None:
    """Why a contestant gets no number for a task, or None."""
    try:
        results = process.ask("build", asdict(task.workload), task.dtype)
    except RefusedError as refusal:
        return str(refusal)
    form = expected[contestant(process.name).epsilon_hat]
    return form.objection(results["loss"], np.array(results["predictions"]))


def without_quitters(
    processes: dict[str, Process],
    measure: str,
    effort: Effort,
    progress: Progress,
    outcomes: dict[str, Outcome],
) -> dict[str, list[float]]:
    """Measure in turns those who get to the end; whoever does not has no number at all."""
    runners = dict(processes)
    while runners:
        try:
            return in_turns(runners, measure, effort, progress)
        except RefusedError as refusal:
            outcomes[refusal.name] = Outcome(outcomes[refusal.name].title, refused=str(refusal))
            del runners[refusal.name]
    return {}


def in_turns(
    processes: dict[str, Process], measure: str, effort: Effort, progress: Progress
) -> dict[str, list[float]]:
    """Seconds of one call, for each contestant and round."""
    repeats, turn = {}, 0.0
    for name, process in processes.items():
        progress(f"{contestant(name).title}: {measure}")
        repeats[name], seconds = calibrated(process, measure, effort.seconds)
        turn += seconds
    rounds = max(effort.fewest_rounds, min(effort.rounds, int(effort.budget / turn)))
    times: dict[str, list[float]] = {name: [] for name in processes}
    order = list(processes)
    for index in range(rounds):
        progress(f"{measure}, round {index + 1} of {rounds}")
        for name in order:
            times[name].append(processes[name].ask(measure, repeats[name]) / repeats[name])
        order.append(order.pop(0))  # nobody always comes after the same one
    return times


def calibrated(process: Process, measure: str, seconds: float) -> tuple[int, float]:
    """How often to repeat in order to measure long enough, and how long that takes."""
    fewest = FEWEST_EPOCHS if measure == "train" else 1
    repeats = fewest
    while (taken := process.ask(measure, repeats)) < seconds / 4:
        repeats *= 4
    needed = max(fewest, round(repeats * seconds / taken))
    return needed, needed * taken / repeats
