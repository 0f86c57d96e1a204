"""NumPy's examples of its products run unchanged with ours, and so do our own."""

from __future__ import annotations

import doctest
import types

import briskmlp as bm
import numpy as np
import pytest

NAMES = [name for name in ("matmul", "matvec", "vecmat", "vecdot") if hasattr(np, name)]


class WithoutSpaces(doctest.OutputChecker):
    """Takes [ 0.,  4., 0.] for [0., 4., 0.], as NumPy's own checker does."""

    def check_output(self, want, got, optionflags):
        return super().check_output(want.replace(" ", ""), got.replace(" ", ""), optionflags)


def test_examples_of_numpys_documentation():
    class Shim(types.ModuleType):
        def __getattr__(self, name):
            return getattr(bm if name in NAMES else np, name)

    runner = doctest.DocTestRunner(WithoutSpaces(), optionflags=doctest.ELLIPSIS)
    for name in NAMES:
        text = getattr(np, name).__doc__
        example = doctest.DocTestParser().get_doctest(text, {"np": Shim("np")}, name, None, 0)
        assert example.examples
        with np.printoptions(legacy="1.25"):  # 98, where NumPy 2 shows np.int64(98)
            assert runner.run(example).failed == 0


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_our_documentation(name):
    text = getattr(bm, name).__doc__
    example = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert example.examples
    assert doctest.DocTestRunner().run(example).failed == 0
