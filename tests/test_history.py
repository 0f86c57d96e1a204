"""The history of a training: columns, rows, text and plot."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from briskmlp import History


@pytest.fixture
def history():
    history = History("accuracy")
    for epoch in range(4):
        history.append(
            {
                "loss": 1 / (epoch + 1),
                "eval_loss": 2 / (epoch + 1),
                "eval_metric": epoch / 4,
                "seconds": 0.5,
            }
        )
    return history


def test_columns_are_arrays(history):
    np.testing.assert_array_equal(history["loss"], [1, 1 / 2, 1 / 3, 1 / 4])
    assert history["loss"].dtype == np.float64
    assert history.keys() == ["loss", "eval_loss", "eval_metric", "seconds"]
    np.testing.assert_array_equal(dict(history)["seconds"], [0.5] * 4)


def test_rows_are_dicts(history):
    last = {"loss": 0.25, "eval_loss": 0.5, "eval_metric": 0.75, "seconds": 0.5}
    assert history[-1] == history[3] == last
    assert list(history)[3] == last
    assert len(history) == len(list(history)) == 4


def test_what_is_handed_out_is_a_copy(history):
    history["loss"][0] = -1
    history[0]["loss"] = -1
    for record in history:
        record["loss"] = -1
    assert history["loss"][0] == 1


def test_slices_are_histories(history):
    middle = history[1:3]
    assert isinstance(middle, History)
    assert middle.metric_name == "accuracy"
    assert middle["eval_metric"].tolist() == [0.25, 0.5]


def test_to_dict_is_json(history):
    columns = json.loads(json.dumps(history.to_dict()))
    assert columns["eval_metric"] == [0, 0.25, 0.5, 0.75]
    assert list(columns) == history.keys()


def test_wrong_keys(history):
    with pytest.raises(KeyError, match="unknown column 'lose'; did you mean 'loss'"):
        history["lose"]
    with pytest.raises(IndexError):
        history[4]
    with pytest.raises(ValueError, match="epoch 4 has the figures loss, those before it"):
        history.append({"loss": 1.0})
    assert len(history) == 4


def test_repr(history):
    assert repr(history) == (
        "History(4 epochs in 2 s: loss 1 -> 0.25, eval_loss 2 -> 0.5, accuracy 0 -> 0.75)"
    )
    assert repr(history[:1]).startswith("History(1 epoch in 0.5 s")
    assert repr(History("rmse")) == "History(0 epochs)"


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda h: pickle.loads(pickle.dumps(h))])
def test_copies_are_equal_and_apart(history, clone):
    other = clone(history)
    assert other.to_dict() == history.to_dict()
    other.append(history[0])
    assert len(history) == 4


@pytest.fixture
def pyplot(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: pytest.fail("plot must not show"))
    yield pyplot
    pyplot.close("all")


@pytest.mark.usefixtures("pyplot")
def test_plot_draws_losses_and_metric(history):
    ax = history.plot()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "loss", "linear")
    curves = {line.get_label(): line for line in ax.lines}
    assert curves["loss"].get_xdata().tolist() == [1, 2, 3, 4]
    assert curves["eval_loss"].get_ydata().tolist() == history["eval_loss"].tolist()
    left, right = ax.figure.axes
    assert right.get_ylabel() == "accuracy"
    assert right.lines[0].get_ydata().tolist() == history["eval_metric"].tolist()
    legend = [text.get_text() for text in left.get_legend().texts]
    assert legend == ["loss", "eval_loss", "lowest: epoch 4", "accuracy"]
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("losses", "scale"),
    [((1.0, 0.01), "log"), ((1.0, 0.5), "linear"), ((1.0, -1.0), "linear")],
)
def test_plot_on_given_axes(pyplot, losses, scale):
    history = History("rmse")
    for loss in losses:
        history.append({"loss": loss, "seconds": 1.0})
    ax = pyplot.subplots()[1]
    assert history.plot(ax) is ax
    assert ax.get_yscale() == scale
    assert ax.figure.axes == [ax]


@pytest.mark.usefixtures("pyplot")
def test_plot_of_nothing():
    ax = History("rmse").plot()
    assert not ax.lines
    ax.figure.canvas.draw()
