"""The elementwise functions as ufuncs: all that NumPy's own can do, they can, with the same bits in
every layout. What they compute is in test_ufunc_values.py, what they raise in test_ufunc_errors.py.
"""

from __future__ import annotations

import doctest
import pickle

import briskmlp as bm
import numpy as np
import pytest
from array_layouts import layouts
from function_cases import (
    BACKWARD_NAMES,
    FLOATS,
    NAMES,
    WITH_PARAMETER,
    in_domain,
    operands,
    same_bits,
    ufunc,
)
from hypothesis import given, settings
from hypothesis import strategies as st

ALL = NAMES + BACKWARD_NAMES
ROW_NAMES = ["softmax", "log_softmax", "logsumexp"]


@pytest.mark.parametrize("name", ALL)
def test_it_is_a_ufunc(name):
    f = ufunc(name)
    assert f.__name__ == name
    assert f.nout == 1
    parameters = name.removesuffix("_backward") in WITH_PARAMETER
    assert f.nin == 1 + name.endswith("_backward") + parameters
    assert f.types == [f"{t * f.nin}->{t}" for t in "efd"]
    assert pickle.loads(pickle.dumps(f)) is f


@pytest.mark.parametrize("name", ALL + ROW_NAMES)
def test_docstring_and_its_examples(name):
    doc = getattr(bm, name).__doc__
    for section in ("Parameters", "Returns", "Notes", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in doc
    assert max(map(len, doc.splitlines()[1:])) <= 100
    test = doctest.DocTestParser().get_doctest(doc, {}, name, None, None)
    assert test.examples
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(test, out=report.append).failed == 0, "".join(report)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", ALL)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_layout_has_the_same_bits(name, dtype, data):
    shape = data.draw(st.lists(st.integers(0, 13), min_size=1, max_size=3).map(tuple))
    args = operands(name, shape, dtype, seed=1)
    expected = ufunc(name)(*args)
    laid_out = [data.draw(layouts(a)) for a in args]
    assert same_bits(ufunc(name)(*laid_out), expected)
    out = data.draw(layouts(np.empty(shape, dtype)))
    if not out.flags.writeable or not out.dtype.isnative:
        return
    assert ufunc(name)(*laid_out, out=out) is out
    assert same_bits(out, expected)


@pytest.mark.parametrize("n", [1023, 1024, 1025, 5000])
@pytest.mark.parametrize("name", ALL)
def test_blocks_and_threads_do_not_matter(name, n):
    args = operands(name, n, "float32")
    expected = np.concatenate([ufunc(name)(*(a[i : i + 7] for a in args)) for i in range(0, n, 7)])
    assert same_bits(ufunc(name)(*args), expected)


@pytest.mark.parametrize("name", ["exp", "leaky_relu", "gelu_backward"])
def test_threads(name):
    args = operands(name, 1_200_001, "float32")
    results = []
    for count in (1, 2, 5):
        with bm.threads(count):
            results.append(ufunc(name)(*args))
    assert same_bits(results[0], results[1])
    assert same_bits(results[0], results[2])
    assert same_bits(results[0][-1000:], ufunc(name)(*(a[-1000:] for a in args)))


@pytest.mark.parametrize("name", NAMES)
def test_scalars_and_zero_dimensions(name):
    x = np.float32(0.75)
    y = ufunc(name)(x)
    assert type(y) is np.float32
    assert type(ufunc(name)(0.75)) is np.float64
    assert ufunc(name)(np.array(0.75, "float32"), out=np.empty((), "float32")).shape == ()
    assert y == ufunc(name)(np.full(3, x))[1]


def test_types_follow_numpy():
    for dtype in "?bBhHiIlLqQefd":
        x = np.ones(2, dtype)
        assert bm.relu(x).dtype == np.exp(x).dtype
    assert bm.exp(np.ones(2, "f"), dtype="d").dtype == np.float64
    assert bm.leaky_relu(np.ones(2, "f"), np.float64(0.1)).dtype == np.float64
    assert bm.leaky_relu(np.ones(2, "e"), 0.1).dtype == np.float16
    with pytest.raises(TypeError, match="could not be safely coerced"):
        bm.exp(np.ones(2, np.longdouble))
    with pytest.raises(TypeError):
        bm.exp(np.ones(2, complex))
    with pytest.raises(TypeError, match="same_kind"):
        bm.exp(np.ones(2), out=np.ones(2, int))
    assert bm.exp(np.ones(2, np.longdouble), dtype="d", casting="same_kind").dtype == np.float64


@pytest.mark.parametrize("name", ["relu", "exp", "silu"])
def test_where_out_and_in_place(name):
    x = operands(name, (5, 6), "float32")[0]
    y = ufunc(name)(x)
    out = np.full_like(x, 7)
    mask = np.arange(30).reshape(5, 6) % 3 == 0
    assert ufunc(name)(x, out=out, where=mask) is out
    assert same_bits(out, np.where(mask, y, np.float32(7)))
    assert ufunc(name)(x, out=x) is x
    assert same_bits(x, y)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shift", [-3, -1, 1, 5])
def test_overlapping_operands(name, shift):
    args = operands(name, 3000, "float32")
    x = args[0][10:-10]
    rest = [a[10:-10] for a in args[1:]]
    y = ufunc(name)(x, *rest)
    out = args[0][10 + shift : len(args[0]) - 10 + shift]
    ufunc(name)(x, *rest, out=out)
    assert same_bits(out, y)


@pytest.mark.parametrize("name", WITH_PARAMETER)
def test_parameter(name):
    f = ufunc(name)
    keyword, default = {"leaky_relu": ("slope", 0.01), "elu": ("alpha", 1.0)}[name]
    x = np.linspace(-2, 2, 9, dtype="float32")
    for args, value in ([x], default), ([x, 0.3], 0.3):
        assert same_bits(f(*args), f(x, np.full_like(x, value)))
    assert same_bits(f(x, **{keyword: 0.3}), f(x, 0.3))
    out = np.empty(9)
    assert f(x, out=out, **{keyword: 0.3}, dtype="d") is out
    assert same_bits(out, f(x.astype("d"), 0.3))
    per_column = f(np.ones((3, 2)) * -1, np.array([0.1, 0.2]))
    assert per_column.shape == (3, 2)
    assert per_column[0, 0] != per_column[0, 1]
    with pytest.raises(TypeError, match=keyword):
        f(x, 0.3, **{keyword: 0.3})
    with pytest.raises(TypeError, match="bias"):
        f(x, bias=1)
    with pytest.raises(TypeError):
        f()


@pytest.mark.parametrize("name", [n for n in ALL if ufunc(n).nin == 2])
def test_accumulate_reduce_outer_at(name):
    x = in_domain(name, np.array([0.5, -1.5, 0.25, 2.0, -0.75]))
    expected = [x[0]]
    for value in x[1:]:
        expected.append(ufunc(name)(expected[-1], value))
    with np.errstate(all="ignore"):
        assert same_bits(ufunc(name).accumulate(x), np.array(expected))
        assert ufunc(name).reduce(x) == expected[-1]
        assert same_bits(ufunc(name).outer(x, x), ufunc(name)(x[:, None], x[None]))
        y = x.copy()
        ufunc(name).at(y, [1, 3, 1], 0.5)
        once = ufunc(name)(x, 0.5)
        assert same_bits(y, np.where([0, 0, 0, 1, 0], once, np.where(
            [0, 1, 0, 0, 0], ufunc(name)(once, 0.5), x)))  # fmt: skip


class Recorder:
    """Takes every ufunc for itself."""

    def __array_ufunc__(self, function, method, *inputs, **kwargs):
        return function, method, inputs, kwargs


def test_overrides_and_subclasses():
    it = Recorder()
    assert bm.relu(it) == (bm.relu, "__call__", (it,), {})
    assert bm.leaky_relu(it) == (bm.leaky_relu, "__call__", (it, 0.01), {})
    assert bm.leaky_relu(it, slope=0.5, dtype="d")[2:] == ((it, 0.5), {"dtype": "d"})
    assert bm.softmax(it, axis=0)[3] == {"axis": 0}
    masked = bm.exp(np.ma.array([0.0, 1.0], mask=[True, False]))
    assert isinstance(masked, np.ma.MaskedArray)
    assert isinstance(bm.exp(np.array([1.0]).view(np.recarray)), np.recarray)
