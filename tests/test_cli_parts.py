"""How `briskmlp train` deals out the rows of a table: shares, rare classes, the seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from briskmlp.cli import TableModel, main
from briskmlp.cli._parts import STOPPING_SHARE, split, split_by_class


def counts_of(labels: np.ndarray, holdout: float, seed: int) -> np.ndarray:
    """Rows of each class in training, stopping and held out: (3, classes)."""
    parts = split_by_class(labels, holdout, seed)
    every = np.concatenate(parts)
    np.testing.assert_array_equal(np.sort(every), np.arange(len(labels)))
    return np.array([np.bincount(labels[part], minlength=labels.max() + 1) for part in parts])


@pytest.mark.parametrize("seed", range(20))
def test_every_class_has_its_share_of_each_part(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 200, rng.integers(2, 30))
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    holdout = rng.uniform(0.01, 0.5)
    training, stopping, held_out = counts_of(labels, holdout, seed)
    assert (training >= 1).all()
    assert (held_out[counts >= 2] >= 1).all()
    assert (stopping[counts >= 3] >= 1).all()
    plenty = counts >= 20  # neither limit matters
    assert (abs(held_out - holdout * counts)[plenty] <= 1).all()
    assert (abs(stopping - STOPPING_SHARE * counts)[plenty] <= 1).all()
    # In total too, but for what the limits add for rare classes and keep from them.
    rare = (~plenty).sum() + 1
    assert abs(held_out.sum() - holdout * counts.sum()) <= rare
    assert abs(stopping.sum() - STOPPING_SHARE * counts.sum()) <= rare


@pytest.mark.parametrize(
    ("rows", "expected"),
    [(1, [1, 0, 0]), (2, [1, 0, 1]), (3, [1, 1, 1]), (4, [2, 1, 1]), (9, [6, 1, 2])],
)
def test_a_rare_class(rows: int, expected: list[int]) -> None:
    labels = np.repeat([0, 1], [1000 - rows, rows])
    for seed in range(5):
        parts = counts_of(labels, 0.2, seed)
        assert parts[:, 1].tolist() == expected
        assert abs(parts.sum(axis=1) - [700, 100, 200]).max() <= 1


def test_no_part_is_empty() -> None:
    for labels in (np.arange(20), np.repeat(np.arange(10), 2)):
        assert [len(part) for part in split_by_class(labels, 0.2, 0)] == [14, 2, 4]


def test_the_seed_decides() -> None:
    labels = np.random.default_rng(0).integers(0, 3, 200)
    for divide in (split, split_by_class):
        first, again, other = (divide(labels, 0.3, seed) for seed in (5, 5, 6))
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        assert not np.array_equal(first.held_out, other.held_out)


def test_order_is_random_within_and_across_classes() -> None:
    labels = np.repeat([0, 1], 500)
    parts = split_by_class(labels, 0.2, 0)
    for part in parts:
        assert 0.3 < np.mean(labels[part[: len(part) // 2]]) < 0.7
        assert abs(np.corrcoef(np.arange(len(part)), part)[0, 1]) < 0.5
    held_out = np.sort(parts.held_out[labels[parts.held_out] == 0])
    assert np.ptp(held_out) > 400  # not the first or the last 100


def test_train_holds_out_a_rare_class(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    kinds = np.array(["common"] * 97 + ["rare"] * 3)
    x = np.where(kinds == "rare", 5.0, 0.0) + rng.normal(size=100)
    data, model = tmp_path / "kinds.npz", tmp_path / "model.npz"
    np.savez(data, x=x, z=rng.normal(size=100), kind=kinds)
    for seed in range(4):
        command = ["train", str(data), "--target", "kind", "--seed", str(seed), "-o", str(model)]
        assert main([*command, "--epochs", "3"]) == 0
        said = capsys.readouterr().out
        assert "70 to learn from, 10 to stop in time, 20 held out" in said
        # The baseline answers "common" always, and finds none of the held-out rare ones: one of 20.
        assert TableModel.load(model).scores["accuracy"][0] == pytest.approx(0.95)


def test_train_points_out_text_that_nearly_is_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pandas")
    rows = [
        f"{'-' if i % 10 == 3 else i},{i % 7},{'?' if i % 50 == 0 else i % 5}" for i in range(200)
    ]
    (tmp_path / "odd.csv").write_text("\n".join(["income,b,y", *rows]))
    arguments = ["train", str(tmp_path / "odd.csv"), "--output", str(tmp_path / "m.npz")]
    assert main([*arguments, "--target", "y", "--epochs", "2"]) == 0
    output = capsys.readouterr().out
    assert "income would be a number but for '-': empty such cells if it is one" in output
    assert "y would be a number but for '?'" in output
    assert main([*arguments, "--target", "b", "--drop", "income", "--epochs", "2"]) == 0
    output = capsys.readouterr().out
    assert "income" not in output
