"""Every kind of bad input: a clear message, and the network as it was."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import briskmlp as bm
import numpy as np
import pytest

ROWS = 20


def good_X() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, 4))


def with_entry(array: np.ndarray, index: tuple[int, ...], value: float) -> np.ndarray:
    array = array.copy()
    array[index] = value
    return array


class Sparse:
    """What scipy's sparse matrices look like to others."""

    nnz = 0

    def toarray(self) -> np.ndarray:
        raise AssertionError("converting a sparse matrix is the caller's decision")


@pytest.fixture
def net() -> Iterator[bm.MLP]:
    """Classifies 4 inputs into 3 classes, and is as it was afterwards."""
    net = bm.MLP([4, 5, 3], loss="cross_entropy", seed=0)
    before = pickle.dumps(net)
    yield net
    assert pickle.dumps(net) == before


# --- Construction ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ([4], ValueError, r"sizes is \[4\], expected at least the inputs and the outputs"),
        ([4, 0, 3], ValueError, r"sizes\[1\] must be at least 1, got 0"),
        ([4, -5, 3], ValueError, r"sizes\[1\] must be at least 1, got -5"),
        ([4, 2.5, 3], TypeError, r"sizes\[1\] must be a whole number, got 2.5"),
        ([4, True], TypeError, r"sizes\[1\] must be a whole number, got True"),
        ("43", TypeError, "sizes must be a list of whole numbers, got '43'"),
        (4, TypeError, "sizes must be a list of whole numbers, got 4"),
        ([2, 2**40, 3], MemoryError, r"6,597,069,766,659 parameters; .* GiB are more memory"),
        ([2**40, 2**40], MemoryError, "more memory than there is"),
        ([2**62, 2], MemoryError, "more memory than there is"),
    ],
)
def test_sizes(sizes, error, message: str) -> None:
    with pytest.raises(error, match=message):
        bm.MLP(sizes)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"activation": "rleu"}, ValueError, "unknown activation 'rleu'; did you mean 'relu'"),
        ({"activation": ["relu"] * 4}, ValueError, "activation has 4 names, expected 1, .* or 2"),
        ({"activation": 3}, TypeError, "activation must be a name or a list of names, got 3"),
        ({"loss": "crossentropy"}, ValueError, "did you mean 'cross_entropy'"),
        ({"loss": None}, TypeError, "loss must be a name, or settings such as .*, got None"),
        ({"sizes": [4, 1], "loss": "cross_entropy"}, ValueError, "use 'binary_cross_entropy'"),
        (
            {"sizes": [4, 1], "loss": bm.Focal()},
            ValueError,
            "loss 'focal' needs an output for each",
        ),
        ({"loss": "gaussian_nll"}, ValueError, "a mean and a log-variance.* has 3"),
        ({"loss": bm.Quantile([0.4, 0.6])}, ValueError, "multiple of 2 outputs, each quantile.* 3"),
        ({"init": "he_unifrom"}, ValueError, "did you mean 'he_uniform'"),
        ({"dtype": "float16"}, ValueError, "dtype is 'float16', expected 'float32' or 'float64'"),
        ({"dtype": "flaot"}, ValueError, "dtype is 'flaot', expected 'float32' or 'float64'"),
        ({"dtype": None}, ValueError, "dtype is None, expected 'float32' or 'float64'"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"seed": 2**64}, ValueError, "seed must be at most 18446744073709551615"),
        ({"seed": 1.0}, TypeError, "seed must be a whole number, got 1.0"),
    ],
)
def test_arguments(arguments, error, message: str) -> None:
    with pytest.raises(error, match=message):
        bm.MLP(**{"sizes": [4, 5, 3]} | arguments)


# --- Data --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones((ROWS, 7)), ValueError, "^X has 7 columns, the network expects 4$"),
        (
            np.ones(7),
            ValueError,
            r"^X has (7 entries, the network|shape \(7,\), expected \(rows, 4\))",
        ),
        (np.ones((2, 2, 4)), ValueError, r"^X has shape \(2, 2, 4\), expected \(rows, 4\)"),
        (1.0, ValueError, r"^X has shape \(\), expected \(rows, 4\)"),
        (np.ones((ROWS, 4), complex), TypeError, "^X has dtype complex128, expected real numbers"),
        (np.full((ROWS, 4), "1"), TypeError, "^X has dtype <U1, expected real numbers"),
        (np.full((ROWS, 4), None), TypeError, "^X has dtype object, expected real numbers"),
        (np.zeros((ROWS, 4), "M8[s]"), TypeError, r"^X has dtype datetime64\[s\], expected real"),
        ([[1, 2, 3, 4], [1, 2]], ValueError, "^X is not a rectangular array of numbers"),
        (Sparse(), TypeError, r"^X is a sparse matrix; pass X.toarray\(\)"),
        (np.ma.masked_equal(np.eye(4), 0), ValueError, "^X has masked values"),
    ],
)
def test_inputs_of_any_method(net: bm.MLP, X, error, message: str) -> None:
    y = np.zeros(ROWS, int)
    for call in (
        lambda: net.predict(X),
        lambda: net(X),
        lambda: net.backward(X, y),
        lambda: net.evaluate(X, y),
        lambda: net.gradients(X, y),
        lambda: net.fit(X, y),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (with_entry(good_X(), (7, 2), np.nan), "^X has nan in row 7, column 2$"),
        (with_entry(good_X(), (19, 3), -np.inf), "^X has -inf in row 19, column 3$"),
        (
            with_entry(good_X(), (3, 1), 1e39),
            r"^X has 1e\+39 in row 3, column 1, which is infinite in float32$",
        ),
        (
            with_entry(good_X(), (3, 1), -1e39).astype(np.longdouble),
            "^X has -inf in row 3, column 1",
        ),
        (np.ones((0, 4)), "^X has 0 rows, expected from 1"),
        (np.ones(4), r"^X has shape \(4,\), expected \(rows, 4\)"),
        (np.broadcast_to(np.ones(4), (2**32, 4)), "^X has 4294967296 rows, expected from 1"),
    ],
)
def test_training_data(net: bm.MLP, X: np.ndarray, message: str) -> None:
    for call in (net.evaluate, net.gradients, net.fit):
        with pytest.raises(ValueError, match=message):
            call(X, np.zeros(ROWS, int))


LABELS = np.arange(ROWS) % 3
ONE_HOT = np.eye(3)[LABELS]


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (with_entry(LABELS, (4,), 3), ValueError, "^y has 3 in row 4, expected a class number"),
        (with_entry(LABELS, (4,), -1), ValueError, "^y has -1 in row 4, .* from 0 to 2$"),
        (with_entry(LABELS * 1.0, (5,), 1.5), ValueError, "^y has 1.5 in row 5, expected a class"),
        (with_entry(LABELS * 1.0, (5,), np.nan), ValueError, "^y has nan in row 5"),
        (LABELS.astype(str), TypeError, "^y has dtype <U21, expected real numbers"),
        (LABELS[:-1], ValueError, "^y has 19 rows, expected 20$"),
        (LABELS[:0], ValueError, "^y has 0 rows, expected 20$"),
        (ONE_HOT[:, :2], ValueError, "^y has 2 columns, loss 'cross_entropy' expects 3$"),
        (ONE_HOT[np.newaxis], ValueError, r"^y has shape .*, expected \(20,\) or \(20, 3\)$"),
        (2 * ONE_HOT, ValueError, "^the sum over y has 2.0 in row 0, .* adding up to 1$"),
        (with_entry(ONE_HOT, (2, 1), -0.1), ValueError, "^y has -0.1 in row 2, column 1, .* below"),
        (with_entry(ONE_HOT, (2, 1), np.inf), ValueError, "^y has inf in row 2, column 1$"),
    ],
)
def test_class_targets(net: bm.MLP, y: np.ndarray, error, message: str) -> None:
    for call in (net.evaluate, net.gradients, net.fit):
        with pytest.raises(error, match=message):
            call(good_X(), y)
    with pytest.raises(error, match=message[1:].replace("y ", r"eval_set\[1\] ", 1)):
        net.fit(good_X(), LABELS, eval_set=(good_X(), y))


def test_binary_targets() -> None:
    net = bm.MLP([4, 2], loss="binary_cross_entropy")
    y = np.zeros((ROWS, 2))
    for value in (1.1, -0.1):
        message = f"y has {value} in row 3, column 1, expected probabilities, from 0 to 1"
        with pytest.raises(ValueError, match=message):
            net.fit(good_X(), with_entry(y, (3, 1), value))


def test_one_hot_targets_of_focal() -> None:
    net = bm.MLP([4, 3], loss="focal")
    assert net.evaluate(good_X(), ONE_HOT) == net.evaluate(good_X(), LABELS)
    with pytest.raises(ValueError, match=r"y has 0\.5 in row 2, column 1, expected 0, or 1 at the"):
        net.fit(good_X(), with_entry(ONE_HOT, (2, 1), 0.5))
    with pytest.raises(ValueError, match=r"the sum over y has 2\.0 in row 2, expected a single 1"):
        net.fit(good_X(), with_entry(ONE_HOT, (2, 0), 1))


@pytest.mark.parametrize(
    ("loss", "value", "message"),
    [
        ("poisson", -1, "y has -1.0 in row 3, column 1, loss 'poisson' expects none below 0"),
        ("tweedie", -0.5, "y has -0.5 in row 3, column 1, loss 'tweedie' expects none below 0"),
        ("gamma", 0, "y has 0.0 in row 3, column 1, loss 'gamma' expects positive numbers"),
        ("gamma", 1e-50, "y has 1e-50 in row 3, column 1, loss 'gamma' expects positive numbers"),
    ],
)
def test_targets_out_of_a_losss_range(loss: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bm.MLP([4, 2], loss=loss).fit(good_X(), with_entry(np.ones((ROWS, 2)), (3, 1), value))


def test_regression_targets() -> None:
    net = bm.MLP([4, 2])
    with pytest.raises(ValueError, match="y has 1 columns, loss 'mse' expects 2"):
        net.fit(good_X(), np.zeros(ROWS))
    with pytest.raises(ValueError, match=r"y has shape \(\), expected \(20, 2\)"):
        net.fit(good_X(), 1.0)
    with pytest.raises(ValueError, match="y has nan in row 0, column 1"):
        net.fit(good_X(), with_entry(np.zeros((ROWS, 2)), (0, 1), np.nan))
    with pytest.raises(ValueError, match=r"y has 1e\+300 in row 0, column 1, which is infinite"):
        net.fit(good_X(), with_entry(np.zeros((ROWS, 2)), (0, 1), 1e300))
    gaussian = bm.MLP([4, 2], loss="gaussian_nll")
    with pytest.raises(ValueError, match="y has 2 columns, loss 'gaussian_nll' expects 1"):
        gaussian.fit(good_X(), np.zeros((ROWS, 2)))


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(ROWS - 1), r"^sample_weight has shape \(19,\), expected \(20,\)$"),
        (np.ones((ROWS, 1)), r"^sample_weight has shape \(20, 1\), expected \(20,\)$"),
        (np.zeros(ROWS), "^sample_weight is 0 in every row$"),
        (with_entry(np.ones(ROWS), (6,), -1), "^sample_weight has -1.0 in row 6, .* none below 0$"),
        (with_entry(np.ones(ROWS), (6,), np.nan), "^sample_weight has nan in row 6$"),
    ],
)
def test_sample_weight(net: bm.MLP, weight: np.ndarray, message: str) -> None:
    for call in (net.evaluate, net.gradients, net.fit):
        with pytest.raises(ValueError, match=message):
            call(good_X(), LABELS, sample_weight=weight)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": -3}, ValueError, "epochs must be at least 1, got -3"),
        ({"epochs": 1.5}, TypeError, "epochs must be a whole number, got 1.5"),
        ({"epochs": True}, TypeError, "epochs must be a whole number, got True"),
        ({"epochs": 2**70}, ValueError, "epochs must be at most"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": 21}, ValueError, "batch_size is 21, X has 20 rows"),
        ({"batch_size": "8"}, TypeError, "batch_size must be a whole number, got '8'"),
        ({"optimizer": "adm"}, ValueError, "unknown optimizer 'adm'; did you mean 'adam'"),
        ({"optimizer": "sgd"}, ValueError, r"needs a learning rate: pass SGD\(learning_rate\)"),
        ({"optimizer": 0.1}, TypeError, "optimizer must be one of SGD, Adam, "),
        ({"eval_set": good_X()}, TypeError, r"eval_set must be \(X, y\) or"),
        ({"eval_set": (good_X(),)}, TypeError, r"eval_set must be \(X, y\) or"),
        ({"eval_set": (good_X()[:, :3], LABELS)}, ValueError, r"eval_set\[0\] has 3 columns"),
    ],
)
def test_fit_arguments(net: bm.MLP, arguments, error, message: str) -> None:
    with pytest.raises(error, match=message):
        net.fit(good_X(), LABELS, **arguments)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.empty((5, 2), "f4"), ValueError, r"out has shape \(5, 2\), expected \(5, 3\)"),
        (np.empty((5, 3), "f8"), TypeError, "out has dtype float64, expected float32"),
        (np.empty((5, 3), ">f4"), TypeError, "out has dtype >f4, expected float32"),
        (np.broadcast_to(np.float32(0), (5, 3)), ValueError, "out is read-only"),
        ([[0.0] * 3] * 5, TypeError, "out must be an array, got list"),
    ],
)
def test_out(net: bm.MLP, out, error, message: str) -> None:
    for dtype in ("f4", "f8"):
        with pytest.raises(error, match=message):
            net.predict(np.ones((5, 4), dtype), out=out)


def test_out_of_one_row(net: bm.MLP) -> None:
    x = np.ones(4, "f4")
    with pytest.raises(ValueError, match=r"out has shape \(1, 3\), expected \(3,\)"):
        net.predict(x, out=np.empty((1, 3), "f4"))
    read_only = np.empty(3, "f4")
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="out is read-only"):
        net.predict(x, out=read_only)


def test_parameters(net: bm.MLP) -> None:
    with pytest.raises(ValueError, match=r"parameters has shape \(3,\), expected \(43,\)"):
        net.parameters = [1, 2, 3]
    with pytest.raises(TypeError, match="parameters has dtype complex128"):
        net.parameters = np.ones(43, complex)
    with pytest.raises(ValueError, match="weights has 1 entries, the network has 2 layers"):
        net.weights = [np.ones((4, 5))]
    with pytest.raises(ValueError, match=r"weights\[1\] has shape \(3, 5\), expected \(5, 3\)"):
        net.weights = [np.ones((4, 5)), np.ones((3, 5))]
    with pytest.raises(ValueError, match=r"biases\[1\] has shape \(5,\), expected \(3,\)"):
        net.biases[1] = np.ones(5)
    with pytest.raises(
        TypeError, match=r"biases must be 2 arrays, .* net\.biases\[0\]\[\.\.\.\] ="
    ):
        net.biases = 3
    with pytest.raises(ValueError, match=r"fill it with a number: weights\[0\]\[\.\.\.\] = 3"):
        net.weights[0] = 3
    with pytest.raises(IndexError, match=r"there is no weights\[2\], the network has 2 layers"):
        net.weights[2] = 3
    with pytest.raises(ValueError, match=r"the array has shape \(3,\), expected \(43,\)"):
        net.split(np.ones(3))


def test_gradient_by_the_outputs(net: bm.MLP) -> None:
    with pytest.raises(ValueError, match=r"dY has shape \(20, 4\), expected \(20, 3\)"):
        net.backward(good_X(), good_X())


def test_threads() -> None:
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        bm.set_num_threads(0)
    with pytest.raises(TypeError, match=r"n must be a whole number, got 2\.0"), bm.threads(2.0):
        pass
    with pytest.raises(ValueError, match="unknown mode 'dcit'; did you mean 'dict'"):
        bm.show_config("dcit")


def test_none_where_an_array_is_expected(net: bm.MLP) -> None:
    X, y = np.ones((5, 4)), [0, 1, 2, 0, 1]
    for name, call in (
        ("X", lambda: net.fit(None, y)),
        ("y", lambda: net.fit(X, None)),
        ("X", lambda: net.predict(None)),
        ("y", lambda: net.evaluate(X, None)),
        (r"eval_set\[1\]", lambda: net.fit(X, y, eval_set=(X, None))),
        ("parameters", lambda: setattr(net, "parameters", None)),
    ):
        with pytest.raises(TypeError, match=f"^{name} is None, expected an array of numbers$"):
            call()
