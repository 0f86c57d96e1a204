"""The committed stub of the extension is what pybind11-stubgen makes of it today.

Run as a program, this file writes the stub (`nox -s stub`).
"""

from __future__ import annotations

import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

STUB = Path(__file__).resolve().parents[1] / "python" / "briskmlp" / "_briskmlp_core.pyi"


def generate() -> str:
    """Return the text of the stub."""
    with tempfile.TemporaryDirectory() as folder:
        generator = ["pybind11_stubgen", "briskmlp._briskmlp_core", "--exit-code"]
        subprocess.run([sys.executable, "-m", *generator, "--output-dir", folder], check=True)
        stub = Path(folder, "briskmlp", "_briskmlp_core.pyi")
        formatting = ["format", "--isolated", "--line-length", "100", str(stub)]
        subprocess.run([sys.executable, "-m", "ruff", *formatting], check=True)
        return stub.read_text(encoding="utf-8")


def test_stub_is_up_to_date() -> None:
    pytest.importorskip("pybind11_stubgen")
    pytest.importorskip("ruff")
    committed = STUB.read_text(encoding="utf-8").splitlines()
    difference = list(difflib.unified_diff(committed, generate().splitlines(), lineterm=""))
    assert not difference, "run `nox -s stub`:\n" + "\n".join(difference)


if __name__ == "__main__":
    STUB.write_text(generate(), encoding="utf-8")
