"""Arrays of every type and layout mean the same as the plain one, and stay as they are."""

from __future__ import annotations

from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest

ROWS, IN, OUT = 37, 6, 3
# Small whole numbers, which every type below holds exactly.
X = np.random.default_rng(0).integers(0, 2, size=(ROWS, IN)).astype("f8")
LABELS = np.random.default_rng(1).integers(0, OUT, size=ROWS)

DTYPES = [
    *("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "q", "Q", "l", "L"),
    *("f2", "f4", "f8", "g"),
    *(">i4", ">f4", ">f8", ">u8"),
]


def misaligned(x: np.ndarray) -> np.ndarray:
    buffer = np.zeros(x.nbytes + 1, "u1")
    array = buffer[1:].view(x.dtype).reshape(x.shape)
    array[...] = x
    assert array.itemsize == 1 or not array.flags.aligned
    return array


def read_only(x: np.ndarray) -> np.ndarray:
    array = x.copy()
    array.flags.writeable = False
    return array


def in_record(x: np.ndarray) -> np.ndarray:
    records = np.zeros(len(x), [("tag", "u1"), ("x", x.dtype, x.shape[1:])])
    records["x"] = x
    return records["x"]


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "reversed rows": lambda x: x[::-1].copy()[::-1],
    "reversed columns": lambda x: x[:, ::-1].copy()[:, ::-1],
    "every second": lambda x: np.repeat(np.repeat(x, 2, axis=0), 2, axis=1)[::2, ::2],
    "part of wider rows": lambda x: np.hstack([x, x])[:, : x.shape[1]],
    "transposed": lambda x: x.T.copy().T,
    "misaligned": misaligned,
    "read-only": read_only,
    "field of a record": in_record,
    "masked array without a mask": np.ma.asarray,
}


@pytest.fixture(params=["float32", "float64"])
def net(request: pytest.FixtureRequest) -> bm.MLP:
    return bm.MLP([IN, 8, OUT], loss="cross_entropy", dtype=request.param, seed=0)


def results(net: bm.MLP, x: object, y: object) -> list[np.ndarray]:
    """Everything a network computes from X and y."""
    loss, gradient = net.gradients(x, y)
    dX, by_parameters = net.backward(x, np.ones((ROWS, OUT)))
    trained = net.copy()
    history = trained.fit(x, y, epochs=2, batch_size=8, eval_set=(x, y))
    return [
        *(net.predict(x), net(x), np.array(loss), gradient, dX, by_parameters),
        *(np.array(net.evaluate(x, y)), trained.parameters),
        *(history["loss"], history["eval_loss"]),
    ]


def assert_same(net: bm.MLP, x: object, y: object = LABELS) -> None:
    plain = results(net, X.astype(net.dtype), LABELS)
    for result, expected in zip(results(net, x, y), plain, strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(net: bm.MLP, dtype: str) -> None:
    x = X.astype(dtype)
    before = x.copy()
    assert_same(net, x)
    np.testing.assert_array_equal(x, before)
    assert x.dtype == before.dtype


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1"])
def test_layouts(net: bm.MLP, layout: str, dtype: str) -> None:
    x = LAYOUTS[layout](X.astype(dtype))
    assert_same(net, x)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_of_labels(net: bm.MLP, dtype: str) -> None:
    if dtype == "?":
        net = bm.MLP([IN, 8, 2], loss="cross_entropy", dtype=net.dtype, seed=0)
        y = LABELS > 0
        assert net.gradients(X, y)[0] == net.gradients(X, y.astype(int))[0]
    else:
        assert_same(net, X, LABELS.astype(dtype))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_targets(layout: str) -> None:
    net = bm.MLP([IN, 8, OUT], seed=0)
    y = np.random.default_rng(2).normal(size=(ROWS, OUT))
    expected = net.gradients(X, y)[1]
    np.testing.assert_array_equal(net.gradients(X, LAYOUTS[layout](y))[1], expected)


def test_lists_and_tuples(net: bm.MLP) -> None:
    assert_same(net, X.tolist(), LABELS.tolist())
    assert_same(net, tuple(map(tuple, X.astype(int).tolist())), tuple(LABELS))


def test_memory_mapped_file(net: bm.MLP, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    assert_same(net, np.load(tmp_path / "X.npy", mmap_mode="r"))


def test_anything_that_says_how_to_become_an_array(net: bm.MLP) -> None:
    class Frame:
        def __array__(self, dtype: object = None, copy: bool | None = None) -> np.ndarray:
            return np.array(X, dtype, copy=copy)

    assert_same(net, Frame())


def test_broadcast_rows(net: bm.MLP) -> None:
    rows = np.broadcast_to(X[0], (5, IN))
    np.testing.assert_array_equal(net.predict(rows), net.predict(rows.copy()))


def test_regression_targets_of_one_column() -> None:
    net = bm.MLP([IN, 8, 1], seed=0)
    y = np.arange(ROWS)
    expected = net.gradients(X, y[:, np.newaxis])[1]
    for same in (y, y.tolist(), y.astype("f2"), y.astype(">i8"), y[::-1].copy()[::-1]):
        np.testing.assert_array_equal(net.gradients(X, same)[1], expected)


def test_sample_weight_of_any_type(net: bm.MLP) -> None:
    weight = np.arange(ROWS) % 3
    expected = net.gradients(X, LABELS, sample_weight=weight)
    for same in (weight.tolist(), weight.astype("u1"), weight.astype(">f4"), weight * 1.0):
        loss, gradient = net.gradients(X, LABELS, sample_weight=same)
        assert loss == expected[0]
        np.testing.assert_array_equal(gradient, expected[1])


def test_half_precision_probabilities_are_good_enough(net: bm.MLP) -> None:
    rng = np.random.default_rng(3)
    y = rng.dirichlet(np.ones(OUT), size=ROWS).astype("f2")
    assert np.isfinite(net.gradients(X, y)[0])
