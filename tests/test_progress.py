"""The progress display: when it appears, where, and what it says."""

from __future__ import annotations

import builtins
import io
import re
import sys

import pytest
from briskmlp import _progress
from briskmlp._progress import Bar, Line, Rich, Silent, open_progress

RECORD = {"loss": 0.51234, "eval_loss": 0.6, "eval_metric": 0.875, "seconds": 1.0}


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def without_tqdm(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.partition(".")[0] == "tqdm":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


def opened(progress, stream):
    return open_progress(progress, epochs=3, rows=1000, metric_name="accuracy", stream=stream)


@pytest.mark.parametrize(
    ("progress", "stream", "kind"),
    [
        (None, io.StringIO(), Silent),
        (None, Terminal(), Line),
        (True, io.StringIO(), Line),
        (True, Terminal(), Line),
        (False, io.StringIO(), Silent),
        (False, Terminal(), Silent),
    ],
)
@pytest.mark.usefixtures("without_tqdm")
def test_which_display(progress, stream, kind):
    assert type(opened(progress, stream)) is kind


def test_tqdm_on_a_terminal_where_it_is_installed():
    pytest.importorskip("tqdm")
    stream = Terminal()
    display = opened(True, stream)
    assert type(display) is Bar
    for epoch in range(3):
        display.update(epoch, RECORD)
    display.close()
    last = stream.getvalue().split("\r")[-1]
    assert "epoch 3/3: 100%" in last
    assert "3.00k/3.00k" in last
    assert "rows/s" in last
    assert "loss=0.5123, eval_loss=0.6, accuracy=0.875" in last


def test_tqdm_waits_unless_asked():
    pytest.importorskip("tqdm")
    stream = Terminal()
    display = opened(None, stream)
    display.update(0, RECORD)
    display.close()
    assert stream.getvalue().strip() == ""


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_displays_by_name(stream):
    display = opened("line", stream)
    assert type(display) is Line
    display.close()
    pytest.importorskip("tqdm")
    display = opened("tqdm", stream)
    assert type(display) is Bar
    display.close()


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_rich_if_asked_for(stream):
    pytest.importorskip("rich")
    display = opened("rich", stream)
    assert type(display) is Rich
    for epoch in range(3):
        display.update(epoch, RECORD)
    display.close()
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue()).rstrip().split("\n")[-1]
    assert "epoch 3/3" in text
    assert "loss 0.5123" in text
    display.close()


def test_rich_waits_as_long_as_told():
    pytest.importorskip("rich")
    stream = Terminal()
    display = Rich(3, 1000, "accuracy", stream, 3600.0, 0)
    display.update(0, RECORD)
    display.close()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ["tqdm", "rich"])
def test_displays_that_are_not_installed(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(ImportError, match=f"progress='{name}' needs {name}: pip install"):
        opened(name, Terminal())


def test_displays_that_do_not_exist():
    with pytest.raises(ValueError, match="unknown progress 'tqmd'; did you mean 'tqdm'"):
        opened("tqmd", Terminal())
    with pytest.raises(TypeError, match="progress must be True, False, None or a name, got 1"):
        opened(1, Terminal())


def test_default_stream_is_stderr(capsys):
    open_progress(True, epochs=1, rows=10, metric_name="rmse").update(0, {"loss": 1.0})
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("epoch 1/1 | ")


def test_no_stderr_at_all(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert type(open_progress(True, epochs=1, rows=10, metric_name="rmse")) is Silent


def line(stream, epochs=10, delay=0.0):
    clock = Clock()
    return Line(epochs, 1000, "accuracy", stream, delay, clock=clock), clock


def test_line_says_rate_figures_and_time_left():
    stream = io.StringIO()
    display, clock = line(stream, epochs=62)
    clock.now += 4
    display.update(1, RECORD)  # 2000 rows in 4 s, and 60 epochs of 2 s to go
    assert stream.getvalue() == (
        "epoch  2/62 | 500 rows/s | loss 0.5123 | eval_loss 0.6 | accuracy 0.875 | 2:00 left\n"
    )


def test_line_ends_with_the_time_it_took():
    stream = io.StringIO()
    display, clock = line(stream, epochs=1)
    clock.now += 75
    display.update(0, {"loss": 1.0, "seconds": 75.0})
    display.close()
    assert stream.getvalue() == "epoch 1/1 | 13.3 rows/s | loss 1 | 1:15 in all\n"


def test_line_on_a_terminal_overwrites_itself():
    stream = Terminal()
    display, clock = line(stream)
    clock.now += 1
    display.update(0, {"loss": 123.4, "seconds": 1.0})
    clock.now += 1
    display.update(1, {"loss": 1.0, "seconds": 1.0})
    display.close()
    first, second = re.findall(r"\r([^\r\n]*)", stream.getvalue())
    assert first.startswith("epoch  1/10")
    assert second.startswith("epoch  2/10")
    assert len(second) >= len(first)  # padded, so that nothing of the first remains
    assert stream.getvalue().endswith("\n")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    ("stream", "interval"),
    [(Terminal(), _progress.REDRAW), (io.StringIO(), _progress.NEW_LINE)],
)
def test_lines_are_throttled_but_the_last_one_is_written(stream, interval):
    display, clock = line(stream, epochs=100)
    for epoch in range(100):
        clock.now += interval / 49.5
        display.update(epoch, RECORD)
    display.close()
    written = re.findall(r"epoch +(\d+)/100", stream.getvalue())
    assert written == ["1", "51", "100"]


def test_short_trainings_stay_silent_unless_asked():
    stream = Terminal()
    display, clock = line(stream, epochs=3, delay=_progress.PATIENCE)
    for epoch in range(3):
        clock.now += 0.1
        display.update(epoch, RECORD)
    display.close()
    assert stream.getvalue() == ""


def test_interrupted_training_leaves_a_finished_line():
    stream = Terminal()
    display, clock = line(stream)
    clock.now += 1
    display.update(0, RECORD)
    display.close()
    display.close()  # closing twice does no harm
    assert stream.getvalue().count("\n") == 1
