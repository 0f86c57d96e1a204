"""scikit-learn's own tests of its MLP, run on the estimators here: `pytest -m upstream`.

From the installed scikit-learn, in a process of its own; `swap_mlp` puts our classes in the place
of theirs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", minversion="1.9")

pytestmark = pytest.mark.upstream

MODULE = "sklearn.neural_network.tests.test_mlp"
# Tests that call private methods of scikit-learn's classes, and which.
PRIVATE = {"test_gradient": "_loss_grad_lbfgs"}
CASES = 59  # that scikit-learn 1.9.1 has; should there be fewer, most likely something is amiss


def run(*arguments: str) -> str:
    """What pytest prints about that module, without the settings of this project."""
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "swap_mlp", "-c", os.devnull,
         "--pyargs", MODULE, *arguments],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(here), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    sys.stdout.write(run.stdout + run.stderr)
    return run.stdout


def test_it_is_ours_that_is_tested():
    program = (
        f"import swap_mlp, {MODULE} as m, briskmlp as bm; "
        "assert m.MLPClassifier is bm.MLPClassifier and m.MLPRegressor is bm.MLPRegressor"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent)


def test_all_but_the_private_ones_pass():
    deselected = [f"--deselect={case}" for case in collected() if name_of(case) in PRIVATE]
    assert len(deselected) == len(PRIVATE)
    told = run("-q", "-rfEs", *deselected).splitlines()[-1]
    counts = {what: int(n) for n, what in re.findall(r"(\d+) (\w+)", told)}
    assert counts["deselected"] == len(PRIVATE)
    assert counts["passed"] >= CASES - len(PRIVATE)
    assert not {"failed", "errors", "error"} & counts.keys()


def collected() -> list[str]:
    """The names of all cases."""
    lines = run("--collect-only", "-q").splitlines()
    cases = [line for line in lines if "::test_" in line]
    assert len(cases) >= CASES
    return cases


def name_of(case: str) -> str:
    return re.split(r"::|\[", case)[1]
