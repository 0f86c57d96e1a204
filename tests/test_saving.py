"""Saved networks: what comes back, and what stays after an error.

The format is checked against zipfile and numpy.load, which know nothing of the package.
test_hostile_files.py has the files that are not what they say.
"""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest

GOLDEN = sorted((Path(__file__).parent / "golden").glob("network-*.npz"))


@pytest.fixture(params=["float32", "float64"])
def net(request: pytest.FixtureRequest) -> bm.MLP:
    net = bm.MLP(
        [3, 5, 2], ["tanh"], loss="cross_entropy", dtype=request.param, seed=2**64 - 1,
        init="glorot_normal",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.integers(2, size=20)
    net.fit(X, y, epochs=3, eval_set=(X, y))
    return net


def saved(net: bm.MLP) -> bytes:
    file = io.BytesIO()
    net.save(file)
    return file.getvalue()


def loaded(data: bytes) -> bm.MLP:
    return bm.load(io.BytesIO(data))


def assert_same(one: bm.MLP, other: bm.MLP) -> None:
    assert repr(one) == repr(other)
    for name in ("activations", "loss", "dtype", "seed", "init", "epochs_trained"):
        assert getattr(one, name) == getattr(other, name)
    np.testing.assert_array_equal(one.parameters, other.parameters)
    assert (one.history is None) == (other.history is None)
    if one.history is not None and other.history is not None:
        assert one.history.metric_name == other.history.metric_name
        assert repr(one.history.to_dict()) == repr(other.history.to_dict())  # NaN is NaN


# --- What comes back ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path(net: bm.MLP, tmp_path: Path, kind) -> None:
    path = tmp_path / "net.file"
    net.save(kind(path))
    assert_same(bm.load(kind(path)), net)
    assert list(tmp_path.iterdir()) == [path]


def test_an_open_file(net: bm.MLP, tmp_path: Path) -> None:
    with (tmp_path / "net").open("w+b") as file:
        net.save(file)
        assert not file.closed
        assert_same(bm.load(file), net)
    assert (tmp_path / "net").read_bytes() == saved(net)


def test_without_a_history(tmp_path: Path) -> None:
    net = bm.MLP([2, 1], seed=0)
    assert_same(loaded(saved(net)), net)
    net.history = bm.History("rmse")  # of a fit that ended in its first epoch
    assert_same(loaded(saved(net)), net)


@pytest.mark.parametrize(
    ("loss", "plain"),
    [
        ("huber", "huber"),
        (bm.Huber(), "huber"),
        (bm.Huber(2), {"name": "huber", "delta": 2.0}),
        (bm.Quantile((0.2, 0.8)), {"name": "quantile", "levels": [0.2, 0.8]}),
        (bm.CrossEntropy(0.1), {"name": "cross_entropy", "label_smoothing": 0.1}),
    ],
)
def test_losses_by_name_and_with_settings(loss: bm.Loss, plain: object) -> None:
    net = bm.MLP([3, 5, 2], loss=loss, seed=0)
    data = saved(net)
    assert_same(loaded(data), net)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert json.loads(archive.read("network.json"))["loss"] == plain


def test_history_keeps_nan_and_infinity(net: bm.MLP) -> None:
    net.history = bm.History("accuracy")
    net.history.append({"loss": np.inf, "eval_loss": np.nan, "über": 1e-320})
    assert_same(loaded(saved(net)), net)


def test_training_goes_on_as_if_it_had_not_been_saved(net: bm.MLP) -> None:
    twin = loaded(saved(net))
    X, y = np.random.default_rng(1).normal(size=(20, 3)), np.arange(20) % 2
    for one in (net, twin):
        one.fit(X, y, epochs=2, batch_size=4)
    np.testing.assert_array_equal(twin.parameters, net.parameters)
    assert twin.epochs_trained == 5


def test_the_same_network_gives_the_same_bytes(net: bm.MLP, tmp_path: Path) -> None:
    net.save(tmp_path / "net")
    assert (tmp_path / "net").read_bytes() == saved(net) == saved(loaded(saved(net)))


def test_numpy_and_zipfile_read_the_file(net: bm.MLP) -> None:
    data = saved(net)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["parameters"], net.parameters)
        assert arrays["parameters"].dtype == net.dtype
        figures = arrays["history"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        state = json.loads(archive.read("network.json"))
    np.testing.assert_array_equal(
        figures, np.stack([net.history[name] for name in state["history"]["columns"]], axis=1)
    )
    assert state["sizes"] == [3, 5, 2]
    assert state["optimizer"] is None


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_files_of_every_release_load(path: Path) -> None:
    record = json.loads(path.with_suffix(".json").read_text())
    net = bm.load(path)
    assert net.history.to_dict() == record["history"]
    assert (net.seed, net.init, net.epochs_trained) == (7, "he_normal", 3)
    # Probabilities; other instruction sets round the two short sums of each layer otherwise.
    np.testing.assert_allclose(net.predict(record["X"]), record["predictions"], atol=1e-6)


def test_there_is_a_file_of_this_release() -> None:
    assert f"network-{bm.__version__}" in [path.stem for path in GOLDEN]


def test_pickles_keep_how_the_weights_were_drawn(net: bm.MLP) -> None:
    assert pickle.loads(pickle.dumps(net)).init == "glorot_normal"
    state = net.__getstate__()
    del state["init"]  # as the first pickles lack it
    twin = bm.MLP.__new__(bm.MLP)
    twin.__setstate__(state)
    assert twin.init == "auto"


def test_what_could_not_be_loaded_is_not_saved(tmp_path: Path) -> None:
    net = bm.MLP([1, 1], seed=0)
    net.history = bm.History("rmse")
    net.history.append({f"{column:0100}": 1.0 for column in range(11_000)})
    with pytest.raises(ValueError, match=r"network\.json would have 1,.* bytes"):
        net.save(tmp_path / "net")
    assert not list(tmp_path.iterdir())


# --- Files that are replaced -------------------------------------------------------------------


class Full(io.BytesIO):
    """A disk without space after so many bytes."""

    def __init__(self, space: int) -> None:
        super().__init__()
        self.space = space

    def write(self, data) -> int:
        if self.tell() + len(data) > self.space:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


@pytest.mark.parametrize("when", ["write", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_an_error_leaves_what_was(net: bm.MLP, tmp_path: Path, monkeypatch, when, error) -> None:
    path = tmp_path / "net"
    path.write_bytes(b"precious")

    def fail(*_: object, **__: object) -> None:
        raise error

    if when == "write":
        monkeypatch.setattr(zipfile.ZipFile, "open", fail)
    elif when == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(type(error)):
        net.save(path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_error(net: bm.MLP) -> None:
    for space in (0, 100, len(saved(net)) - 1):
        with pytest.raises(OSError, match="No space"):
            net.save(Full(space))


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_a_kill_leaves_a_whole_file(tmp_path: Path) -> None:
    program = """if True:
        import sys
        import briskmlp as bm
        net = bm.MLP([64, 512, 1], seed=0)
        while True:
            net.parameters += 1
            net.save(sys.argv[1])
            print(flush=True)
    """
    path = tmp_path / "net"
    rng = np.random.default_rng(0)
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", program, path], stdout=-1) as process:
            process.stdout.readline()  # it has begun
            time.sleep(rng.uniform(0, 0.1))
            process.kill()
        steps = bm.load(path).parameters - bm.MLP([64, 512, 1], seed=0).parameters
        assert round(float(steps[0])) >= 1
        # Whole numbers but for the rounding of sums below 2^15.
        np.testing.assert_allclose(steps, np.round(steps[0]), atol=0.01)
    assert path in list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_permissions(net: bm.MLP, tmp_path: Path) -> None:
    plain, secret, path = tmp_path / "plain", tmp_path / "secret", tmp_path / "net"
    plain.touch()
    net.save(path)
    assert path.stat().st_mode == plain.stat().st_mode  # what the umask leaves
    secret.touch(0o600)
    secret.chmod(0o640)
    net.save(secret)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o640
    assert_same(bm.load(secret), net)


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_stays_a_link(net: bm.MLP, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "net", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    net.save(link)
    assert link.is_symlink()
    assert_same(bm.load(target), net)


def test_paths_that_cannot_be_written(net: bm.MLP, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        net.save(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder"):
        net.save(tmp_path / "nowhere" / "net")
    with pytest.raises(TypeError, match="expected a path or an open binary file, got 3"):
        net.save(3)
    with pytest.raises(TypeError, match="got None"):
        bm.load(None)
    if sys.platform == "linux":
        with pytest.raises(ValueError, match="/dev/null is not a plain file"):
            net.save("/dev/null")


def test_parameters_that_are_not_finite_are_not_saved(net: bm.MLP, tmp_path: Path) -> None:
    net.parameters[4] = np.nan
    with pytest.raises(ValueError, match="parameters has nan in row 4"):
        net.save(tmp_path / "net")
    assert not list(tmp_path.iterdir())


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        bm.load(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ValueError, match=r"cannot load .*text: "):
        bm.load(tmp_path / "text")
    receiver, sender = os.pipe()
    os.close(sender)
    with (
        os.fdopen(receiver, "rb") as pipe,
        pytest.raises(ValueError, match="cannot be read out of order"),
    ):
        bm.load(pipe)
