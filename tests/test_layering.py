"""The rules of the house that a reader cannot see broken at a glance: who includes whom, and what
stays out of which folder. Each rule is a test over all files, so a failure names file and line.

What only a compiler shows (symbols of the kernels, flags of each file) is in
tests/cpp/check_objects.py, which CTest runs.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ["base", "kernels", "ops", "nn", "train", "bindings"]

# Files compiled with the flags of one instruction set. A function that they share with other files,
# such as a template of the standard library, could be linked into code for every processor.
ISA_FILE = re.compile(r"(isa_\w+\.cpp|vec_\w+\.h|.*\.inl\.h)$")
ISA_FILE_MAY_INCLUDE = re.compile(
    r"<(arm_neon|[a-z]mmintrin|math|string)\.h>|<cstddef>|<cstdint>|\"base/types\.h\"|\"kernels/"
)

INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"][^>\"]+[>\"])")
COMMENT_OR_STRING = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"", re.DOTALL)

PYTHON_API = re.compile(r"\bpy::|\bpybind11\b|\bPyObject\b|\bPython\.h\b|[<\"]numpy/")
INTRINSICS = re.compile(
    r"\b_mm\d*_|\b__m(128|256|512)|\b(float|u?int)\d+x\d+_t\b|\bv(ld1|st1|fma)q_|"
    r"immintrin\.h|arm_neon\.h|\b__(SSE|AVX|FMA|ARM_NEON)|\bBRISKMLP_WITH_"
)
THREADS = re.compile(
    r"\bstd::(thread|jthread|mutex|condition_variable|async|lock_guard|unique_lock)\b|"
    r"\bpthread|\bomp_|#\s*pragma\s+omp|<(thread|mutex|condition_variable|future|omp\.h)>"
)
ATOMICS = re.compile(r"\bstd::atomic|<atomic>")
NOT_IN_KERNELS = re.compile(
    r"\b(new|malloc|calloc|throw|printf|fprintf)\b|\bstd::(cout|cerr|mutex)"
)
UNSAFE_FLAGS = re.compile(r"-ffast-math|-Ofast|-march=native|-mtune=native|/fp:fast")
DEAD_CODE = re.compile(r"^\s*#\s*if\s+0\b", re.MULTILINE)

pytestmark = pytest.mark.skipif(not (ROOT / "cpp").is_dir(), reason="needs the source tree")


def cpp_files(*layers: str) -> list[Path]:
    """Return the C++ sources of the given layers, of all of them by default."""
    folders = [ROOT / "cpp" / layer for layer in layers or LAYERS]
    return sorted(path for folder in folders for path in folder.rglob("*.*") if is_cpp(path))


def is_cpp(path: Path) -> bool:
    return path.suffix in {".h", ".cpp"}


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT / "cpp").parts[0]


def blank(match: re.Match[str]) -> str:
    """Return as many lines as a comment or string had, so that line numbers stay."""
    kept = match[0] if match[0].startswith('"') and "\n" not in match[0] else ""
    return kept if kept.endswith('.h"') else "\n" * match[0].count("\n")


def code(path: Path) -> str:
    """Return the file without comments, and without strings except the names of headers."""
    return COMMENT_OR_STRING.sub(blank, path.read_text(encoding="utf-8"))


def find(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """Return file:line: text of each line of code that matches."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(code(path).splitlines(), 1)
        if pattern.search(line)
    ]


def includes(path: Path) -> list[str]:
    lines = code(path).splitlines()
    return [match[1] for line in lines if (match := INCLUDE.match(line))]


def test_there_is_something_to_check() -> None:
    assert {layer_of(path) for path in cpp_files()} == set(LAYERS)


def test_includes_point_downward() -> None:
    upward = [
        f"{path.relative_to(ROOT)} includes {header}"
        for path in cpp_files()
        for header in includes(path)
        if header.startswith('"')
        and LAYERS.index(header.strip('"').split("/")[0]) > LAYERS.index(layer_of(path))
    ]
    assert not upward


def test_includes_are_relative_to_cpp() -> None:
    missing = [
        f"{path.relative_to(ROOT)} includes {header}"
        for path in cpp_files()
        for header in includes(path)
        if header.startswith('"') and not (ROOT / "cpp" / header.strip('"')).is_file()
    ]
    assert not missing


def test_isa_files_include_nothing_shared() -> None:
    shared = [
        f"{path.relative_to(ROOT)} includes {header}"
        for path in cpp_files("kernels")
        if ISA_FILE.match(path.name)
        for header in includes(path)
        if not ISA_FILE_MAY_INCLUDE.match(header)
    ]
    assert not shared


def test_python_stays_in_bindings() -> None:
    assert not find(PYTHON_API, [f for f in cpp_files() if layer_of(f) != "bindings"])


def test_instruction_sets_stay_in_kernels() -> None:
    # base/cpu.* asks the processor what it can do; that is all it may do.
    files = [f for f in cpp_files() if layer_of(f) != "kernels" and f.stem != "cpu"]
    assert not find(INTRINSICS, files)


def test_threads_stay_in_parallel() -> None:
    # base/processors.* counts the processors, for which the standard library asks std::thread.
    allowed = re.compile(r"base/(parallel\w*|processors)\.")
    files = [f for f in cpp_files() if not allowed.search(f.as_posix())]
    assert not find(THREADS, files)
    # Python's threads may call one network at once, which the bindings notice by an atomic flag.
    assert not find(ATOMICS, [f for f in files if layer_of(f) != "bindings"])


def test_kernels_only_compute() -> None:
    assert not find(NOT_IN_KERNELS, [f for f in cpp_files("kernels") if ISA_FILE.match(f.name)])


def test_no_dead_code() -> None:
    files = cpp_files() + sorted((ROOT / "tests" / "cpp").glob("*.cpp"))
    assert not [str(f.relative_to(ROOT)) for f in files if DEAD_CODE.search(f.read_text("utf-8"))]


def test_no_unsafe_flags() -> None:
    files = [ROOT / name for name in ("CMakePresets.json", "pyproject.toml", "noxfile.py")]
    files += [path for path in ROOT.rglob("CMakeLists.txt") if "build" not in path.parts]
    assert not [str(f) for f in files if UNSAFE_FLAGS.search(f.read_text("utf-8"))]


def top_level_imports(tree: ast.Module) -> list[str]:
    """Return the packages imported when the module is, which leaves out TYPE_CHECKING blocks."""
    statements = list(tree.body)
    packages = []
    for node in statements:
        if isinstance(node, ast.Import):
            packages += [name.name.split(".")[0] for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            packages.append((node.module or "").split(".")[0])
        elif isinstance(node, ast.Try):
            statements += node.body
    return packages


def test_importing_needs_only_numpy() -> None:
    known = {*sys.stdlib_module_names, "numpy", "briskmlp"}
    # The estimators are subclasses of scikit-learn's, and their folder loads when they are touched.
    estimators = ROOT / "python" / "briskmlp" / "sklearn"
    of_sklearn = ("sklearn", "scipy", "threadpoolctl")  # which needs the others
    optional = [
        f"{path.relative_to(ROOT)} imports {package}"
        for path in sorted((ROOT / "python").rglob("*.py"))
        for package in top_level_imports(ast.parse(path.read_text("utf-8")))
        if package not in known and not (path.is_relative_to(estimators) and package in of_sklearn)
    ]
    assert not optional


def test_only_who_asks_for_the_estimators_loads_them() -> None:
    folder = ROOT / "python" / "briskmlp"
    users = [
        str(path.relative_to(ROOT))
        for path in sorted(folder.rglob("*.py"))
        if not path.is_relative_to(folder / "sklearn")
        and re.search(r"^from \.+sklearn|^import briskmlp\.sklearn", path.read_text("utf-8"), re.M)
    ]
    assert not users


def test_importing_loads_only_what_is_always_used() -> None:
    ours = [
        "_augment",
        "_callbacks",
        "_check",
        "_checkpoint",
        "_explain",
        "_lbfgs",
        "_loggers",
        "_loss_settings",
        "_optimizers",
        "_saving",
        "_training",
        "bench",
        "plots",
        "reference",
        "sklearn",
    ]
    seldom = [*(f"briskmlp.{name}" for name in ours), "dataclasses", "difflib", "random", "secrets"]
    program = (
        "import sys, numpy, numpy.typing; before = {*sys.modules}; import briskmlp; "
        f"net = briskmlp.MLP([1, 1], loss='huber'); net.predict([1.0]); "
        f"print(sorted({{*{seldom}}} & ({{*sys.modules}} - before)))"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


def test_what_loads_on_demand_has_its_name() -> None:
    import briskmlp

    names = {}
    exec("from briskmlp import *", names)
    for name in [*briskmlp._HOMES, *briskmlp._SUBMODULES]:
        assert name in dir(briskmlp)
        if briskmlp._HOMES.get(name) == "sklearn":  # which asks for scikit-learn
            assert name not in names
            continue
        found = getattr(briskmlp, name)
        assert name == "Loss" or found.__name__.split(".")[-1] == name
        assert name in names or name in briskmlp._SUBMODULES


def line_limit(path: Path) -> int:
    """Return 250 for headers that declare, 400 for everything that does something."""
    return 250 if path.suffix == ".h" and not ISA_FILE.match(path.name) else 400


def test_files_stay_short() -> None:
    folders = [ROOT / name for name in ("cpp", "python", "tests", "benchmarks")]
    too_long = {
        str(path.relative_to(ROOT)): lines
        for folder in folders
        for path in sorted(folder.rglob("*.*"))
        if path.suffix in {".h", ".cpp", ".py"}
        and (lines := len(path.read_text("utf-8").splitlines())) > line_limit(path)
    }
    assert not too_long


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads ELF files")
@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm")
def test_extension_exports_only_its_interface() -> None:
    from briskmlp import _briskmlp_core

    command = ["nm", "--dynamic", "--defined-only", "--format=posix", _briskmlp_core.__file__]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = {line.split()[0] for line in listing.splitlines()}
    assert "PyInit__briskmlp_core" in names
    assert not {name for name in names if not name.startswith(("PyInit_", "briskmlp_"))}
