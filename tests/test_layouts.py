"""Whatever holds the numbers and however they lie: the same bits as from plain arrays, or an error
that is documented; and what comes in stays as it was.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import briskmlp as bm
import numpy as np
import pytest
from array_layouts import WRAPPERS, OfDLPack, layouts
from function_cases import BACKWARD_NAMES, NAMES, operands, same_bits, ufunc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

IN, OUT = 5, 3
# Whole numbers from 0 to 1 are the same in every one of them.
DTYPES = ["?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "g"]
LOSSES = {"cross_entropy": (), "mse": (OUT,), "binary_cross_entropy": (OUT,)}
NETS = {
    (loss, dtype): bm.MLP([IN, 8, OUT], "tanh", loss=loss, dtype=dtype, seed=0)
    for loss in LOSSES
    for dtype in ("float32", "float64")
}
any_net = st.sampled_from(sorted(NETS)).map(NETS.__getitem__)
quick = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, shape)


def outcomes(net: bm.MLP, X: Any, y: Any, weight: Any, dY: Any) -> list[np.ndarray]:
    """All that a network makes of them."""
    trained = net.copy()
    history = trained.fit(X, y, epochs=1, sample_weight=weight, eval_set=(X, y, weight))
    loss, gradient = net.gradients(X, y, sample_weight=weight)
    dX, by_parameters = net.backward(X, dY)
    return [
        *(net.predict(X), net(X), gradient, dX, by_parameters, np.array(loss)),
        *(np.array(net.evaluate(X, y, sample_weight=weight)), trained.parameters),
        *(history["loss"], history["eval_loss"], net.input_gradients(X, 1)),
    ]


def all_equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(same_bits(a, b) for a, b in zip(one, other, strict=True))


def memory(array: np.ndarray) -> bytes:
    """All that an array looks at, and what lies between."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array.tobytes()


# --- Networks ----------------------------------------------------------------------------------


@given(data=st.data(), net=any_net, rows=st.integers(1, 9))
@settings(quick, max_examples=120)
def test_networks_do_not_mind_layouts_and_types(data: Any, net: bm.MLP, rows: int) -> None:
    shape = (rows, *LOSSES[net.loss])
    plain = [numbers(0, rows, IN), numbers(1, *shape), np.ones(rows, int), numbers(2, rows, OUT)]
    same = [
        data.draw(layouts(values.astype(data.draw(st.sampled_from(DTYPES))))) for values in plain
    ]
    before = [memory(array) for array in same]
    plain = [values.astype(int) for values in plain]
    assert all_equal(outcomes(net, *same), outcomes(net, *plain))
    assert [memory(array) for array in same] == before


@given(data=st.data(), net=any_net)
@settings(quick, max_examples=60)
def test_one_row(data: Any, net: bm.MLP) -> None:
    values = numbers(0, IN)
    row = data.draw(layouts(values.astype(data.draw(st.sampled_from(DTYPES)))))
    before = memory(row)
    for method in (net.predict, net):
        assert same_bits(method(row), method(values))
        assert same_bits(method(row[np.newaxis])[0], method(values))
    assert memory(row) == before


@given(data=st.data(), net=any_net, rows=st.sampled_from([None, 0, 1, 2, 7]))
@settings(quick, max_examples=100)
def test_results_go_into_any_layout(data: Any, net: bm.MLP, rows: int | None) -> None:
    """Or are refused with nothing written."""
    X = numbers(0, *([] if rows is None else [rows]), IN).astype(net.dtype)
    expected = net.predict(X)
    out = data.draw(layouts(np.full_like(expected, 9)))
    if out.flags.writeable and out.dtype.isnative:
        assert net.predict(X, out=out) is out
        assert same_bits(out, expected)
    else:
        before = out.copy()
        with pytest.raises((TypeError, ValueError), match=r"^out "):
            net.predict(X, out=out)
        assert (out == before).all()


@given(net=any_net, values=st.lists(st.floats(width=32), min_size=IN, max_size=IN))
@settings(quick, max_examples=100)
def test_any_values_are_predicted_and_only_finite_ones_are_learnt(
    net: bm.MLP, values: list[float]
) -> None:
    X = np.array([values, values], "f4")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted = net.predict(X)
    assert predicted.shape == (2, OUT)
    assert same_bits(predicted[0], net.predict(X[0]))
    y = np.zeros((2, *LOSSES[net.loss]), int)
    trained = net.copy()
    if np.isfinite(X).all():
        assert np.isfinite(predicted).all()
        return
    assert not np.isnan(X).any() or np.isnan(predicted).any()
    for method in (trained.fit, trained.gradients, trained.evaluate):
        with pytest.raises(ValueError, match=r"^X has -?(nan|inf) in row 0, column \d$"):
            method(X, y)
    assert same_bits(trained.parameters, net.parameters)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("net", NETS.values(), ids=map(" ".join, NETS))
def test_networks_take_whatever_holds_numbers(net: bm.MLP, wrapper: str, dtype: str) -> None:
    shape = (4, *LOSSES[net.loss])
    plain = [numbers(0, 4, IN), numbers(1, *shape), np.ones(4, int), numbers(2, 4, OUT)]
    plain = [values.astype(dtype) for values in plain]
    wrap = WRAPPERS[wrapper]
    takes_rows_only = wrapper in ("array.array", "np.matrix")
    held = [values if takes_rows_only and values.ndim == 1 else wrap(values) for values in plain]
    before = [values.copy() for values in plain]
    assert all_equal(outcomes(net, *held), outcomes(net, *plain))
    assert all(map(np.array_equal, plain, before))


def test_what_only_speaks_dlpack_is_refused() -> None:
    """NumPy's `asarray` does not look at it; `numpy.from_dlpack` does."""
    X = numbers(0, 4, IN).astype("f4")
    net = NETS["mse", "float32"]
    with pytest.raises(TypeError, match="X has dtype object, expected real numbers"):
        net.predict(OfDLPack(X))
    assert same_bits(net.predict(np.from_dlpack(OfDLPack(X))), net.predict(X))


def test_memory_mapped_files(tmp_path: Path) -> None:
    plain = [numbers(0, 9, IN), numbers(1, 9, OUT), np.ones(9), numbers(2, 9, OUT)]
    for mode in ("r", "r+", "c"):
        mapped = []
        for i, values in enumerate(plain):
            np.save(tmp_path / f"{mode}{i}.npy", np.asfortranarray(values, ">f4"))
            mapped.append(np.load(tmp_path / f"{mode}{i}.npy", mmap_mode=mode))
        net = NETS["mse", "float64"]
        assert all_equal(outcomes(net, *mapped), outcomes(net, *plain))
        assert all(map(np.array_equal, mapped, plain))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_frames_and_series_of_pandas(dtype: str) -> None:
    pandas = pytest.importorskip("pandas")
    plain = [numbers(0, 9, IN), numbers(1, 9), np.ones(9), numbers(2, 9, OUT)]
    held = [
        (pandas.DataFrame if values.ndim == 2 else pandas.Series)(values).astype(dtype)
        for values in plain
    ]
    net = NETS["cross_entropy", "float32"]
    assert all_equal(outcomes(net, *held), outcomes(net, *plain))
    assert all(
        (table.to_numpy() == values).all() for table, values in zip(held, plain, strict=True)
    )


def test_frames_of_pandas_that_numpy_takes_for_objects() -> None:
    pandas = pytest.importorskip("pandas")
    net = NETS["cross_entropy", "float32"]
    frame = pandas.DataFrame(numbers(0, 9, IN))
    for other in (frame.assign(**{"4": "text"}).iloc[:, 1:], frame.convert_dtypes()):
        with pytest.raises(TypeError, match="X has dtype object, expected real numbers"):
            net.predict(other)
    assert same_bits(net.predict(frame.convert_dtypes().astype(float)), net.predict(frame))


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "bool"])
def test_tensors_of_torch(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    plain = [numbers(0, 9, IN), numbers(1, 9), np.ones(9), numbers(2, 9, OUT)]
    net = NETS["cross_entropy", "float32"]
    expected = outcomes(net, *plain)
    held = [torch.tensor(values).to(getattr(torch, dtype)) for values in plain]
    assert all_equal(outcomes(net, *held), expected)
    held = [tensor.t().contiguous().t() for tensor in held]
    assert all_equal(outcomes(net, *held), expected)
    assert all((tensor.numpy() == values).all() for tensor, values in zip(held, plain, strict=True))


@pytest.mark.torch
def test_tensors_of_torch_that_are_no_arrays() -> None:
    torch = pytest.importorskip("torch")
    net = NETS["cross_entropy", "float32"]
    with pytest.raises(RuntimeError, match="requires grad"):
        net.predict(torch.ones(3, IN, requires_grad=True))
    with pytest.raises(TypeError, match="BFloat16"):
        net.predict(torch.ones(3, IN, dtype=torch.bfloat16))


# --- Strides that lead nowhere, and more elements than there is memory ---------------------------


@given(net=any_net, rows=st.integers(1, 300), dtype=st.sampled_from(DTYPES))
@settings(quick, max_examples=40)
def test_strides_of_zero(net: bm.MLP, rows: int, dtype: str) -> None:
    one = numbers(0, 1, IN).astype(dtype)
    shape = (rows, *LOSSES[net.loss])
    same = [
        np.broadcast_to(one, (rows, IN)),
        np.broadcast_to(np.array(1, dtype), shape),
        np.broadcast_to(np.array(1, dtype), (rows,)),
        np.broadcast_to(np.array(1, dtype), (rows, OUT)),
    ]
    assert all_equal(outcomes(net, *same), outcomes(net, *(array.copy() for array in same)))


@pytest.mark.parametrize("rows", [2**33, 2**40, 2**59, 2**62])
@pytest.mark.parametrize("method", ["predict", "__call__", "fit", "gradients", "evaluate"])
@pytest.mark.parametrize("dtype", ["u1", "f2", ">f4", "f4"])
def test_more_rows_than_memory(dtype: str, method: str, rows: int) -> None:
    net = bm.MLP([1, 4, 1], seed=0)
    before = net.parameters.copy()
    try:
        X = np.broadcast_to(np.zeros((1, 1), dtype), (rows, 1))
    except ValueError:
        return  # NumPy makes no such array
    arguments = (X,) if method in ("predict", "__call__") else (X, X[:, 0])
    if rows == 2**33 and len(arguments) == 1:
        return  # a machine might have the memory
    with pytest.raises(
        (MemoryError, ValueError), match=r"Unable to allocate|too big|X has \d+ rows"
    ):
        getattr(net, method)(*arguments)
    assert same_bits(net.parameters, before)


@pytest.mark.parametrize("rows", [2**40, 2**62])
@pytest.mark.parametrize("name", [*NAMES, *BACKWARD_NAMES, "softmax", "log_softmax", "logsumexp"])
def test_functions_of_more_elements_than_memory(name: str, rows: int) -> None:
    x = np.broadcast_to(np.zeros((1, 1), "u1"), (rows, 1))
    function = getattr(bm, name)
    arguments = [x] * (function.nin if isinstance(function, np.ufunc) else 1)
    with pytest.raises((MemoryError, ValueError), match=r"Unable to allocate|too big"):
        function(*arguments)


def test_products_of_more_elements_than_memory() -> None:
    wide = np.broadcast_to(np.float32(1), (2**30, 2**30))
    for a, b in (
        (wide, wide),
        (np.zeros((2**40, 0), "f4"), np.zeros((0, 2**20), "f4")),
        (np.zeros((2**60, 0), "f4"), np.zeros((0, 2**60), "f4")),
    ):
        with pytest.raises((MemoryError, ValueError), match=r"Unable to allocate|too big"):
            bm.matmul(a, b)


# --- Functions ---------------------------------------------------------------------------------

# Of the ufuncs, test_ufuncs.py tries layouts of each type; here come the rest and the overlaps.


# With a single row or column the order of the sums depends on the layout, as is documented.
@given(data=st.data(), dtype=st.sampled_from(["f4", "f8"]))
@settings(quick, max_examples=80)
def test_products_do_not_mind_layouts(data: Any, dtype: str) -> None:
    M, N = (data.draw(st.sampled_from([0, *range(2, 20)])) for _ in range(2))
    K = data.draw(st.integers(0, 20))
    rng = np.random.default_rng(0)
    a, b, bias = (rng.normal(size=shape).astype(dtype) for shape in ((M, K), (K, N), (N,)))
    calls = {
        bm.matmul: (a, b),
        bm.linear: (a, b, bias),
        bm.vecdot: (a, a[::-1].copy()),
    }
    for function, plain in calls.items():
        laid_out = [data.draw(layouts(array)) for array in plain]
        before = [memory(array) for array in laid_out]
        assert same_bits(function(*laid_out), function(*plain))
        assert [memory(array) for array in laid_out] == before


@given(data=st.data(), dtype=st.sampled_from(["f4", "f8"]))
@settings(quick, max_examples=80)
def test_functions_of_rows_do_not_mind_layouts(data: Any, dtype: str) -> None:
    rows, columns = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 40))
    z, d = (np.random.default_rng(i).normal(size=(rows, columns)).astype(dtype) for i in range(2))
    labels = np.arange(rows) % columns
    calls = [
        *((f, (z,)) for f in (bm.softmax, bm.log_softmax, bm.logsumexp)),
        *((f, (z, d)) for f in (bm.mse, bm.mse_backward)),
        *((f, (z, labels)) for f in (bm.cross_entropy, bm.cross_entropy_backward)),
    ]
    for function, plain in calls:
        laid_out = [data.draw(layouts(array)) for array in plain]
        before = [memory(array) for array in laid_out]
        assert same_bits(function(*laid_out), function(*plain))
        assert [memory(array) for array in laid_out] == before


@pytest.mark.parametrize("name", NAMES)
@given(start=st.integers(0, 40), step=st.sampled_from([1, 2, -1]))
@settings(quick, max_examples=15)
def test_results_may_overlap_operands(name: str, start: int, step: int) -> None:
    function = ufunc(name)
    memory_of_all = operands(name, 400, "float32")[0]
    arguments = [memory_of_all[50:150], *operands(name, 100, "float32", seed=3)[1:]]
    expected = function(*(a.copy() for a in arguments))
    end = 30 + start + 100 * abs(step)
    out = memory_of_all[30 + start : end][::step]
    assert function(*arguments, out=out) is out
    assert same_bits(out, expected)


@given(first=st.integers(0, 60), second=st.integers(0, 60))
@settings(quick, max_examples=60)
def test_predictions_may_overlap_inputs(first: int, second: int) -> None:
    net = NETS["mse", "float32"]
    memory_of_all = np.random.default_rng(0).normal(size=200).astype("f4")
    X = memory_of_all[first : first + 7 * IN].reshape(7, IN)
    expected = net.predict(X.copy())
    out = memory_of_all[second : second + 7 * OUT].reshape(7, OUT)
    assert same_bits(net.predict(X, out=out), expected)
