"""The programs that contestants run in: they end with their commands, and each library's network
comes to the results, stops when it is told to and computes on as the task says.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from briskmlp.bench import worker
from briskmlp.bench.check import CHECKED, Expectation
from briskmlp.bench.contestant import Task
from briskmlp.bench.rivals import RIVALS
from briskmlp.bench.workloads import Workload
from processes import run

TINY = {
    loss: Workload(f"tiny {loss}", (7, 12, 9, 3), loss, batch_size=16, rows=100)
    for loss in ("mse", "cross_entropy")
}
SLOW = {"torch_compile"}
NAMES = ["briskmlp", *(pytest.param(n, marks=[pytest.mark.slow] * (n in SLOW)) for n in RIVALS)]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="stops and confines processes"
)


def answers(name, *commands):
    """What a worker answers to commands, each a word and its arguments, after which it ends."""
    if not worker.contestant(name).installed():
        pytest.skip("not installed")
    lines = "".join(f"{word} {json.dumps(arguments)}\n" for word, *arguments in commands)
    command = [sys.executable, "-m", "briskmlp.bench.worker", name, "1"]
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def expectation(name, workload, dtype):
    task = Task.of(workload, dtype, 1, workload.data(dtype))
    rows = workload.rows_to_predict(dtype)[:CHECKED]
    return Expectation.of(task, rows, epsilon_hat=worker.contestant(name).epsilon_hat)


@pytest.mark.parametrize("name", NAMES)
def test_libraries_do_the_work_and_stop_when_told_to(name, tmp_path):
    """At the first epoch that is good enough, at the first of all, or at the last, by the goal."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((90, 3)).astype("float32")
    y = X.argmax(axis=1)
    for file, array in (("X", X), ("y", y), ("X_test", X), ("y_test", y)):
        np.save(tmp_path / f"{file}.npy", array)
    builds = [("build", vars(workload), "float32") for workload in TINY.values()]
    largest = vars(Workload("largest", (3, 16, 3), "cross_entropy", 2, 90))
    reaches = [("reach", str(tmp_path), largest, goal, 0) for goal in (0.0, 0.9, 2.0)]
    trains = "train" in worker.contestant(name).measures
    found = answers(name, *builds, *(reaches if trains else []))
    for workload in TINY.values():
        built = found.pop(0)["answer"]
        expected = expectation(name, workload, "float32")
        assert expected.objection(built["loss"], np.array(built["predictions"])) is None
    assert (built["loss"] is not None) == trains
    if trains:
        first, good, endless = (curve["answer"] for curve in found)
        assert len(first) == 1
        assert good[-1][1] >= 0.9 > max(share for _, share in good[:-1])
        assert len(endless) == worker.MAX_EPOCHS
        seconds = [clock for clock, _ in endless]
        assert seconds == sorted(seconds)


def test_each_measure_has_an_answer():
    measures = worker.contestant("briskmlp").measures
    asked = [(measure, 2) for measure in measures]
    build = ("build", vars(TINY["mse"]), "float32")
    _, *found = answers("briskmlp", build, *asked, ("peak", "float64"))
    assert len(found) == len(measures) + 1
    assert all(each["answer"] > 0 for each in found)


def test_what_libraries_print_is_no_answer():
    """And what they raise is one, its first line."""
    program = """
        from briskmlp.bench import worker

        def row(self, times):
            print("chatter")
            raise OSError("first\\nsecond")

        worker.Worker.row = row
        worker.main("numpy_by_hand", "1")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        input="row [1]\ndance []\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"error": "OSError: first"},
        {"error": "ValueError: unknown command 'dance'"},
    ]
    assert "chatter" in done.stderr


def test_what_a_library_cannot_do_is_refused_in_its_words():
    workload = Workload("two", (3, 4, 2), "cross_entropy", 4, 8)
    found = answers("scikit_learn", ("build", vars(workload), "float32"))
    assert found == [{"error": "it gives two classes one logistic output, not two"}]


def test_memory_is_what_training_takes_beyond_the_data():
    # 25 MB of weights, as many in the gradient and in each of two moments.
    workload = Workload("large", (2500, 2500, 1), "mse", 8, 16)
    [found] = answers("numpy_by_hand", ("memory", vars(workload), "float32"))
    assert 75 < found["answer"] < 250


@pytest.mark.slow
@pytest.mark.torch
def test_the_step_that_is_compiled_is_that_of_adam():
    """As written down, before it is compiled: in float64 to the loss and parameters of torch's."""
    pytest.importorskip("torch")
    program = """
        import warnings
        warnings.simplefilter("ignore")  # torch has some about itself
        import numpy as np, torch
        from briskmlp.bench.contestant import Task
        from briskmlp.bench.rivals import torch_compile, torch_eager
        from briskmlp.bench.workloads import Workload

        for loss in ("mse", "cross_entropy"):
            workload = Workload("tiny", (7, 12, 9, 3), loss, batch_size=16, rows=100)
            task = Task.of(workload, "float64", 1, workload.data("float64"))
            whole, eager = torch_compile.Rival(task), torch_eager.Rival(task)
            for first in range(0, 100, 16):
                rows = torch.arange(first, min(first + 16, 100))
                with torch.no_grad():
                    mine = float(whole.whole_step(rows))
                assert np.isclose(mine, float(eager.step(rows)), rtol=1e-12, atol=0)
            for mine, theirs in zip(whole.model.parameters(), eager.model.parameters()):
                assert torch.allclose(mine, theirs, rtol=1e-9, atol=1e-12)
        print("done")
    """
    assert run(program, timeout=300) == ["done"]
