"""Each demo runs, prints figures that are right, and saves its plot."""

from __future__ import annotations

import gzip
import re
import sys

import numpy as np
import pytest
from briskmlp import demos
from briskmlp.demos import DEMOS, Options, _common, _datasets

NUMBER = r"-?\d[\d,]*\.?\d*(?:e[-+]\d+)?"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Let plots land in a folder of the test, and no data set of the machine be found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_datasets, "FASHION_FOLDER", tmp_path / "fashion-mnist")


@pytest.fixture
def output(capsys):
    """Run a demo and return what it printed, its paragraphs as single lines."""

    def run(name, **options):
        demos.run(name, Options(**{"quick": True, **options}))
        out, err = capsys.readouterr()
        assert err == ""
        return re.sub(r"(?<=\S)\n(?=[A-Za-z0-9(])", " ", out)

    return run


def numbers(text):
    return [float(number.replace(",", "")) for number in re.findall(NUMBER, text)]


def row(text, label):
    """The numbers in the line of a table that starts with `label`."""
    (cells,) = re.findall(rf"^  {re.escape(label)}  +(.*)$", text, re.MULTILINE)
    return numbers(cells)


def accuracies(text):
    """The accuracies in per cent that `classify` prints, one a stage of the training."""
    return [float(share) for share in re.findall(r"(\d+\.\d\d)%", text)]


@pytest.mark.parametrize("name", DEMOS)
def test_saves_a_plot(name, output, tmp_path):
    pytest.importorskip("matplotlib")
    assert f"Plot saved as briskmlp_{name}.png" in output(name)
    assert (tmp_path / f"briskmlp_{name}.png").stat().st_size > 10_000


def test_saves_the_plot_where_told(output, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "here.png"
    output("linear", plot=path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [path]


def test_does_without_matplotlib(output, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "No plot, because matplotlib is not installed." in output("linear")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", [0, 1])
def test_linear_is_least_squares(output, seed):
    text = output("linear", seed=seed)
    assert row(text, "the truth") == [3, -2]
    # 200 points with noise of 0.7 place each of the two numbers to about 0.7 / sqrt(200) = 0.05.
    assert row(text, "least squares") == pytest.approx([3, -2], abs=0.3)
    assert row(text, "gradient descent") == row(text, "least squares")
    losses = [row(text, str(step))[0] for step in (0, 1, 3, 10, 30, 100)]
    assert losses == sorted(losses, reverse=True)
    # The slower direction shrinks by about 1 - 0.1 * 2 at each of 100 steps: by 2e-10 in all.
    assert numbers(re.search(r"least squares differ by (\S+)", text)[1])[0] < 1e-7
    assert max(row(text, "gradient descent - least squares")) < 1e-12
    assert max(row(text, "gradient descent - the truth")) < 0.1


def test_depth_needs_an_activation(output):
    text = output("depth")
    assert numbers(re.search(r"differ by (\S+) at most, which is rounding", text)[1])[0] < 1e-12
    assert row(text, "identity")[0] < 75
    assert row(text, "relu")[0] > 95
    assert row(text, "tanh")[0] > 95


def test_approximation_improves_with_width(output):
    text = output("approximate")
    errors = [row(text, str(width)) for width in (2, 4, 8, 16, 32)]
    by_hand = [error[0] for error in errors]
    best = [error[1] for error in errors]
    assert by_hand == sorted(by_hand, reverse=True)
    assert by_hand[-1] < by_hand[0] / 20
    assert best[-1] < best[0] / 3
    assert all(best <= worst for _, best, worst in errors)


def test_age_knows_its_uncertainty(output):
    text = output("age")
    one, two, _, _ = row(text, "all")
    # 8,000 draws give the shares to 0.5 and 0.2; a quick training adds to that.
    assert one == pytest.approx(68.3, abs=4)
    assert two == pytest.approx(95.4, abs=2)
    years = [row(text, str(age)) for age in (1, 5, 9, 13, 17)]
    for true_mean, mean, true_sigma, sigma in years:
        assert mean == pytest.approx(true_mean, abs=3)
        assert sigma == pytest.approx(true_sigma, rel=0.5)
    # One sigma for all is too wide for the young and too narrow around 13.
    assert row(text, "0 to 6")[2] > 80
    assert row(text, "11 to 15")[2] < 60


def test_digits_are_recognised(output):
    text = output("classify")
    assert "1,397 images of 8 x 8 pixels to learn from and 400 to be tested on" in text
    assert accuracies(text)[-1] >= 97


@pytest.mark.parametrize("seed", [0, 1])
def test_numpy_learns_the_same(output, seed):
    text = output("classify", seed=seed)
    ours, theirs = row(text, "briskmlp"), row(text, "NumPy")
    # Twenty steps in float32 agree to the printed places, but for a rounding of the last one;
    # ten epochs magnify what they differ by.
    assert ours[0] == pytest.approx(theirs[0], abs=1.1e-5)
    assert ours[1] == pytest.approx(theirs[1], rel=0.05)


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes()))


def test_fashion_mnist_from_a_folder(output, tmp_path):
    rng = np.random.default_rng(0)
    for prefix, rows in (("train", 600), ("t10k", 200)):
        labels = np.arange(rows, dtype=np.uint8) % 10
        images = rng.integers(100, size=(rows, 28, 28), dtype=np.uint8)
        images[np.arange(rows), labels] += 155  # class i has a bright row i
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", labels)
    text = output("classify", data=tmp_path)
    assert "600 images of 28 x 28 pixels to learn from and 200 to be tested on" in text
    assert "784-256-128-100-10" in text
    for i, name in enumerate(_datasets.FASHION_CLASSES):
        assert sum(row(text, f"{i} {name}")) == 20  # every test image is somewhere
    assert accuracies(text)[-1] > 50


def test_bad_data_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"train-images-idx3-ubyte\.gz"):
        _datasets.load_fashion(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    for content in (b"", b"abc", b"\0\0\x08\x01\0\0\0\x05abc", b"\0\0\x0d\x01\0\0\0\x01abcd"):
        path.write_bytes(gzip.compress(content))
        with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is not an IDX file"):
            _datasets.load_fashion(tmp_path)


def test_digits_are_those_of_uci():
    images = _datasets.load_digits(seed=0)
    pixels = np.concatenate([images.train[0], images.test[0]])
    labels = np.concatenate([images.train[1], images.test[1]])
    assert pixels.shape == (1797, 8, 8)
    assert pixels.dtype == np.float32
    assert sorted(np.unique(pixels * 16)) == list(range(17))
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_table_aligns_its_columns(capsys):
    _common.table(["name", "a"], [["x", "10"], ["longer", "2"]])
    assert capsys.readouterr().out == "  name     a\n  x       10\n  longer   2\n\n"


@pytest.mark.slow
def test_fashion_mnist_reaches_what_is_published(output, monkeypatch, tmp_path):
    monkeypatch.undo()  # of the working directory too
    if not _datasets.FASHION_FOLDER.is_dir():
        pytest.skip("Fashion-MNIST is not installed")
    text = output("classify", quick=False, plot=tmp_path / "plot.png")
    assert accuracies(text)[-1] >= 88.3
