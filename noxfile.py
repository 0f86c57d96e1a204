"""One command a check: `nox` runs the usual ones, `nox -l` lists all. C++: CMakePresets.json."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
PROJECT = nox.project.load_toml("pyproject.toml")
PRESETS = json.loads(Path("CMakePresets.json").read_text("utf-8"))["configurePresets"]


def group(name: str) -> list[str]:
    """The requirements of a dependency group."""
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, ruff and mypy."""
    session.install("numpy>=2.0", *group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    sources = [p for folder in ("cpp", "docs", "tests") for p in Path(folder).rglob("*.*")]
    sources = [p for p in sources if p.suffix in {".h", ".cpp"}]
    session.run("clang-format", "--dry-run", "-Werror", *sources)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests on an installed package; arguments go to pytest."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def oldest(session: nox.Session) -> None:
    """The tests with the oldest Python and NumPy that are promised; arguments go to pytest."""
    session.install(".[test]", "numpy==2.0.0")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The site, in build/site; a warning is an error."""
    session.install(".[plot]", *group("docs"))
    site = ["-c", "docs/site", "-d", "build/doctrees", ".", "build/site"]
    session.run("sphinx-build", "-W", "--keep-going", "-q", *site, *session.posargs)


@nox.session(default=False)
def package(session: nox.Session) -> None:
    """The sdist and the wheel made from it, in dist/ or the folder given, and what judges them."""
    folder = Path(session.posargs[0] if session.posargs else "dist")
    session.install(*group("package"))
    session.run("python", "-m", "build", "--outdir", str(folder), ".")
    files = [str(path) for path in folder.iterdir()]
    wheels = [file for file in files if file.endswith(".whl")]
    session.run("twine", "check", "--strict", *files)
    session.run("check-wheel-contents", *wheels)
    session.run("python", "tests/check_wheel.py", *wheels)
    session.run("check-sdist")
    session.run("validate-pyproject", "pyproject.toml")
    session.run("pyroma", "--min=8", ".")  # 10 needs an address and a home page
    session.run("repo-review", ".")


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Which lines of the package the tests reach; arguments go to pytest."""
    extras = "test,cli,lbfgs,plot,progress,rivals,tensorboard"
    session.install(f".[{extras}]", *group("coverage"))
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "-q")
    session.run("coverage", "report")


@nox.session(default=False)
def coverage_cpp(session: nox.Session) -> None:
    """Which lines of the core the C++ tests reach."""
    session.install(*group("coverage"))
    session.run("cmake", "--workflow", "--preset", "coverage", external=True)
    session.run("gcovr", "build/coverage")


@nox.session(venv_backend="none", default=False)
def sanitize(session: nox.Session) -> None:
    """The C++ tests under the address, undefined-behaviour and thread sanitizers."""
    for preset in ("asan-ubsan", "tsan"):
        session.run("cmake", "--workflow", "--preset", preset)


@nox.session(default=False)
def sanitize_python(session: nox.Session) -> None:
    """The tests on a package with the first two of these sanitizers; arguments go to pytest.

    Left out are those of memory, whose limits of the address space leave no room for a sanitizer's.
    """
    (preset,) = (preset for preset in PRESETS if preset["name"] == "asan-ubsan")
    flags = preset["cacheVariables"]["CMAKE_CXX_FLAGS"]
    session.install(
        ".[test]",
        "-Ccmake.build-type=RelWithDebInfo",
        "-Cinstall.strip=false",
        "-Ccmake.define.CMAKE_CXX_COMPILER=clang++-16",
        f"-Ccmake.define.CMAKE_CXX_FLAGS={flags} -shared-libasan",
    )
    name = f"-print-file-name=libclang_rt.asan-{platform.machine()}.so"
    runtime = session.run("clang++-16", name, external=True, silent=True)
    session.run(
        "pytest",
        *session.posargs or ["--ignore=tests/test_memory.py"],
        env={
            "LD_PRELOAD": str(runtime).strip(),
            "PYTHONMALLOC": "malloc",
            # CPython keeps much to its end; a size that no memory has must come back as null.
            "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        },
    )


@nox.session(venv_backend="none", default=False)
def valgrind(session: nox.Session) -> None:
    """The C++ tests in valgrind, on the baseline instruction set; arguments go to the tests."""
    session.run("cmake", "--preset", "release")
    session.run("cmake", "--build", "--preset", "release")
    session.run(
        "valgrind",
        "--quiet",
        "--error-exitcode=9",
        "build/release/tests/cpp/briskmlp_tests",
        *session.posargs,
        env={"BRISKMLP_ISA": "sse2"},
        # Valgrind's long double has 64 bits: tests that take their truth from it fail, with 1.
        success_codes=[0, 1],
    )


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Damaged files for ten minutes; arguments go to tests/fuzz/fuzz_load.py."""
    session.install(".")
    session.run("python", "tests/fuzz/fuzz_load.py", *session.posargs or ["--seconds", "600"])


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measures this machine beside every rival and reports; arguments go to benchmarks/run.py."""
    session.install(".[plot,rivals]")
    session.run("python", "benchmarks/run.py", *session.posargs)
    session.run("python", "benchmarks/report.py")


@nox.session(default=False)
def stub(session: nox.Session) -> None:
    """Writes the extension's stub anew; tests/test_stub.py compares."""
    session.install(".", *group("stub"))
    session.run("python", "tests/test_stub.py")
