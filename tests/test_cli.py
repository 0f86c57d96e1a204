"""The console command: what it understands, what it refuses, and with which status."""

from __future__ import annotations

import os
import subprocess
import sys

import briskmlp
import pytest
from briskmlp import demos
from briskmlp.bench import command
from briskmlp.cli import main


def refused(arguments, capsys):
    """The message with which the arguments are refused."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_module_is_the_command():
    run = subprocess.run(
        [sys.executable, "-m", "briskmlp", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"briskmlp {briskmlp.__version__}\n"


def test_info_shows_the_configuration(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    briskmlp.show_config()
    assert out == capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "name", "options"),
    [
        ([], "classify", demos.Options()),
        (["age"], "age", demos.Options()),
        (["depth", "--seed", "3", "--quick"], "depth", demos.Options(seed=3, quick=True)),
    ],
)
def test_demo_is_run_as_told(arguments, name, options, monkeypatch):
    runs = []
    monkeypatch.setattr(demos, "run", lambda *args: runs.append(args))
    assert main(["demo", *arguments]) == 0
    assert runs == [(name, options)]


def test_help_lists_the_demos(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["demo", "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out and text in out for name, text in demos.DEMOS.items())


def test_unknown_demo_suggests_the_nearest(capsys):
    assert "unknown demo 'depht'; did you mean 'depth'?" in refused(["demo", "depht"], capsys)


def test_bad_arguments_are_refused(capsys, tmp_path):
    assert "required: command" in refused([], capsys)
    assert "expected a whole number from 0 on, got '-1'" in refused(["demo", "--seed=-1"], capsys)
    assert "unrecognized arguments: --fast" in refused(["demo", "--fast"], capsys)
    nowhere = tmp_path / "nowhere" / "plot.png"
    message = refused(["demo", "linear", "--plot", str(nowhere)], capsys)
    assert f"--plot: there is no folder {nowhere.parent}" in message


def test_missing_data_is_an_error_of_one_line(capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["demo", "classify", "--data", str(tmp_path)])
    assert stop.value.code == 1
    err = capsys.readouterr().err
    assert err.startswith("briskmlp: ")
    assert "train-images-idx3-ubyte.gz" in err
    assert err.count("\n") == 1


def test_bench_gets_its_own_arguments(monkeypatch):
    calls = []
    monkeypatch.setattr(command, "main", lambda arguments: calls.append(arguments) or 5)
    assert main(["bench", "sine", "--threads", "1"]) == 5
    assert calls == [["sine", "--threads", "1"]]


@pytest.mark.skipif(os.name != "posix", reason="needs pipes that break")
def test_a_reader_that_has_seen_enough_is_no_error():
    receiver, sender = os.pipe()
    os.close(receiver)
    command = [sys.executable, "-u", "-m", "briskmlp", "info"]
    with os.fdopen(sender, "wb") as pipe:
        run = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_interrupt_ends_quietly(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(demos, "run", interrupted)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
