"""The README's section on speed is what benchmarks/report.py makes of the committed results."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "benchmarks" / "report.py"

pytestmark = pytest.mark.skipif(not REPORT.is_file(), reason="needs the source tree")


def check(root):
    # -S: without other packages, -I: without this folder
    command = [sys.executable, "-I", "-S", root / "benchmarks" / "report.py", "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def report():
    spec = importlib.util.spec_from_file_location("report", REPORT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_readme_says_what_was_measured():
    result = check(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_changes_are_noticed(tmp_path):
    for name in ("README.md", "benchmarks/report.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "benchmarks" / "results", tmp_path / "benchmarks" / "results")
    assert check(tmp_path).returncode == 0
    path = next((tmp_path / "benchmarks" / "results").glob("*.json"))
    results = json.loads(path.read_text("utf-8"))
    results["speed"][0]["contestants"]["briskmlp"]["speeds"]["train"]["median"] *= 2
    path.write_text(json.dumps(results), "utf-8")
    result = check(tmp_path)
    assert result.returncode == 1
    assert "run benchmarks/report.py" in result.stdout


def test_plots_of_the_readme_are_there():
    text = (ROOT / "README.md").read_text("utf-8")
    plots = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert plots
    assert all((ROOT / plot).is_file() for plot in plots)


def test_estimators_have_both_times(report):
    def times(theirs, ours):
        return {"scikit-learn": {"median": theirs}, "briskmlp": {"median": ours}}

    record = {
        "rows": 1000, "features": 20, "hidden": [64, 32], "solver": "adam", "dtype": "float64",
        "threads": 2, "epochs": 5,
        "seconds": {"fit": times(2.0, 0.5), "predict": times(1e-3, 2e-3), "row": times(1e-4, 4e-6)},
    }  # fmt: skip
    assert [*report.estimators_table([record])][-1] == (
        "| 1,000 x 20, 64-32 | adam, 5 | float64 | 2 | 2 → 0.5: 4.0x | "
        "0.001 → 0.002: **0.50x** ▼ | 100 → 4: 25.0x |"
    )


def test_defeats_are_marked_and_told(report):
    speeds = {"train": {"median": 100.0}, "predict": {"median": 50.0}, "row": {"median": 1e6}}
    faster = {"train": {"median": 125.0}, "predict": {"median": 25.0}}
    record = {
        "name": "net",
        "sizes": [2, 3, 1],
        "loss": "mse",
        "batch_size": 4,
        "threads": 1,
        "flops_per_row": {"train": 1e7, "predict": 1e7},
        "peak_gflops": {"median": 2.0},
        "contestants": {
            "briskmlp": {"title": "briskmlp", "speeds": speeds, "refused": None},
            "a": {"title": "Alpha", "speeds": faster, "refused": None},
            "b": {"title": "Beta", "speeds": {}, "refused": "is off"},
        },
    }
    *_, row = report.speed_table([record], "float32")
    assert row == (
        "| net: 2-3-1, mse, 4 | 1 | 100 | 50% | **0.80x** Alpha ▼ | 50 | 25% | 2.00x Alpha | 1 |  |"
    )
    told = "\n".join(report.losses([record]))
    assert "- Training, net with 1 thread: Alpha is 1.25 times as fast." in told
    assert "Predicting" not in told
    assert "- Beta, net: no number, is off." in told
