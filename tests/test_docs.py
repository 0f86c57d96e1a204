"""Every example in the documentation runs, and the README's commands are those that CI runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

import briskmlp
import pytest
from briskmlp._function_docs import FUNCTIONS

README = Path(__file__).resolve().parents[1] / "README.md"
PAGES = [
    page
    for page in [README, *sorted((README.parent / "docs").glob("*.md"))]
    if page.is_file() and "```python" in page.read_text("utf-8")
]
OPTIONAL = {"plot": "matplotlib", "LBFGS": "scipy"}  # what blocks with these words need
NEEDED = {  # by modules whose names begin like this
    "briskmlp.plots": "matplotlib",
    "briskmlp._lbfgs": "scipy",
    "briskmlp.sklearn": "sklearn",
}
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
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
    for start, needed in NEEDED.items():
        if name.startswith(start):
            pytest.importorskip(needed)
    for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
        run(test)


@pytest.fixture
def trackers(monkeypatch: pytest.MonkeyPatch) -> dict[str, mock.MagicMock]:
    """Stand-ins for packages that recipes use and tests cannot: they note how they are called."""
    modules = {name: mock.MagicMock() for name in ("mlflow", "wandb")}
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    modules["mlflow"].log_metrics.return_value = None
    modules["wandb"].init.return_value.__enter__.return_value.log.return_value = None
    return modules


@pytest.mark.skipif(not README.is_file(), reason="needs the source tree")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_of_a_page(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trackers: dict[str, mock.MagicMock],
) -> None:
    """All `python` blocks, one after another in one namespace; those with prompts are compared."""
    if page.name == "scikit_learn.md":
        pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert blocks
    namespace: dict[str, object] = {}
    parser = doctest.DocTestParser()
    for number, block in enumerate(blocks, 1):
        name = f"{page.name}, block {number}"
        if any(word in block and not find_spec(needed) for word, needed in OPTIONAL.items()):
            continue
        if ">>>" in block:
            test = parser.get_doctest(block, namespace, name, None, None)
            run(test)
            namespace.update(test.globs)
        else:
            exec(compile(block, name, "exec"), namespace)
    if "mlflow" in page.read_text("utf-8"):
        logged = trackers["mlflow"].log_metrics.call_args_list
        assert [call.kwargs["step"] for call in logged] == [*range(1, 11)]
        assert logged[0].args[0].keys() == {"loss", "eval_loss", "eval_metric", "seconds"}
        assert trackers["wandb"].init().__enter__().log.call_count == 10


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
def test_reference_lists_everything_public() -> None:
    text = (README.parent / "docs" / "site" / "api.rst").read_text("utf-8")
    assert set(briskmlp.__all__) <= set(re.findall(r"^\.\. auto\w+:: (\w+)$", text, re.MULTILINE))


def test_everything_public_has_a_docstring() -> None:
    for name in briskmlp.__all__:
        public = getattr(briskmlp, name)
        assert public.__doc__, name
        for method, value in vars(public).items() if isinstance(public, type) else ():
            if not method.startswith("_") and callable(value):
                assert inspect.getdoc(getattr(public, method)), f"{name}.{method}"


@pytest.mark.skipif(not README.is_file(), reason="needs the source tree")
def test_page_on_embedding_shows_the_project_that_is_built() -> None:
    docs = README.parent / "docs"
    page = (docs / "embedding.md").read_text("utf-8")
    for language, name in {"cmake": "CMakeLists.txt", "cpp": "main.cpp"}.items():
        assert f"```{language}\n{(docs / 'embedding' / name).read_text('utf-8')}```" in page


@pytest.mark.skipif(not README.is_file(), reason="needs the source tree")
def test_readme_has_the_two_commands() -> None:
    """`.ci/run` runs the lines that chain `pip install` with something, and these are they."""
    commands = re.findall(r"^pip install .* && .*$", README.read_text("utf-8"), re.MULTILINE)
    assert commands == [
        "pip install . && python -m briskmlp demo",
        'pip install ".[test]" && pytest',
    ]


@pytest.mark.skipif(not README.is_file(), reason="needs the source tree")
def test_every_page_is_linked_and_every_link_leads_somewhere() -> None:
    pages = [README, *(README.parent / "docs").glob("*.md")]
    more = README.read_text("utf-8").partition("## More")[2]
    assert {page.name for page in pages[1:]} <= {Path(link).name for link in LINK.findall(more)}
    for page in pages:
        for link in LINK.findall(page.read_text("utf-8")):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), f"{page.name}: {link}"
            if anchor:
                headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
                anchors = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings]
                assert anchor in anchors, f"{page.name}: {link}"
