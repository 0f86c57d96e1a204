"""One command a check: `nox` runs the usual ones, `nox -l` lists all. C++: CMakePresets.json."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "tests"]
PROJECT = nox.project.load_toml("pyproject.toml")


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, ruff and mypy."""
    session.install("numpy>=2.0", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    sources = [p for folder in ("cpp", "tests") for p in Path(folder).rglob("*.*")]
    sources = [p for p in sources if p.suffix in {".h", ".cpp"}]
    session.run("clang-format", "--dry-run", "-Werror", *sources)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests on an installed package; arguments go to pytest."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measures this machine beside every rival and reports; arguments go to benchmarks/run.py."""
    session.install(".[plot,rivals]")
    session.run("python", "benchmarks/run.py", *session.posargs)
    session.run("python", "benchmarks/report.py")


@nox.session
def stub(session: nox.Session) -> None:
    """Writes the extension's stub anew; tests/test_stub.py compares."""
    session.install(".", *nox.project.dependency_groups(PROJECT, "stub"))
    session.run("python", "tests/test_stub.py")
