"""Every example in the documentation runs, and the README's commands are those that CI runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import briskmlp
import pytest
from briskmlp._function_docs import FUNCTIONS

README = Path(__file__).resolve().parents[1] / "README.md"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    """Return the names of the package's modules, the extension and the program aside."""
    names = [info.name for info in pkgutil.walk_packages(briskmlp.__path__, "briskmlp.")]
    return ["briskmlp"] + [n for n in names if not n.endswith(("_briskmlp_core", "__main__"))]


def run(test: doctest.DocTest) -> None:
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    result = runner.run(test, out=report.append, clear_globs=False)
    assert result.failed == 0, "".join(report)


@pytest.mark.parametrize("name", modules())
def test_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
        run(test)


@pytest.mark.skipif(not README.is_file(), reason="needs the source tree")
def test_readme_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All `python` blocks, one after another in one namespace; those with prompts are compared."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```python\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert blocks
    namespace: dict[str, object] = {}
    parser = doctest.DocTestParser()
    for number, block in enumerate(blocks, 1):
        if ">>>" in block:
            test = parser.get_doctest(block, namespace, f"README block {number}", None, None)
            run(test)
            namespace.update(test.globs)
        else:
            exec(compile(block, f"README block {number}", "exec"), namespace)


@pytest.mark.skipif(not README.is_file(), reason="needs the source tree")
def test_page_on_functions() -> None:
    """Its examples run, and it names every function with its accuracy."""
    page = (README.parent / "docs" / "functions.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    for block in blocks:
        run(doctest.DocTestParser().get_doctest(block, {}, "docs/functions.md", None, None))
    for name, function in FUNCTIONS.items():
        assert f"`{name}" in page
        for line in re.findall(rf"^\| {name} \|(.*)", page, re.MULTILINE):
            bound = line.split("|")[0].strip()
            assert bound == str(function.ulp["float64" in line])


@pytest.mark.skipif(not README.is_file(), reason="needs the source tree")
def test_readme_has_the_two_commands() -> None:
    """`.ci/run` runs the lines that chain `pip install` with something, and these are they."""
    commands = re.findall(r"^pip install .* && .*$", README.read_text("utf-8"), re.MULTILINE)
    assert commands == [
        "pip install . && python -m briskmlp demo",
        'pip install ".[test]" && pytest',
    ]
