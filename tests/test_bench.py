"""The benchmarks measure what they say: equal work, one process each, turns, honest words."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from briskmlp.bench import command, processes, rivals
from briskmlp.bench.check import CHECKED
from briskmlp.bench.contestant import Contestant, Task
from briskmlp.bench.harness import (
    Comparison,
    Effort,
    Outcome,
    Spread,
    compare,
    expectations,
    objection,
    started,
    without_quitters,
)
from briskmlp.bench.processes import Process, RefusedError
from briskmlp.bench.rivals import RIVALS, numpy_by_hand
from briskmlp.bench.table import table, verdict
from briskmlp.bench.worker import contestant
from briskmlp.bench.workloads import WORKLOADS, Workload

# An epoch ends with a batch of four rows, and there are fewer rows than are predicted.
TINY = {
    loss: Workload(f"tiny {loss}", (7, 12, 9, 3), loss, batch_size=16, rows=100)
    for loss in ("mse", "cross_entropy")
}
SLOW = {"torch_compile"}

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="stops and confines processes"
)


def task_of(workload, dtype="float32"):
    return Task.of(workload, dtype, 1, workload.data(dtype))


def expectation(task):
    return expectations(task, {False})[False]


# --- Rivals -----------------------------------------------------------------------------------


def test_every_file_is_a_rival_of_the_registry():
    files = {path.stem for path in Path(rivals.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(RIVALS)
    kinds = [rivals.load(name) for name in RIVALS]
    assert all(issubclass(kind, Contestant) for kind in kinds)
    assert len({kind.title for kind in kinds}) == len(kinds)


def test_rivals_libraries_are_imported_in_their_processes_only():
    code = """
import sys, briskmlp
assert not [name for name in sys.modules if name.startswith("briskmlp.bench")]
from briskmlp.bench import command, rivals
kinds = [rivals.load(name) for name in rivals.RIVALS]
assert all(kind.installed() in (True, False) for kind in kinds)
libraries = {module.split(".")[0] for kind in kinds for module in kind.modules} - {"numpy"}
assert len(libraries) > 3
assert not libraries & sys.modules.keys(), libraries & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in RIVALS],
)
def test_rivals_do_the_work(name, dtype):
    if not contestant(name).installed():
        pytest.skip("not installed")
    with Process(name, 1) as process:
        for workload in TINY.values():
            task = task_of(workload, dtype)
            assert objection(process, task, expectations(task, {False, True})) is None
            for measure in contestant(name).measures:
                assert process.ask(measure, 2) > 0


def test_ours_does_the_work():
    with Process("briskmlp", 1) as process:
        for workload in TINY.values():
            task = task_of(workload)
            assert objection(process, task, expectations(task, {False, True})) is None
            assert process.ask("row_out", 2) > 0


# --- Checks -----------------------------------------------------------------------------------


def results_of(task):
    model = numpy_by_hand.Rival(task)
    predictions = model.predict(task.workload.rows_to_predict(task.dtype)[:CHECKED])
    return model.fit(1, shuffle=False)[0], predictions


@pytest.mark.parametrize("workload", [TINY["cross_entropy"], *WORKLOADS[:3]], ids=lambda w: w.name)
@pytest.mark.parametrize(
    ("constant", "value"), [("LEARNING_RATE", 0.95e-3), ("BETAS", (0.8, 0.999)), ("EPSILON", 1e-3)]
)
def test_another_optimizer_is_noticed(workload, constant, value, monkeypatch):
    task = task_of(workload)
    expected = expectation(task)
    assert expected.objection(*results_of(task)) is None
    monkeypatch.setattr(numpy_by_hand, constant, value)
    assert "mean loss of an epoch is" in expected.objection(*results_of(task))


def test_other_predictions_are_noticed():
    task = task_of(TINY["mse"])
    loss, predictions = results_of(task)
    expected = expectation(task)
    assert "predictions are off by" in expected.objection(loss, predictions + np.float32(1e-4))
    assert "predictions are off by nan" in expected.objection(loss, predictions * np.nan)
    assert "predicts 45 numbers" in expected.objection(loss, predictions[1:])
    assert "mean loss" in expected.objection(float("nan"), predictions)
    wrong = replace(task, biases=[b + np.float32(1e-3) for b in task.biases])
    assert "predictions are off by" in expected.objection(*results_of(wrong))


def test_forms_of_adam_are_told_apart():
    """In float64, where rounding does not hide what epsilon does."""
    task = task_of(TINY["cross_entropy"], "float64")
    expected = expectations(task, {False, True})
    loss, predictions = results_of(task)
    assert expected[False].objection(loss, predictions) is None
    assert "mean loss" in expected[True].objection(loss, predictions)


# --- Processes --------------------------------------------------------------------------------


def is_stopped(process):
    """Whether it stops within five seconds; the signal takes a moment to arrive."""
    path = Path(f"/proc/{process._process.pid}/stat")
    for _ in range(500):
        if path.read_text("ascii").rpartition(")")[2].split()[0] == "T":
            return True
        time.sleep(0.01)
    return False


def test_processes_run_only_while_they_are_asked():
    with Process("numpy_reference", 1) as process:
        assert is_stopped(process)
        with pytest.raises(RefusedError, match="unknown command 'dance'"):
            process.ask("dance")
        assert is_stopped(process)
        mine = os.sched_getaffinity(0)
        theirs = os.sched_getaffinity(process._process.pid)
        assert len(theirs) == 1
        assert theirs <= mine
    with pytest.raises(ProcessLookupError):
        os.kill(process._process.pid, 0)


def test_refusals_say_why(monkeypatch):
    two_classes = Workload("two", (3, 4, 2), "cross_entropy", 4, 8)
    if contestant("scikit_learn").installed():
        with started(["briskmlp", "scikit_learn"], 1) as both:
            task = task_of(two_classes)
            why = objection(both["scikit_learn"], task, {})
        assert why == "it gives two classes one logistic output, not two"
    with Process("numpy_reference", 1) as process:
        process.ask("build", vars(TINY["mse"]), "float32")
        monkeypatch.setattr(processes, "LIMIT", 0.5)
        with pytest.raises(RefusedError, match="its process ended"):
            process.ask("predict", 10**9)
        with pytest.raises(RefusedError, match="its process ended"):
            process.ask("predict", 1)


def test_processors_are_of_different_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 8})
    monkeypatch.setattr(processes, "core_of", lambda processor: str(processor // 2))
    assert processes.processors(1) == {0}
    assert processes.processors(3) == {0, 2, 8}
    assert processes.processors(4) == {0, 1, 2, 8}
    assert processes.processors(9) == {0, 1, 2, 3, 8}


def test_systems_that_cannot_confine_processes_do_not(monkeypatch):
    for name in ("sched_getaffinity", "sched_setaffinity"):
        monkeypatch.delattr(os, name)
    inside = []
    with processes.confined(1):
        inside.append(True)
    assert inside == [True]


# --- Turns and tables -------------------------------------------------------------------------


def test_a_small_comparison():
    said = []
    with started(["briskmlp", "numpy_reference"], 1) as both:
        comparison = compare(
            TINY["mse"],
            "float32",
            1,
            both,
            effort=Effort(rounds=3, seconds=0.002, budget=5),
            progress=said.append,
        )
    ours, numpy = comparison.outcomes.values()
    assert (ours.refused, numpy.refused) == (None, None)
    assert list(ours.speeds) == ["train", "predict", "row", "row_out"]
    assert list(numpy.speeds) == ["train", "predict", "row"]
    for spread in [*ours.speeds.values(), *numpy.speeds.values()]:
        assert 0 < spread.low <= spread.median <= spread.high
        assert spread.rounds == 3
    # In microseconds, not ten of them: nobody's training of 100 rows is that far from another's.
    assert ours.speeds["train"].median > numpy.speeds["train"].median / 10
    assert comparison.peak_gflops.median > 0
    assert any("round 3 of 3" in text for text in said)


def test_a_contestant_that_quits_has_no_number():
    with started(["briskmlp", "numpy_reference"], 1) as both:

        def quit_after_training(text):
            if text == "predict, round 2 of 2":
                both["numpy_reference"]._process.kill()

        comparison = compare(
            TINY["mse"],
            "float32",
            1,
            both,
            ["train", "predict"],
            Effort(rounds=2, seconds=0.002, fewest_rounds=2),
            quit_after_training,
        )
    ours, numpy = comparison.outcomes.values()
    assert list(ours.speeds) == ["train", "predict"]
    assert numpy.refused.startswith("its process ended")
    assert numpy.speeds == {}


def test_nothing_is_measured_where_all_quit():
    said = []
    outcomes = {name: Outcome(name) for name in ("briskmlp", "numpy_reference")}
    with started([*outcomes], 1) as both:
        for process in both.values():
            process._process.kill()
        times = without_quitters(both, "train", Effort(), said.append, outcomes)
    assert times == {}
    assert all(each.refused.startswith("its process ended") for each in outcomes.values())


def test_there_is_no_comparison_without_us():
    with started(["briskmlp", "numpy_reference"], 1) as both:

        def end(text):
            if text == "peak":
                both["briskmlp"]._process.kill()

        with pytest.raises(SystemExit, match="briskmlp itself gave no answer: its process ended"):
            compare(TINY["mse"], "float32", 1, both, [], progress=end)


def test_a_single_round_has_no_spread():
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0, 1)


def spread(value):
    return Spread(value, value * 0.9, value * 1.1, 5)


def comparison_of(**rates):
    """A comparison in which contestants train so many rows a second, or are refused."""
    outcomes = {
        name: Outcome(name, refused=rate) if isinstance(rate, str) else
        Outcome(name, {"train": spread(rate), "predict": spread(2 * rate), "row": spread(rate)})
        for name, rate in rates.items()
    }  # fmt: skip
    return Comparison(WORKLOADS[-1], "float32", 2, spread(1e4), outcomes)


def test_tables_are_narrow_and_mark_defeats():
    comparison = comparison_of(briskmlp=1e5, fast=2e5, slow=123.4, other="x" * 200)
    lines = list(table(comparison))
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith(
        "wide: 1024-2048-2048-1000, cross_entropy, batches of 512, 2 threads"
    )
    by_name = {line.split()[0]: line for line in lines[3:]}
    assert by_name["fast"].count("0.50x <") == 3
    assert "<" not in by_name["slow"]
    assert "810.37x" in by_name["slow"]
    assert "no number: xxx" in by_name["other"]


def test_who_does_not_train_has_no_number_for_it():
    comparison = comparison_of(briskmlp=100.0, other=200.0)
    del comparison.outcomes["other"].speeds["train"]
    *_, line = table(comparison)
    assert " ".join(line.split()) == "other - 400 ±10% 0.50x < 5000 ±10% 0.50x <"
    assert [sentence.split(":")[0] for sentence in verdict([comparison])] == [
        "Predicting 4096 rows",
        "Predicting one row",
    ]


def test_verdict_names_the_best_rival_and_the_defeats():
    won = comparison_of(briskmlp=300.0, good=200.0, bad=1.0)
    training, *_ = verdict([won])
    assert training == "Training: 1.50x as fast as the best rival, and never slower."
    lost = comparison_of(briskmlp=50.0, good=200.0, bad=1.0)
    training, *_ = verdict([won, lost])
    assert training.endswith(
        "0.61x as fast as the best rival on average; slower on "
        "wide with 2 threads than good (0.25x)."
    )
    assert list(verdict([comparison_of(briskmlp=1.0)])) == []


# --- The command ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sinne"], "unknown workload 'sinne'; did you mean 'sine'?"),
        (["--rivals", "torch"], "unknown rival 'torch'; did you mean 'torch_eager'?"),
        (["--sizes", "784"], "--sizes needs at least two numbers"),
        (["--sizes", "784,x"], "expected a whole number from 1 on, got 'x'"),
        (["--threads", "0"], "expected a whole number from 1 on, got '0'"),
        (["--loss", "hinge"], "invalid choice: 'hinge'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_rival_that_is_not_installed_is_named(capsys, monkeypatch):
    monkeypatch.setattr(numpy_by_hand.Rival, "modules", ("no_such_library.part",))
    with pytest.raises(SystemExit):
        command.main(["--rivals", "numpy_by_hand"])
    assert "rival numpy_by_hand needs no_such_library.part installed" in capsys.readouterr().err
    assert "numpy_by_hand" not in command.chosen_rivals(None)


def test_rivals_that_compile_for_long_must_be_named(monkeypatch):
    for name in RIVALS:
        monkeypatch.setattr(rivals.load(name), "modules", ("numpy",))
    assert set(RIVALS) - set(command.chosen_rivals(None)) == {"torch_compile"}
    assert command.chosen_rivals(["torch_compile"]) == ["torch_compile"]


def test_own_network(capsys):
    arguments = ["--sizes", "3,8,2", "--batch", "4", "--rows", "12", "--threads", "1"]
    assert command.main([*arguments, "--rivals", "numpy_reference"]) == 0
    out, err = capsys.readouterr()
    assert "yours: 3-8-2, mse, batches of 4, 1 thread, float32" in out
    assert "NumPy reference" in out
    assert "Training: " in out
    assert err == ""


def test_a_terminal_shows_what_is_being_done(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    show = command.progress_line("sine, threads: 1")
    show("peak")
    assert re.fullmatch(r"\r +\d+ s  sine, threads: 1: peak *", sys.stderr.getvalue())
    shown = len(sys.stderr.getvalue())
    show("")
    assert sys.stderr.getvalue()[shown:] == "\r" + " " * (shown - 1) + "\r"


def test_epochs_of_own_networks_are_short():
    small = Workload.short("small", (1, 2, 1), "mse", 10)
    assert small.rows == 1280
    large = Workload.short("large", (4096, 4096, 4096), "mse", 512)
    assert large.rows == 1024
    assert Workload.short("few", (1, 1), "mse", 128, rows=5).batch_size == 5
