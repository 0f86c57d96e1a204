"""matmul and its relatives do what NumPy's do, whatever they are given, and round no worse."""

from __future__ import annotations

import itertools
import os
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = [name for name in ("matmul", "matvec", "vecmat", "vecdot") if hasattr(np, name)]
FLOATS = ["float32", "float64"]
OTHERS = "?bBhHiIlLqQegFDGO"
SIZES = [0, 1, 2, 3, 5, 16, 17, 33, 64]


def draw(rng, shape, dtype):
    values = rng.standard_normal(shape) * 4
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # negative numbers of unsigned types
        return np.abs(values).astype(dtype) if dtype in "BHILQ" else values.astype(dtype)


def shapes_of(name, m, k, n):
    return {
        "matmul": ((m, k), (k, n)),
        "matvec": ((m, k), (k,)),
        "vecmat": ((k,), (k, n)),
        "vecdot": ((k,), (k,)),
    }[name]


def numpys(name, *args):
    """NumPy's result, without the invalid operations that its BLAS may meet beside the operands."""
    with np.errstate(invalid="ignore"):
        return getattr(np, name)(*args)


def assert_close(name, got, x, y):
    """Componentwise: |error| <= gamma_K |x| |y|, with K roundings here and as many in NumPy."""
    function = getattr(np, name)
    with np.errstate(all="ignore"):
        exact = function(x.astype(np.longdouble), y.astype(np.longdouble))
        absolute = function(np.abs(x).astype(np.float64), np.abs(y).astype(np.float64))
    bound = 2 * (x.shape[-1] + 1) * np.finfo(x.dtype).eps * absolute
    assert np.all(np.abs(got - exact) <= bound)


def assert_same_order(got, expected, x, y):
    """The same bits for matrices; with a vector the order is that in which the other lies."""
    if x.shape[0] > 1 and y.shape[1] > 1:
        np.testing.assert_array_equal(got, expected)
    else:
        assert_close("matmul", got, x, y)


def both(name, *args, **kwargs):
    """The result, or the type and text of the error, of ours and of NumPy's."""
    results = []
    for module in (bm, np):
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                result = getattr(module, name)(*args, **kwargs)
            results.append((result, sorted({str(w.message) for w in caught})))
        except Exception as error:
            results.append((type(error), str(error)))
    return results


def assert_same(name, *args, **kwargs):
    (ours, said), (theirs, numpy_said) = both(name, *args, **kwargs)
    spurious = f"invalid value encountered in {name}"  # see numpys
    assert numpy_said in (said, [*said, spurious])
    assert type(ours) is type(theirs)
    if not isinstance(ours, type):
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        assert np.shape(ours) == np.shape(theirs)
        np.testing.assert_array_equal(ours, theirs)
    else:
        assert ours is theirs


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# To pickle a ufunc, NumPy 2.0 and 2.1 look into all modules, deprecated ones of NumPy too.
@pytest.mark.filterwarnings("ignore:The numpy.linalg.linalg:DeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_is_a_ufunc_like_numpys(name):
    ours, theirs = getattr(bm, name), getattr(np, name)
    assert isinstance(ours, np.ufunc)
    for attribute in ("signature", "nin", "nout", "nargs", "ntypes", "types", "identity"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert ours.__name__ == name
    assert pickle.loads(pickle.dumps(ours)) is ours


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", NAMES)
def test_sizes(name, dtype, rng):
    for m, k, n in itertools.product(SIZES, SIZES, SIZES):
        first, second = shapes_of(name, m, k, n)
        x, y = draw(rng, first, dtype), draw(rng, second, dtype)
        got, expected = getattr(bm, name)(x, y), numpys(name, x, y)
        assert type(got) is type(expected)
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        assert_close(name, got, x, y)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("m", "k", "n"), [(300, 1100, 70), (1, 2000, 700), (700, 2000, 1)])
def test_large(m, k, n, dtype, rng):
    x, y = draw(rng, (m, k), dtype), draw(rng, (k, n), dtype)
    got = bm.matmul(x, y)
    assert_close("matmul", got, x, y)
    columns = bm.matmul(np.asfortranarray(x), np.asfortranarray(y))
    assert_same_order(columns, got, x, y)
    np.testing.assert_array_equal(bm.matmul(x[m // 2], y), got[m // 2])
    with bm.threads(1):
        np.testing.assert_array_equal(bm.matmul(x, y), got)
        np.testing.assert_array_equal(
            bm.matmul(np.asfortranarray(x), np.asfortranarray(y)), columns
        )


@pytest.mark.parametrize("dtype", OTHERS)
@pytest.mark.parametrize("name", NAMES)
def test_other_types_are_numpys(name, dtype, rng):
    first, second = shapes_of(name, 3, 4, 5)
    assert_same(name, draw(rng, first, dtype), draw(rng, second, dtype))


@pytest.mark.parametrize("name", NAMES)
def test_promotion(name, rng):
    first, second = shapes_of(name, 3, 4, 5)
    for a, b in itertools.product("?bhilefdgFDO", repeat=2):
        assert_same(name, np.ones(first, a), np.ones(second, b))
    x, y = np.ones(first), np.ones(second)
    assert_same(name, x, y.astype(">f8"))
    assert_same(name, x.astype(">f4"), y.astype("<f4"))
    assert_same(name, x.tolist(), y.tolist())
    assert_same(name, x, y, dtype="float32", casting="same_kind")
    assert_same(name, x, y, dtype="float32")
    assert_same(name, x, y, dtype="int64")
    assert_same(name, x, y, signature="ff->f", casting="unsafe")
    assert_same(name, x, y, order="F")
    assert_same(name, x, np.ones(second, "S3"))
    assert_same(name, x, np.ones(second, "M8[s]"))


@pytest.mark.parametrize(
    ("x", "y", "kwargs"),
    [
        (np.ones((2, 3)), np.ones((2, 3)), {}),
        (np.ones(3), np.ones(4), {}),
        (np.ones((3, 2, 3)), np.ones((2, 3, 2)), {}),
        (np.float64(1), np.ones((2, 2)), {}),
        (2, 3, {}),
        (np.ones((2, 2)), np.ones((2, 2)), {"axis": 0}),
        (np.ones((2, 2)), np.ones((2, 2)), {"keepdims": True}),
        (np.ones((2, 2)), np.ones((2, 2)), {"where": np.ones((2, 2), bool)}),
        (np.ones((2, 2)), np.ones((2, 2)), {"nonsense": 1}),
        (np.ones((2, 2)), np.ones((2, 2)), {"out": np.empty((2, 3))}),
        (np.ones((2, 2)), np.ones((2, 2)), {"out": np.empty((2, 2), int)}),
        (np.ones((2, 2)), np.ones((2, 2)), {"out": [1]}),
        (np.ones((2, 2)), np.ones((2, 2)), {"out": np.broadcast_to(0.0, (2, 2))}),
        (np.ones((2, 3, 4)), np.ones((4, 5)), {"axes": [(0, 1), (0, 1), (0, 1)]}),
        (np.ones((3, 2, 4)), np.ones((4, 5)), {"axes": [(1, 2), (0, 1), (0, 2)]}),
        (np.ones((2, 2)), np.ones((2, 2)), {"axes": [(0, 0), (0, 1), (0, 1)]}),
        (np.ones((0, 3)), np.ones((3, 2)), {}),
        (np.ones((2, 0)), np.ones((0, 2)), {}),
        (np.ones((0, 2, 2)), np.ones((0, 2, 2)), {}),
        (np.ones((5, 1, 2, 3)), np.ones((4, 3, 2)), {}),
        (np.ma.ones((2, 2)), np.ones((2, 2)), {}),
        (np.ones((2, 2)), None, {}),
        (np.ones((2, 2)), np.array([[1, "a"], [2, 3]], object), {}),
    ],
)
def test_rules_and_errors(x, y, kwargs):
    assert_same("matmul", x, y, **kwargs)


@pytest.mark.parametrize("method", ["reduce", "accumulate", "outer", "at", "reduceat"])
def test_methods_that_generalised_ufuncs_lack(method):
    messages = []
    for function in (bm.matmul, np.matmul):
        with pytest.raises((RuntimeError, TypeError)) as error:
            getattr(function, method)(np.ones((2, 2)), np.ones((2, 2)))
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("count", [0, 1, 4])
def test_numbers_of_arguments(count):
    assert_same("matmul", *[np.ones((2, 2))] * count)


@st.composite
def lying(draw_from, rows, cols, dtype):
    """A matrix that lies in some way in a larger one, and its values."""
    values = np.random.default_rng(draw_from(st.integers(0, 999))).standard_normal((rows, cols))
    steps = [draw_from(st.sampled_from([1, 2, 3, -1, -2])) for _ in range(2)]
    order = draw_from(st.sampled_from("CF"))
    offset = draw_from(st.integers(0, 3))
    whole = np.zeros([abs(s) * n + offset for s, n in zip(steps, (rows, cols), strict=True)], dtype)
    whole = np.asarray(whole, order=order)
    view = whole[offset:, offset:][:: abs(steps[0]), :: abs(steps[1])][:rows, :cols]
    view = view[:: np.sign(steps[0]), :: np.sign(steps[1])]
    view[...] = values
    return view


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_layouts(data):
    m, k, n = (data.draw(st.integers(0, 40)) for _ in range(3))
    dtype = data.draw(st.sampled_from(FLOATS))
    x, y = data.draw(lying(m, k, dtype)), data.draw(lying(k, n, dtype))
    out = data.draw(lying(m, n, dtype))
    expected = bm.matmul(x.copy(), y.copy())
    assert_close("matmul", expected, x, y)
    assert bm.matmul(x, y, out=out) is out
    assert_same_order(out, expected, x, y)
    np.testing.assert_array_equal(bm.matmul(x, y, out), out)
    rows = bm.matmul(x[:, np.newaxis], y)[:, 0] if m else expected
    assert_same_order(rows, expected, x, y)


@pytest.mark.parametrize("name", NAMES)
def test_broadcasting(name, rng):
    first, second = shapes_of(name, 3, 20, 5)
    for a, b in [((4,), ()), ((), (4,)), ((4,), (4,)), ((2, 1), (4,)), ((0,), ()), ((1,), (3,))]:
        for dtype in FLOATS:
            x, y = draw(rng, (*a, *first), dtype), draw(rng, (*b, *second), dtype)
            got, expected = getattr(bm, name)(x, y), numpys(name, x, y)
            assert got.shape == expected.shape
            assert_close(name, got, x, y)
            strided = getattr(bm, name)(np.repeat(x, 2, axis=-1)[..., ::2], y)
            np.testing.assert_array_equal(strided, got)
    constant = np.broadcast_to(np.float32(2), first)
    y = draw(rng, second, "f")
    assert_close(name, getattr(bm, name)(constant, y), constant, y)


@pytest.mark.parametrize("dtype", FLOATS)
def test_one_row_times_a_transpose(dtype, rng):
    for k, n in itertools.product([5, 16, 100, 1000], [2, 5, 64, 1000]):
        x, w = draw(rng, (1, k), dtype), draw(rng, (n, k), dtype)
        got = bm.matmul(x, w.T)
        assert_close("matmul", got, x, w.T)
        np.testing.assert_array_equal(bm.matmul(x[0], w.T), got[0])
        tall = draw(rng, (n, 1), dtype)
        assert_close("matmul", bm.matmul(w.T, tall), w.T, tall)


def test_operands_that_overlap_the_result(rng):
    for dtype, n in itertools.product(FLOATS, (3, 70)):
        x, y = draw(rng, (n, n), dtype), draw(rng, (n, n), dtype)
        expected = bm.matmul(x, y)
        for which in (0, 1):
            operands = [x.copy(), y.copy()]
            bm.matmul(*operands, out=operands[which])
            np.testing.assert_array_equal(operands[which], expected)
        memory = np.concatenate([x, x])
        bm.matmul(memory[:n], y, out=memory[n // 2 : n // 2 + n])
        np.testing.assert_array_equal(memory[n // 2 : n // 2 + n], expected)
        np.testing.assert_array_equal(bm.matmul(x, x.T), bm.matmul(x, x.T.copy()))


def test_misaligned_and_read_only(rng):
    for dtype in FLOATS:
        x = draw(rng, (5, 20), dtype)
        memory = np.empty(x.nbytes + 1, np.uint8)[1:].view(dtype).reshape(x.shape)
        memory[...] = x
        memory.flags.writeable = False
        np.testing.assert_array_equal(bm.matmul(memory, x.T), bm.matmul(x, x.T))
        packed = np.zeros(x.shape, [("byte", "u1"), ("x", dtype)])
        packed["x"] = x
        np.testing.assert_array_equal(bm.matmul(packed["x"], x.T), bm.matmul(x, x.T))
        out = np.zeros((5, 5), [("byte", "u1"), ("x", dtype)])["x"]
        np.testing.assert_array_equal(bm.matmul(x, x.T, out=out), bm.matmul(x, x.T))


class Overriding:
    """Knows NumPy's matmul, as libraries do."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return "mine" if ufunc is np.matmul and method == "__call__" else NotImplemented


class Refusing:
    __array_ufunc__ = None


class Subclass(np.ndarray):
    pass


def test_overrides_see_numpys_ufunc():
    for args in [(Overriding(), np.ones(2)), (np.ones(2), Overriding())]:
        assert bm.matmul(*args) == "mine"
    assert bm.matmul(np.ones(2), np.ones(2), out=Overriding()) == "mine"
    assert bm.matmul(np.ones(2), np.ones(2), out=(Overriding(),)) == "mine"
    assert_same("matmul", Refusing(), np.ones(2))


def test_subclasses():
    x = np.ones((2, 2)).view(Subclass)
    assert_same("matmul", x, np.ones((2, 2)))
    assert_same("matmul", np.ones((2, 2)), x, subok=False)
    assert type(bm.matmul(x, x)) is Subclass


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [1, 2, 20, 300])
def test_nan_and_infinity_propagate(n, dtype):
    x, y = np.zeros((3, n), dtype), np.ones((n, n), dtype)
    y[0, 0] = np.inf  # times 0
    y[0, n - 1] = np.nan
    with np.errstate(all="ignore"):
        for a, b in [(x, y), (x[0], y), (x[:1], y), (x, y.T), (x[0], y[:, 0])]:
            np.testing.assert_array_equal(bm.matmul(a, b), np.matmul(a, b))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", [3, 16, 300])
def test_floating_point_errors(n, dtype):
    large = np.full((n, n), np.finfo(dtype).max)
    with pytest.warns(RuntimeWarning, match="overflow encountered in matmul"):
        assert np.isinf(bm.matmul(large, large)).all()
    infinite = np.full((n, n), np.inf, dtype)
    for x in (infinite, np.broadcast_to(infinite, (2, n, n))):  # plain, and through NumPy
        with pytest.warns(RuntimeWarning, match="invalid value encountered in matmul"):
            bm.matmul(x, np.zeros((n, n), dtype))
        with np.errstate(invalid="raise"), pytest.raises(FloatingPointError, match="in matmul"):
            bm.matmul(x, np.zeros((n, n), dtype))
        assert np.isinf(bm.matmul(x, np.ones((n, n), dtype))).all()  # and nothing is said
    with np.errstate(all="ignore"):
        bm.matmul(large, large)


def test_out_of_vectors():
    out = np.empty(())
    assert bm.matmul(np.ones(3), np.ones(3), out=out) is out
    assert out == 3
    assert isinstance(bm.matmul(np.ones(3), np.ones(3)), np.float64)


def test_releases_the_gil():
    stop, turns = threading.Event(), [0]

    def count():
        while not stop.is_set():
            turns[0] += 1

    thread = threading.Thread(target=count)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(10)  # the counter goes on only where the product lets it
    try:
        x = np.ones((900, 900))
        thread.start()
        before = turns[0]
        bm.matmul(x, x)
        assert turns[0] > before
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()


@pytest.mark.parametrize("isa", bm.show_config("dict")["supported_isas"])
def test_instruction_sets(isa):
    """All of the above once more, each in a process of its own, on what is not the default."""
    if isa == bm.show_config("dict")["isa"] or os.environ.get("BRISKMLP_ISA"):
        pytest.skip("this very process, or one was asked for")
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__],
        env={**os.environ, "BRISKMLP_ISA": isa},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stdout[-3000:]
