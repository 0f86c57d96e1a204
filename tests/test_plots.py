"""Plots: what is drawn is what is true, on the axes that were given, and nothing is shown."""

from __future__ import annotations

import builtins
import io
from collections.abc import Iterator

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import plots

matplotlib = pytest.importorskip("matplotlib")
RNG_SEED = 5


@pytest.fixture(autouse=True)
def pyplot(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    matplotlib.use("agg")
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: pytest.fail("plots must not show"))
    yield pyplot
    pyplot.close("all")


def draw(ax) -> None:
    """As a file, so that whatever is only found out in drawing is found."""
    ax.figure.savefig(io.BytesIO(), format="png", dpi=30)


def data(rows: int = 300, columns: int = 2) -> np.ndarray:
    return np.random.default_rng(RNG_SEED).normal(size=(rows, columns))


X = data()
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
CLASSES = bm.MLP([2, 8, 3], "tanh", loss="cross_entropy", seed=0)
YES_NO = bm.MLP([2, 8, 1], loss="binary_cross_entropy", seed=0)
NUMBERS = bm.MLP([2, 8, 1], seed=0)

EVERY = {
    "network": lambda ax: plots.network(CLASSES, ax),
    "weights": lambda ax: plots.weights(CLASSES, ax),
    "activations": lambda ax: plots.activations(CLASSES, X, ax),
    "decision_regions": lambda ax: plots.decision_regions(CLASSES, X, LABELS, ax),
    "calibration": lambda ax: plots.calibration(CLASSES, X, LABELS, ax),
    "residuals": lambda ax: plots.residuals(NUMBERS, X, X[:, 0], ax),
    "history": lambda ax: plots.history(bm.History("rmse"), ax),
    "rate_test": lambda ax: plots.rate_test(NUMBERS.find_lr(X, X[:, 0]), ax),
}


def test_every_plot_is_tried() -> None:
    assert sorted(EVERY) == plots.__all__


@pytest.mark.parametrize("name", EVERY)
def test_axes_in_axes_out(name: str, pyplot) -> None:
    figure, (ax, other) = pyplot.subplots(1, 2, layout="constrained")
    assert EVERY[name](ax) is ax
    assert not other.has_data()
    draw(ax)
    new = EVERY[name](None)
    assert new.figure is not figure
    draw(new)


@pytest.mark.parametrize("name", EVERY)
def test_without_matplotlib(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def refuse(module, *args, **kwargs):
        if module.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
        return real_import(module, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match=r"pip install 'briskmlp\[plot\]'"):
        EVERY[name](None)


def test_methods_are_short_for_plots() -> None:
    assert len(NUMBERS.plot().texts) == len(plots.network(NUMBERS).texts) == 3
    history = NUMBERS.copy().fit(X, X[:, 0], epochs=2)
    assert history.plot().get_xlabel() == "epoch"


# --- Networks ----------------------------------------------------------------------------------


def test_network_abbreviates_large_layers() -> None:
    ax = plots.network(bm.MLP([784, 8, 9, 1], "gelu", seed=0))
    assert [text.get_text() for text in ax.texts] == [
        "784\ninputs",
        "8\ngelu",
        "9\ngelu",
        "1\noutputs\nidentity",
    ]
    units = [len(line.get_xdata()) for line in ax.lines if line.get_marker() == "o"]
    dots = [int(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "."]
    assert units == [8, 8, 8, 1]
    assert dots == [0, 2]


def overlapping(figure, texts) -> list[str]:
    """Pairs of texts of which one is drawn over the other."""
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]
    return [
        f"{one!r} and {other!r}"
        for number, (one, box) in enumerate(boxes)
        for other, another in boxes[:number]
        if box.overlaps(another)
    ]


@pytest.mark.parametrize("size", [(3, 2.5), (6.4, 4.8), (12, 4), None], ids=str)
@pytest.mark.parametrize(
    "hidden",
    [[64] * 10, [256, 128, 64, 32, 64, 128, 256, 128, 64, 32], [64] * 4 + [32] * 4 + [16]],
    ids=str,
)
def test_labels_of_deep_networks_do_not_overlap(size, hidden, pyplot) -> None:
    net = bm.MLP([8, *hidden, 1], "gelu_tanh", norm="layer", residual=True, seed=0)
    for plot in (
        plots.network,
        plots.weights,
        lambda net, ax: plots.activations(net, data(columns=8), ax),
    ):
        ax = None if size is None else pyplot.subplots(figsize=size, layout="constrained")[1]
        ax = plot(net, ax)
        assert not overlapping(ax.figure, [*ax.texts, *ax.get_yticklabels()])


def test_very_deep_networks_have_labels_at_some_of_their_rows(pyplot) -> None:
    net = bm.MLP([8, *[16] * 40, 1], seed=0)
    ax = plots.weights(net, pyplot.subplots(figsize=(4, 3))[1])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert 3 < len(labels) < 41
    assert labels[0].startswith("layer 1 ")
    assert len(ax.texts) == len(labels)
    assert not overlapping(ax.figure, [*ax.texts, *ax.get_yticklabels()])


def test_layers_that_are_alike_have_one_label() -> None:
    ax = plots.network(bm.MLP([8, *[64] * 9, 16, 16, 1], seed=0))
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["8\ninputs", "9 x 64\nrelu", "16\nrelu", "16\nrelu", "1\noutputs\nidentity"]
    assert [text.get_position()[0] for text in ax.texts] == [0, 5, 10, 11, 12]


def test_network_draws_each_weight_once() -> None:
    net = bm.MLP([2, 3, 1], seed=0)
    net.weights[0] = [[1, -2, 3], [-4, 5, -6]]
    ax = plots.network(net)
    positive, negative = ax.collections[:2]
    assert len(positive.get_segments()) == 3
    assert len(negative.get_segments()) == 3
    widths = np.sort(np.concatenate([positive.get_linewidths(), negative.get_linewidths()]))
    np.testing.assert_allclose(widths, 0.3 + 1.7 * np.arange(1, 7) / 6)


def test_plots_of_odd_parameters_draw() -> None:
    for values in (0, np.nan, np.inf, 1e30):
        net = bm.MLP([2, 8, 1], seed=0)
        net.parameters[:] = values
        draw(plots.weights(net))
        draw(plots.network(net))
        if np.isfinite(values):
            draw(plots.activations(net, X))


def test_weights_are_counted_by_layer() -> None:
    net = bm.MLP([3, 40, 1], seed=0)
    net.weights[0][:] = 0.5
    ax = plots.weights(net)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["layer 1\n3 → 40", "layer 2\n40 → 1"]
    top = ax.patches[0].get_data()
    assert np.sum(top.values > top.baseline) == 1  # all in one bin
    assert ax.texts[0].get_text().strip() == "sd 0"


def test_activations_say_how_many_are_zero() -> None:
    net = bm.MLP([1, 4, 1], seed=0)
    net.weights[0] = [[1, 1, 1, -1]]
    ax = plots.activations(net, [[1.0], [2.0]])
    assert [text.get_text().strip() for text in ax.texts] == ["25% zero"]


# --- Predictions -------------------------------------------------------------------------------


def test_regions_are_those_of_the_predictions() -> None:
    ax = plots.decision_regions(CLASSES, X, LABELS)
    image = ax.images[0].get_array()
    left, right, bottom, top = ax.images[0].get_extent()
    colours = np.array([matplotlib.colors.to_rgb(c) for c in ("#0072B2", "#E69F00", "#009E73")])
    rng = np.random.default_rng(0)
    for _ in range(50):
        row, column = rng.integers(200, size=2)
        x = [left + (right - left) * column / 199, bottom + (top - bottom) * row / 199]
        p = CLASSES.predict(x)
        tint = 0.12 + 0.43 * (p.max() - 1 / 3) / (2 / 3)
        expected = 1 - tint * (1 - colours[p.argmax()])
        # float32 inputs, probabilities and a difference of the largest with one third.
        np.testing.assert_allclose(image[row, column], expected, atol=1e-4)
    assert sum(len(points.get_offsets()) for points in ax.collections[-3:]) == len(X)


def test_regions_of_two_columns_out_of_several() -> None:
    wide = data(columns=4)
    net = bm.MLP([4, 8, 1], loss="binary_cross_entropy", seed=0)
    ax = plots.decision_regions(net, wide, wide[:, 0] > 0, columns=(3, 1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("input 3", "input 1")
    with pytest.raises(ValueError, match="columns must be at most 3, got 4"):
        plots.decision_regions(net, wide, wide[:, 0] > 0, columns=(0, 4))


def test_plots_of_classes_refuse_numbers_and_the_reverse() -> None:
    for plot in (plots.decision_regions, plots.calibration):
        with pytest.raises(ValueError, match="loss 'mse' with 1 outputs does not tell classes"):
            plot(NUMBERS, X, X[:, 0])
    with pytest.raises(ValueError, match="predicts classes, which have no residuals"):
        plots.residuals(CLASSES, X, LABELS)
    with pytest.raises(ValueError, match="y has 2 rows, expected 300"):
        plots.residuals(NUMBERS, X, [1, 2])


@pytest.mark.parametrize("classes", [2, 3])
def test_calibration_by_scikit_learn(classes: int) -> None:
    curves = pytest.importorskip("sklearn.calibration")
    net, y = (YES_NO, LABELS > 0) if classes == 2 else (CLASSES, LABELS)
    p = net.predict(X).astype("f8")
    truth = y if classes == 2 else p.argmax(axis=1) == y
    share, mean = curves.calibration_curve(truth, p.max(axis=1), n_bins=7)
    line = plots.calibration(net, X, y, bins=7).containers[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), mean, rtol=1e-12)
    np.testing.assert_allclose(line.get_ydata(), share, rtol=1e-12)


def test_calibration_intervals_by_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    net = bm.MLP([1, 1], loss="binary_cross_entropy", init="zeros")
    ax = plots.calibration(net, np.zeros((20, 1)), np.arange(20) < 4)
    (bar,) = ax.containers[0].lines[2][0].get_segments()
    exact = stats.binomtest(4, 20).proportion_ci(method="wilson")
    np.testing.assert_allclose(bar[:, 1], exact, atol=1e-5)  # 1.96 is rounded


def test_residuals_are_those_of_the_predictions() -> None:
    y = np.stack([X[:, 0], X[:, 1] ** 2], axis=1)
    net = bm.MLP([2, 8, 2], seed=0)
    points = [c.get_offsets() for c in plots.residuals(net, X, y).collections]
    for target in range(2):
        p = net.predict(X)[:, target].astype("f8")
        # Targets are compared as the network's float32.
        np.testing.assert_allclose(points[target], np.stack([p, y[:, target] - p], 1), atol=1e-6)


def test_residuals_of_the_middle_quantile() -> None:
    net = bm.MLP([2, 3], loss="quantile", init="zeros")
    net.biases[0] = [5, 1, 7]
    points = plots.residuals(net, X, X[:, 0]).collections[0].get_offsets()
    np.testing.assert_allclose(points, np.stack([np.ones(300), X[:, 0] - 1], 1), atol=1e-6)


@pytest.mark.parametrize("loss", ["focal", bm.CrossEntropy(0.1)])
def test_every_loss_of_classes_has_their_plots(loss: bm.Loss) -> None:
    net = bm.MLP([2, 8, 3], "tanh", loss=loss, seed=0)
    draw(plots.decision_regions(net, X, LABELS))
    draw(plots.calibration(net, X, LABELS))


def test_residuals_in_standard_deviations() -> None:
    net = bm.MLP([2, 2], loss="gaussian_nll", init="zeros")
    net.biases[0] = [1, np.log(4)]  # mean 1, standard deviation 2
    ax = plots.residuals(net, X, X[:, 0])
    points = ax.collections[0].get_offsets()
    np.testing.assert_allclose(points[:, 1], (X[:, 0] - 1) / 2, atol=1e-6)
    medians = ax.lines[-1].get_ydata()
    assert len(medians) == 10
    assert "standard deviation" in ax.get_ylabel()


def test_what_is_no_axes(pyplot) -> None:
    net = bm.MLP([2, 3, 1], seed=0)
    figure, several = pyplot.subplots(2)
    for ax, what in (("x", "'x'"), (several, "an array of 2"), (figure, "<Figure")):
        with pytest.raises(TypeError, match=f"ax must be matplotlib's Axes, .* got {what}"):
            net.plot(ax)
