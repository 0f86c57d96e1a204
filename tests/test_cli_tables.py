"""The commands train, predict and inspect, from files to files."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest
from briskmlp.cli import TableModel, main, read_table

RNG = np.random.default_rng(0)
ROWS = 400
KINDS = RNG.choice(["cat", "dog", "owl"], ROWS)
AGES = RNG.normal(40, 12, ROWS)
COST = 100 + 3 * AGES + 50 * (KINDS == "owl") + RNG.normal(0, 2, ROWS)


def written(path: Path, columns: dict[str, object]) -> Path:
    """A CSV file; None is left empty."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            writer.writerow(["" if x is None else x for x in row])
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    pytest.importorskip("pandas")
    ages, kinds = AGES.astype(object), KINDS.astype(object)
    ages[::10] = kinds[5::20] = None
    return written(
        tmp_path / "pets.csv",
        {
            "id": [f"id{i}" for i in range(ROWS)],
            "kind": kinds,
            "age": ages,
            "same": [1] * ROWS,
            "cost": COST.round(4),
            "senior": np.where(AGES > 45, "yes", "no"),
        },
    )


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def failure(capsys: pytest.CaptureFixture, *arguments: object) -> str:
    """The one line with which a command gives up."""
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 1
    err = capsys.readouterr().err
    assert err.startswith("briskmlp: ")
    assert err.count("\n") == 1
    return err


def test_regression_from_beginning_to_end(pets: Path, capsys, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    model, plot, out = tmp_path / "m.npz", tmp_path / "h.png", tmp_path / "out.csv"
    assert (
        run("train", pets, "--target", "cost", "-o", model, "--plot", plot, "--drop", "senior") == 0
    )
    said = capsys.readouterr().out
    for words in (
        "pets.csv: 400 rows, 6 columns",
        "400 different; so regression (--task classification if that is wrong)",
        "2 columns make 6 inputs",
        "kind: one of 3: cat, dog, owl, and whether it is missing",
        "left out   id: ",
        "left out   same: 1 in every row",
        "rows       280 to learn from, 40 to stop in time, 80 held out",
        "network    6-64-64-1",
    ):
        assert words in said
    assert plot.read_bytes().startswith(b"\x89PNG")
    trained = TableModel.load(model)
    baseline, network = trained.scores["rmse"]
    assert network < 0.6 * baseline
    assert trained.scores["r2"][0] <= 0

    assert run("predict", model, pets, "-o", out) == 0
    assert "the table has cost in 400 rows: rmse" in capsys.readouterr().err
    lines = list(csv.reader(out.read_text().splitlines()))
    assert lines[0] == ["cost"]
    table = read_table(pets)
    np.testing.assert_allclose([float(x) for (x,) in lines[1:]], trained.answer(table), rtol=1e-6)
    assert run("inspect", model) == 0
    said = capsys.readouterr().out
    assert "predicts   cost, a number" in said
    assert f"{network:>12.4g}" in said


def test_classification_from_beginning_to_end(pets: Path, capsys, tmp_path: Path) -> None:
    model = tmp_path / "m.npz"
    assert run("train", pets, "--target", "senior", "--drop", "cost, id", "-o", model) == 0
    said = capsys.readouterr().out
    assert "senior: text; so classification" in said
    assert "2 classes: no, yes" in said
    trained = TableModel.load(model)
    assert trained.scores["accuracy"][1] > 0.9 > trained.scores["accuracy"][0]
    assert trained.scores["log_loss"][1] < trained.scores["log_loss"][0] < 1

    table = read_table(pets)
    right = trained.answer(table) == table["senior"]
    assert right[~np.isnan(table["age"])].mean() > 0.9
    assert run("inspect", model) == 0
    assert "predicts   senior, one of 2: no, yes" in capsys.readouterr().out

    new = written(tmp_path / "new.csv", {"age": [20, 80, None], "kind": ["cat", "newt", None]})
    assert run("predict", model, new) == 0
    out, err = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["senior"] for row in rows[:2]] == ["no", "yes"]
    assert all(float(r["p_no"]) + float(r["p_yes"]) == pytest.approx(1, abs=1e-6) for r in rows)
    assert err == (
        "column kind: newt: unknown or rare in training, taken as none of the known ones\n"
    )


def test_text_stays_text_where_it_looks_like_numbers(tmp_path: Path, capsys) -> None:
    pytest.importorskip("pandas")
    code = np.array(["007", "7", "x"])[RNG.integers(0, 3, 200)]
    y = np.select([code == "007", code == "7"], ["a", "b"], "c")
    data = written(tmp_path / "a.csv", {"code": code, "y": y})
    run("train", data, "--target", "y", "-o", tmp_path / "m")
    capsys.readouterr()
    new = written(tmp_path / "b.csv", {"code": ["007", "7"], "more": [1, 2]})
    assert run("predict", tmp_path / "m", new) == 0
    out, err = capsys.readouterr()
    assert [line.split(",")[0] for line in out.splitlines()] == ["y", "a", "b"]
    assert err == ""


@pytest.mark.parametrize(("name", "separator"), [("a.tsv", "\t"), ("a.csv.gz", ",")])
def test_separators_by_the_name_of_the_file(tmp_path: Path, name: str, separator: str) -> None:
    pandas = pytest.importorskip("pandas")
    table = {"age": [1.0, 2.0], "kind": ["cat", "a;b"]}
    pandas.DataFrame(table).to_csv(tmp_path / name, sep=separator, index=False)
    again = read_table(tmp_path / name)
    assert {column: values.tolist() for column, values in again.items()} == table


def test_times_are_seconds_and_of_one_zone(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    times = pandas.to_datetime(["1970-01-01T01:00:01+01:00", "1970-01-01T01:01:00+01:00", None])
    pandas.DataFrame({"at": times}).to_parquet(tmp_path / "times.parquet")
    seconds = read_table(tmp_path / "times.parquet")["at"]
    np.testing.assert_array_equal(seconds, [1.0, 60.0, np.nan])


def test_a_plot_without_matplotlib_is_refused_at_once(capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message = failure(capsys, "train", "none.csv", "--target", "y", "--plot", "a.png")
    assert message == "briskmlp: --plot needs matplotlib: pip install 'briskmlp[cli]'\n"


def test_the_same_seed_gives_the_same_model(pets: Path, tmp_path: Path) -> None:
    def parameters(seed: int) -> np.ndarray:
        run("train", pets, "--target", "cost", "--seed", seed, "--epochs", 3, "-o", tmp_path / "m")
        return bm.load(tmp_path / "m").parameters

    assert (parameters(1) == parameters(1)).all()
    assert not (parameters(1) == parameters(2)).all()


def test_scores_are_of_rows_that_training_does_not_see(tmp_path: Path, capsys) -> None:
    """Targets that have nothing to do with the inputs can be learnt by heart, not predicted."""
    np.savez(tmp_path / "noise.npz", X=RNG.normal(size=(300, 20)), y=RNG.integers(0, 2, 300))
    run("train", tmp_path / "noise.npz", "--target", "y", "-o", tmp_path / "m.npz")
    baseline, network = TableModel.load(tmp_path / "m.npz").scores["accuracy"]
    assert abs(network - 0.5) < 0.25  # four standard deviations of 60 coins are 0.26
    assert abs(baseline - 0.5) < 0.25


def test_a_target_that_is_constant_where_it_is_held_out(tmp_path: Path, capsys) -> None:
    y = np.zeros(100)
    y[:2] = 0.5, 0.25
    np.savez(tmp_path / "a.npz", X=RNG.normal(size=(100, 2)), y=y)
    for seed in range(3):
        run("train", tmp_path / "a.npz", "--target", "y", "-o", tmp_path / "m", "--seed", seed)
    assert "r2" in capsys.readouterr().out
    assert "rmse" in TableModel.load(tmp_path / "m").scores


def test_options_reach_the_training(tmp_path: Path, capsys) -> None:
    np.savez(tmp_path / "a.npz", X=RNG.normal(size=(100, 2)), y=RNG.normal(size=100))
    assert run(
        "train", tmp_path / "a.npz", "--target", "y", "-o", tmp_path / "m.npz", "--hidden", "",
        "--epochs", 2, "--holdout", 0.4, "--learning-rate", 0.5, "--batch-size", 7,
    ) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "rows       50 to learn from, 10 to stop in time, 40 held out" in said
    assert "network    2-1, 3 parameters, seed 0" in said
    assert bm.load(tmp_path / "m.npz").history.keys()[0] == "loss"
    assert len(bm.load(tmp_path / "m.npz").history) == 2


def test_a_norm_and_residual_connections(tmp_path: Path, capsys) -> None:
    np.savez(tmp_path / "a.npz", X=RNG.normal(size=(100, 2)), y=RNG.normal(size=100))
    assert run(
        "train", tmp_path / "a.npz", "--target", "y", "-o", tmp_path / "m.npz", "--epochs", 2,
        "--hidden", "8,8,8", "--norm", "layer", "--residual",
    ) == 0  # fmt: skip
    assert "network    2-8-8-8-1, layer norm, residual, 177 parameters" in capsys.readouterr().out
    assert run("inspect", tmp_path / "m.npz") == 0
    said = capsys.readouterr().out
    assert "norm='layer', residual=True" in said
    assert "8 -> 8  relu + skip, norm" in said


def test_batch_norm_leaves_a_network_without_norm(tmp_path: Path, capsys) -> None:
    np.savez(tmp_path / "a.npz", X=RNG.normal(size=(100, 2)), y=RNG.normal(size=100))
    train = ["train", tmp_path / "a.npz", "--target", "y", "--epochs", 2]
    assert run(*train, "-o", tmp_path / "m.npz", "--norm", "batch") == 0
    assert "network    2-64-64-1, batch norm, 4,417 parameters" in capsys.readouterr().out
    assert run(*train, "-o", tmp_path / "plain.npz") == 0
    nets = [bm.load(tmp_path / name) for name in ("m.npz", "plain.npz")]
    assert nets[0].norm is None
    assert not np.array_equal(nets[0].parameters, nets[1].parameters)


def test_ctrl_c_keeps_the_best_so_far(tmp_path: Path, capsys, monkeypatch) -> None:
    np.savez(tmp_path / "a.npz", X=RNG.normal(size=(100, 2)), y=RNG.normal(size=100))
    fit = bm.MLP.fit

    def interrupted(net, *args, **settings):
        fit(net, *args, **settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(bm.MLP, "fit", interrupted)
    assert run("train", tmp_path / "a.npz", "--target", "y", "-o", tmp_path / "m.npz") == 130
    assert "stopped by Ctrl-C" in capsys.readouterr().out
    assert TableModel.load(tmp_path / "m.npz").scores


def test_mistakes_are_errors_of_one_line(pets: Path, capsys, tmp_path: Path) -> None:
    model = tmp_path / "m.npz"
    run("train", pets, "--target", "cost", "--epochs", 1, "-o", model)
    capsys.readouterr()
    assert "unknown column 'csot'; did you mean 'cost'?" in failure(
        capsys, "train", pets, "--target", "csot"
    )
    assert "is text, which regression cannot" in failure(
        capsys, "train", pets, "--target", "kind", "--task", "regression"
    )
    assert "No such file" in failure(capsys, "predict", model, tmp_path / "none.csv")
    fewer = written(tmp_path / "fewer.csv", {"kind": ["cat"], "other": [3]})
    message = failure(capsys, "predict", model, fewer)
    assert "lacks 2 columns (age, senior); it has 2 columns (kind, other)" in message
    columns = {"kind": ["a"] * 3, "age": ["3", "", "old"], "senior": ["no"] * 3}
    wrong = written(tmp_path / "wrong.csv", columns)
    assert "'age' had numbers when the model was trained, and has 'old' in row 3" in failure(
        capsys, "predict", model, wrong
    )
    far = written(tmp_path / "far.csv", {"a": [1] * 29 + ["inf"], "y": range(30), "b": range(30)})
    assert "'a' has inf in row 30" in failure(capsys, "train", far, "--target", "y")
    assert run("train", far, "--target", "y", "--drop", "a", "-o", model) == 0
    capsys.readouterr()
    bm.MLP([2, 1], seed=0).save(tmp_path / "plain.npz")
    assert "is a network without columns" in failure(capsys, "inspect", tmp_path / "plain.npz")
    assert "there are 1 rows with a target" in failure(capsys, "train", fewer, "--target", "other")
    bare = written(tmp_path / "bare.csv", {"same": [1] * 30, "y": range(30)})
    assert "no column to learn from; same: 1 in every row" in failure(
        capsys, "train", bare, "--target", "y"
    )


def test_what_is_read_is_not_written_over(pets: Path, capsys, tmp_path: Path) -> None:
    model = tmp_path / "m.npz"
    run("train", pets, "--target", "cost", "--epochs", 1, "-o", model)
    before = pets.read_bytes(), model.read_bytes()
    capsys.readouterr()
    for arguments in (
        ("train", pets, "--target", "cost", "-o", pets),
        ("train", pets, "--target", "cost", "--plot", pets),
        ("predict", model, pets, "-o", pets),
        ("predict", model, pets, "-o", model),
    ):
        with pytest.raises(SystemExit, match="2"):
            run(*arguments)
        assert "is read too, and would be lost" in capsys.readouterr().err
    assert (pets.read_bytes(), model.read_bytes()) == before


def test_targets_that_do_not_fit_the_model(tmp_path: Path, capsys) -> None:
    x, y = RNG.normal(size=40), RNG.normal(size=40)
    np.savez(tmp_path / "a.npz", x=x, number=y, word=np.where(y > 0, "a", "b"))
    for target, other, message in (
        ("number", ["1", "two"], "column 'number' has text where numbers are expected"),
        ("word", ["a", "c"], "column 'word' has classes that are new: ['c']"),
    ):
        model = tmp_path / f"{target}.npz"
        drop = {"number": "word", "word": "number"}[target]
        train = ["train", tmp_path / "a.npz", "--target", target, "--drop", drop, "--epochs", 1]
        assert run(*train, "-o", model) == 0
        new = tmp_path / "new.npz"
        np.savez(new, **{"x": x[:2], target: other})
        capsys.readouterr()
        assert run("predict", model, new) == 0  # the answers are good all the same
        assert f"no scores: {message}" in capsys.readouterr().err
        np.savez(new, **{"x": x[:2], target: ["", ""]})
        assert run("predict", model, new) == 0  # as if it had no such column
        assert capsys.readouterr().err == ""


def test_long_lists_of_columns_are_cut(tmp_path: Path, capsys) -> None:
    data, model = tmp_path / "a.npz", tmp_path / "m.npz"
    np.savez(data, X=RNG.normal(size=(40, 35)), same=np.ones((40, 33)), y=RNG.normal(size=40))
    assert run("train", data, "--target", "y", "--epochs", 1, "-o", model) == 0
    said = capsys.readouterr().out
    assert "inputs     35 columns make 35 inputs" in said
    assert "X[0]" not in said
    assert "left out   same[11]: 1 in every row" in said
    assert "same[12]" not in said
    assert "left out   21 more columns" in said
    assert run("inspect", model) == 0
    said = capsys.readouterr().out
    assert "X[29]: a number" in said
    assert "X[30]" not in said
    assert "           and 5 more\n" in said


def test_ctrl_c_before_the_first_epoch_leaves_no_model(tmp_path: Path, capsys, monkeypatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    np.savez(tmp_path / "a.npz", X=RNG.normal(size=(100, 2)), y=RNG.normal(size=100))
    monkeypatch.setattr(bm.MLP, "fit", interrupted)
    assert run("train", tmp_path / "a.npz", "--target", "y", "-o", tmp_path / "m.npz") == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert not (tmp_path / "m.npz").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--hidden", "64,x", "expected a whole number from 1 on, got 'x'"),
        ("--holdout", "0.7", "expected a share of at most 0.5"),
        ("--learning-rate", "-1", "expected a positive number"),
        ("--learning-rate", "fast", "expected a positive number, got 'fast'"),
        ("--epochs", "0", "expected a whole number from 1 on"),
        ("--task", "ranking", "invalid choice"),
        ("--norm", "layr", "invalid choice: 'layr' (choose from 'layer', 'batch')"),
        ("--output", "/nowhere/m.npz", "--output: there is no folder /nowhere"),
    ],
)
def test_bad_options_are_refused(option: str, value: str, message: str, capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        run("train", "a.csv", "--target", "y", f"{option}={value}")
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
