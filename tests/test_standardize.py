"""Training on standardized data: the oracle is scikit-learn's StandardScaler and a plain fit."""

from __future__ import annotations

import io
import os
import pickle
import signal
import warnings

import briskmlp as bm
import numpy as np
import pytest
from briskmlp._scaling import moments, scales

RNG = np.random.default_rng(0)
SHIFTS, SPREADS = np.array([5.0, -300.0, 0.01, 2000.0]), np.array([2.0, 40.0, 0.003, 7.0])
X = RNG.normal(size=(300, 4)) * SPREADS + SHIFTS
Z = (X - X.mean(0)) / X.std(0)
SIGNAL = np.column_stack([np.sin(Z[:, 0]) + Z[:, 1], Z[:, 2] * Z[:, 3]])
Y = SIGNAL * [30, 500] + [1000, -40]
WEIGHTS = RNG.uniform(0.1, 3, len(X))

# Folding rounds each weight and each bias once, and biases are sums of `in` products as large as
# mean / deviation, 300 here, times a weight of about 1.
TOLERANCE = {"float32": 4 * 300 * 2**-23, "float64": 4 * 300 * 2**-52}


def net_for(loss: bm.Loss, targets: int = 2, **settings) -> bm.MLP:
    outputs = 2 * targets if loss == "gaussian_nll" else targets
    return bm.MLP([4, 16, outputs], "tanh", loss=loss, seed=3, **settings)


def targets_for(loss: bm.Loss) -> np.ndarray:
    if loss == "cross_entropy":
        return (Z[:, 0] > 0).astype(int)
    return (Z[:, :2] > 0).astype(float) if loss == "binary_cross_entropy" else Y


@pytest.mark.parametrize("weighted", [False, True])
def test_moments_are_those_of_scikit_learn(weighted: bool) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    w = WEIGHTS if weighted else None
    scaler = preprocessing.StandardScaler().fit(X, sample_weight=w)
    mean, deviation = moments(X, w)
    np.testing.assert_allclose(mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(deviation, scaler.scale_, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool", "float32", "float64"])
@pytest.mark.parametrize("rows", [1, 2, 70_000])
def test_moments_of_all_types_in_several_chunks(dtype: str, rows: int) -> None:
    x = np.random.default_rng(1).integers(0, 2 if dtype == "bool" else 200, (rows, 3)).astype(dtype)
    mean, deviation = moments(x, None)
    np.testing.assert_allclose(mean, x.mean(0, dtype="f8"), rtol=1e-11)
    np.testing.assert_allclose(deviation, x.std(0, dtype="f8"), rtol=1e-11)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("weighted", [False, True])
def test_inputs_are_scaled_as_by_hand(loss: bm.Loss, weighted: bool) -> None:
    w = WEIGHTS if weighted else None
    mean, deviation = moments(X, w)
    scaled = (X - mean) / deviation
    y, held_out = targets_for(loss), slice(200, 300)
    ours, plain = net_for(loss, dtype="float64"), net_for(loss, dtype="float64")
    got = ours.fit(
        X, y, standardize=True, sample_weight=w, eval_set=(X[held_out], y[held_out]), epochs=5
    )
    want = plain.fit(scaled, y, sample_weight=w, eval_set=(scaled[held_out], y[held_out]), epochs=5)
    for column in ("loss", "eval_loss", "eval_metric"):
        np.testing.assert_allclose(got[column], want[column], rtol=1e-11)
    np.testing.assert_allclose(ours.predict(X), plain.predict(scaled), atol=TOLERANCE["float64"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_are_scaled_as_by_hand_for_mse(dtype: str) -> None:
    spread = np.sqrt(Y.var(0).mean())  # one for both: the loss adds up their squares
    ours, plain = net_for("mse", dtype=dtype), net_for("mse", dtype=dtype)
    y = (Y - Y.mean(0)) / spread
    got = ours.fit(X, Y, standardize=True, eval_set=(X, Y), epochs=5)
    want = plain.fit(Z, y, eval_set=(Z, y), epochs=5)
    rtol = 50 * TOLERANCE[dtype]
    np.testing.assert_allclose(got["loss"], want["loss"] * spread**2, rtol=rtol)
    np.testing.assert_allclose(got["eval_loss"], want["eval_loss"] * spread**2, rtol=rtol)
    np.testing.assert_allclose(got["eval_metric"], want["eval_metric"] * spread, rtol=rtol)
    atol = spread * 10 * TOLERANCE[dtype]
    np.testing.assert_allclose(ours(X), plain(Z) * spread + Y.mean(0), atol=atol)


def test_targets_are_scaled_as_by_hand_for_gaussian_nll() -> None:
    ours, plain = net_for("gaussian_nll", dtype="float64"), net_for("gaussian_nll", dtype="float64")
    y = (Y - Y.mean(0)) / Y.std(0)
    got = ours.fit(X, Y, standardize=True, eval_set=(X, Y), epochs=5)
    want = plain.fit(Z, y, eval_set=(Z, y), epochs=5)
    shift = np.log(Y.std(0)).mean()
    np.testing.assert_allclose(got["loss"], want["loss"] + shift, rtol=1e-11)
    np.testing.assert_allclose(got["eval_loss"], want["eval_loss"] + shift, rtol=1e-11)
    mean, variance = np.split(ours.predict(X), 2, axis=1)
    plain_mean, plain_variance = np.split(plain.predict(Z), 2, axis=1)
    np.testing.assert_allclose(mean, plain_mean * Y.std(0) + Y.mean(0), rtol=1e-10)
    np.testing.assert_allclose(variance, plain_variance * Y.var(0), rtol=1e-10)


def test_targets_are_centred_only_where_the_loss_has_a_scale_of_its_own() -> None:
    for loss, outputs in (("log_cosh", 2), (bm.Quantile([0.1, 0.4, 0.6, 0.9]), 8)):
        sizes, settings = [4, 16, outputs], {"dtype": "float64", "seed": 3, "loss": loss}
        ours, plain = bm.MLP(sizes, "tanh", **settings), bm.MLP(sizes, "tanh", **settings)
        y = Y / 100
        got = ours.fit(X, y, standardize=True, eval_set=(X, y), epochs=5)
        want = plain.fit(Z, y - y.mean(0), eval_set=(Z, y - y.mean(0)), epochs=5)
        for column in ("loss", "eval_loss", "eval_metric"):
            np.testing.assert_allclose(got[column], want[column], rtol=1e-10)
        means = np.tile(y.mean(0), outputs // 2)
        np.testing.assert_allclose(
            ours.predict(X), plain.predict(Z) + means, atol=10 * TOLERANCE["float64"]
        )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("loss", "scaled_loss", "power"),
    [
        ("mse", lambda _: "mse", 2),
        ("mae", lambda _: "mae", 1),
        (bm.Huber(50), lambda scale: bm.Huber(50 / scale), 2),
        (bm.Quantile([0.3]), bm.Quantile, 1),
    ],
    ids=["mse", "mae", "huber", "quantile"],
)
def test_targets_are_scaled_as_by_hand(loss, scaled_loss, power: int, weighted: bool) -> None:
    """The loss for y is that for standardized targets times a power of their one scale."""
    w = WEIGHTS if weighted else None
    (x_mean, x_scale), (mean, deviation) = moments(X, w), moments(Y, w)
    scale = np.sqrt((deviation**2).mean())
    scaled_loss = bm.Quantile([0.3]) if scaled_loss is bm.Quantile else scaled_loss(scale)
    ours, plain = net_for(loss, dtype="float64"), net_for(scaled_loss, dtype="float64")
    z, y = (X - x_mean) / x_scale, (Y - mean) / scale
    settings = {"epochs": 5, "sample_weight": w, "optimizer": bm.Adam(0.01)}
    got = ours.fit(X, Y, standardize=True, eval_set=(X, Y), **settings)
    want = plain.fit(z, y, eval_set=(z, y), **settings)
    units = {"loss": scale**power, "eval_loss": scale**power}
    units["eval_metric"] = 1 if isinstance(loss, bm.Quantile) else scale
    for column, unit in units.items():
        np.testing.assert_allclose(got[column], want[column] * unit, rtol=1e-10)
    np.testing.assert_allclose(ours.predict(X), plain.predict(z) * scale + mean, rtol=1e-9)
    assert ours.loss == loss
    if isinstance(loss, bm.Huber):  # small errors and large ones took part
        assert 0.05 < np.mean(np.abs(ours(X) - Y) < 50) < 0.95


@pytest.mark.parametrize(
    ("loss", "power"), [("poisson", 1), ("gamma", 2), ("tweedie", 1.5), (bm.Tweedie(1.2), 1.2)]
)
def test_targets_with_a_logarithmic_link_are_scaled_as_by_hand(loss, power: float) -> None:
    counts = np.exp(SIGNAL) * [300, 2000] + 1
    scales = counts.mean(0) if power == 2 else counts.mean()
    ours, plain = net_for(loss, dtype="float64"), net_for(loss, dtype="float64")
    y = counts / scales
    got = ours.fit(X, counts, standardize=True, eval_set=(X, counts), epochs=5)
    want = plain.fit(Z, y, eval_set=(Z, y), epochs=5)
    factor = np.mean(scales) ** (2 - power)
    # A mean of terms m and y log(y / m), a few times as large as they are together, was rounded.
    np.testing.assert_allclose(got["loss"], want["loss"] * factor, rtol=1e-9)
    np.testing.assert_allclose(got["eval_loss"], want["eval_loss"] * factor, rtol=1e-9)
    np.testing.assert_allclose(ours.predict(X), plain.predict(Z) * scales, rtol=1e-9)


def test_counts_of_thousands_are_learnt_at_once() -> None:
    counts = RNG.poisson(np.exp(np.sin(Z[:, 0]) + 8))
    errors = {}
    for standardize in (True, False):
        net = bm.MLP([4, 16, 1], "tanh", loss="poisson", seed=0)
        net.fit(X if standardize else Z, counts, standardize=standardize, epochs=20)
        errors[standardize] = net.evaluate(X if standardize else Z, counts).loss
    assert errors[True] < errors[False] / 5


def test_counts_that_are_all_zero() -> None:
    net = bm.MLP([4, 8, 1], loss="poisson", seed=0)
    history = net.fit(X, np.zeros(300), standardize=True, epochs=5)
    assert history["loss"][-1] < history["loss"][0]


def test_a_network_of_one_layer() -> None:
    net = bm.MLP([4, 2], dtype="float64", seed=0)
    net.fit(X, Y, standardize=True, epochs=400, batch_size=300, optimizer=bm.SGD(0.3))
    A = np.column_stack([X, np.ones(len(X))])
    best = A @ np.linalg.lstsq(A, Y, rcond=None)[0]
    np.testing.assert_allclose(net(X), best, rtol=1e-6)


def test_an_output_layer_that_is_not_linear_leaves_targets_alone() -> None:
    y = (SIGNAL[:, :1] > 0) * 0.5 + 0.2
    activations = ["tanh", "sigmoid"]
    ours, plain = (bm.MLP([4, 8, 1], activations, dtype="float64", seed=0) for _ in range(2))
    got, want = ours.fit(X, y, standardize=True), plain.fit(Z, y)
    np.testing.assert_allclose(got["loss"], want["loss"], rtol=1e-11)
    np.testing.assert_allclose(ours(X), plain(Z), atol=TOLERANCE["float64"])


@pytest.mark.parametrize("loss", ["mse", "gaussian_nll", "cross_entropy", bm.Huber(50)], ids=str)
@pytest.mark.parametrize("between", ["nothing", "save", "pickle", "copy"])
def test_two_fits_are_one(loss: str, between: str) -> None:
    y, settings = targets_for(loss), {"standardize": True, "optimizer": bm.SGD(0.05)}
    once, twice = net_for(loss, dtype="float64"), net_for(loss, dtype="float64")
    whole = once.fit(X, y, epochs=10, **settings)
    first = twice.fit(X, y, epochs=5, **settings)
    if between == "save":
        file = io.BytesIO()
        twice.save(file)
        twice = bm.load(file)
    elif between != "nothing":
        twice = pickle.loads(pickle.dumps(twice)) if between == "pickle" else twice.copy()
    second = twice.fit(X, y, epochs=5, **settings)
    np.testing.assert_allclose([*first["loss"], *second["loss"]], whole["loss"], rtol=1e-9)
    np.testing.assert_allclose(twice(X), once(X), rtol=1e-7)


def test_a_further_fit_on_other_data_goes_on_from_the_same_function() -> None:
    net = net_for("mse", dtype="float64")
    net.fit(X, Y, standardize=True, epochs=5)
    before = net.evaluate(3 * X + 7, 2 * Y).loss
    step = bm.SGD(1e-300)
    history = net.fit(3 * X + 7, 2 * Y, standardize=True, epochs=1, batch_size=300, optimizer=step)
    assert history["loss"][0] == pytest.approx(before, rel=1e-10)
    net.fit(X, Y, epochs=1, optimizer=step)  # without, too
    assert net.evaluate(3 * X + 7, 2 * Y).loss == pytest.approx(before, rel=1e-10)


def test_weights_of_ones_own_are_the_function_that_they_are() -> None:
    net = net_for("mse", dtype="float64")
    net.parameters *= 0.5
    before = net.evaluate(X, Y).loss
    history = net.fit(X, Y, standardize=True, epochs=1, batch_size=300, optimizer=bm.SGD(1e-300))
    assert history["loss"][0] == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6, 1e-40])
def test_constant_columns(value: float) -> None:
    x = np.column_stack([np.full(300, value), X[:, 1:]])
    ours, plain = net_for("mse"), net_for("mse")
    got = ours.fit(x, Y, standardize=True, eval_set=(x, Y), epochs=3)
    z = np.column_stack([np.zeros(300), Z[:, 1:]])
    want = plain.fit(z, Y / 1.0, standardize=True, epochs=3)
    assert np.isfinite(ours.parameters).all()
    np.testing.assert_allclose(got["loss"], want["loss"], rtol=1e-3)


def test_constant_targets() -> None:
    y = np.full(300, 7.0)
    net = net_for("mse", 1)
    history = net.fit(X, y, standardize=True, epochs=60, eval_set=(X, y))
    assert history["eval_metric"][-1] < 0.1
    net = net_for("gaussian_nll", 1)
    net.fit(X, y, standardize=True, epochs=3)
    assert np.isfinite(net.predict(X)).all()


def test_scales_of_what_looks_constant() -> None:
    mean, deviation = np.array([1e6, 1e6, 0.0]), np.array([0.01, 1.0, 1e-31])
    assert scales(mean, deviation, np.dtype("f4")).tolist() == [1, 1, 1]
    assert scales(mean, deviation, np.dtype("f8")).tolist() == [0.01, 1, 1]


def test_a_far_offset_is_learnt_and_warned_of() -> None:
    x = Z + np.array([1e6, 0, 0, 0])
    net = net_for("mse")
    offset = r"column 0 of X lies around 1e\+06 and spreads by 1;"
    with pytest.warns(UserWarning, match=offset) as warned:
        history = net.fit(x, Y, standardize=True, epochs=20)
    assert warned[0].filename == __file__
    near = net_for("mse").fit(Z, Y, standardize=True, epochs=20)
    np.testing.assert_allclose(history["loss"], near["loss"], rtol=1e-4)  # learnt in full precision
    exact = net_for("mse", dtype="float64")
    exact.fit(x, Y, standardize=True, epochs=20)
    # Numbers there are 0.06 apart in float32, and predictions as coarse, not worse.
    assert 1e-4 < np.abs(net(x) - exact(x)).max() / Y.std() < 0.3
    with pytest.warns(UserWarning, match="column 1 of y"):
        net_for("mse").fit(Z, Y + np.array([0, 1e8]), standardize=True, epochs=1)


def test_offsets_of_every_day_do_no_harm() -> None:
    x = Z + np.array([2000, -300, 50, 0])
    far, near = net_for("mse"), net_for("mse")
    far.fit(x, Y, standardize=True, epochs=20)
    near.fit(Z, Y, standardize=True, epochs=20)
    # Terms of 2000 times a weight of about 1 are added up to four, each rounded.
    np.testing.assert_allclose(far(x), near(Z), atol=4 * 2000 * 2**-23 * Y.std() * 4)


def test_callbacks_see_and_may_change_the_network_as_it_is() -> None:
    losses, seen = [], []

    def follow(history: bm.History) -> bool:
        losses.append(net.evaluate(X, Y).loss)
        seen.append(net.parameters.copy())
        if len(history) == 3:
            net.parameters = seen[0]
        return len(history) == 6

    net = net_for("mse", dtype="float64")
    history = net.fit(
        X, Y, standardize=True, epochs=9, eval_set=(X, Y), callback=follow, shuffle=False,
        optimizer=bm.SGD(0.01), metrics="r2",
    )  # fmt: skip
    assert history["eval_loss"].tolist() == losses
    assert history["eval_r2"][-1] == pytest.approx(1 - ((Y - net(X)) ** 2 / Y.var(0)).mean())
    np.testing.assert_allclose(history["loss"][3:5], history["loss"][1:3], rtol=1e-9)
    assert (net.parameters == seen[-1]).all()


def test_early_stopping_restores_what_it_saw() -> None:
    net = net_for("mse")
    stopping = bm.EarlyStopping(3)
    history = net.fit(
        X[:100], Y[:100], standardize=True, eval_set=(X[100:], Y[100:]), epochs=300,
        optimizer=bm.Adam(0.03), callbacks=stopping,
    )  # fmt: skip
    assert stopping.stopped
    assert net.evaluate(X[100:], Y[100:]).loss == history["eval_loss"].min()


def test_interrupts_leave_a_network_for_the_data_as_they_are() -> None:
    net = net_for("mse")
    net.fit(X, Y, standardize=True, epochs=40, optimizer=bm.Adam(0.01))
    loss = net.evaluate(X, Y).loss
    with pytest.raises(KeyboardInterrupt):
        net.fit(
            X, Y, standardize=True, epochs=100_000, optimizer=bm.Adam(1e-5),
            callback=lambda history: len(history) == 5 and os.kill(os.getpid(), signal.SIGINT),
        )  # fmt: skip
    assert net.evaluate(X, Y).loss == pytest.approx(loss, rel=0.1)


def test_divergence_restores_the_best_or_the_start() -> None:
    net = net_for("mse")
    start = net.parameters.copy()
    with pytest.raises(bm.DivergenceError) as stop:
        net.fit(X, Y, standardize=True, optimizer=bm.SGD(1e25))
    if not len(stop.value.history):
        assert (net.parameters == start).all()
    assert np.isfinite(net.parameters).all()


def test_errors_leave_the_network_as_it_was() -> None:
    net = net_for("mse", dtype="float64")
    start = net.parameters.copy()
    with pytest.raises(TypeError, match="standardize must be True or False, got 'X'"):
        net.fit(X, Y, standardize="X")
    with pytest.raises(ValueError, match="too large to be standardized"):
        net.fit(X * 1e300, Y, standardize=True)

    def broken(progress):
        return progress + 0.01 if progress[0] == 0 else progress * np.nan

    with pytest.raises(ValueError, match="schedule returned nan"):
        net.fit(X, Y, standardize=True, optimizer=bm.SGD(broken), epochs=3, batch_size=300)
    assert not (net.parameters == start).all()  # after the first epoch
    assert net.evaluate(X, Y).loss < 3 * Y.var() + (Y**2).mean()


def test_no_warnings_for_ordinary_data() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net_for("mse").fit(X, Y, standardize=True, epochs=1)
