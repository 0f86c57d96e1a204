"""Files that hold a training: those of every release, and those that lie."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest
from golden.record_network import FOLDER, train
from test_resume import network, run, table


@pytest.mark.parametrize("path", sorted(FOLDER.glob("checkpoint-*.npz")), ids=lambda p: p.stem)
def test_checkpoints_of_every_release(path: Path):
    """Averaged weights, whose bits depend on the instruction set a little."""
    record = json.loads(path.with_suffix(".json").read_text())
    net = train(epochs=5, average=0.9, resume=path)
    np.testing.assert_allclose(net.predict(record["X"]), record["predictions"], atol=1e-5)
    np.testing.assert_allclose(net.history["loss"], record["history"]["loss"], rtol=1e-5)


def test_there_is_a_checkpoint_of_this_release():
    assert (FOLDER / f"checkpoint-{bm.__version__}.npz").exists()


def altered(folder, changes, members=(), **others):
    """A copy of the first checkpoint whose JSON says something else of the training."""
    with zipfile.ZipFile(folder / "epoch-000001.npz") as source:
        parts = {name: source.read(name) for name in source.namelist()} | dict(members)
    state = json.loads(parts["network.json"])
    state["optimizer"] |= changes
    state |= others
    parts["network.json"] = json.dumps(state).encode()
    with zipfile.ZipFile(folder / "odd.npz", "w") as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return folder / "odd.npz"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "adan"}, "unknown optimizer 'adan'; did you mean 'adam'"),
        ({"kind": 3}, "optimizer must be a name"),
        ({"steps": -1}, "optimizer's steps must be at least 0"),
        ({"steps": 2**60}, "optimizer's steps must be at most"),
        ({"steps": 1.5}, "optimizer's steps must be a whole number"),
        ({"standardized": 1}, "optimizer's standardized must be True or False"),
        ({"own_loss": None}, "optimizer's own_loss must be True or False"),
        ({"arrays": ["state2", "state1"]}, "optimizer's arrays must be from"),
        ({"arrays": ["state1", "state1"]}, "optimizer's arrays must be from"),
        ({"arrays": [["state1"]]}, "optimizer's arrays must be from"),
        ({"arrays": {"state1": 1}}, "optimizer's arrays must be from"),
        ({"arrays": ["state1"]}, "it has the members"),
        ({"arrays": ["weights", "state1", "state2"]}, "it has the members"),
        ({"earlier": [1]}, "it has the members"),
        ({"earlier": [0]}, "an earlier epoch must be at least 1"),
        ({"earlier": [10**9]}, "an earlier epoch must be at most"),
        ({"earlier": [1, 1]}, "optimizer's earlier epochs must ascend"),
        ({"earlier": {"1": 1}}, "optimizer's earlier epochs must ascend"),
        ({"surprise": 1}, "optimizer must be arrays, kind, own_loss, standardized, steps"),
    ],
)
def test_hostile_checkpoints(tmp_path, changes, message):
    run(tmp_path, 1)
    path = altered(tmp_path, changes)
    for read in (bm.load, lambda p: network().fit(*table(), resume=p)):
        with pytest.raises(ValueError, match=f"cannot load .*odd.npz: .*{message}"):
            read(path)


def test_checkpoints_with_an_odd_number_of_epochs(tmp_path):
    run(tmp_path, 1)
    path = altered(tmp_path, {}, epochs_trained=0)
    with pytest.raises(ValueError, match="a history of 1 epochs of 0 in all"):
        network().fit(*table(), resume=path)
    with pytest.raises(ValueError, match="epochs_trained must be at most"):
        bm.load(altered(tmp_path, {}, epochs_trained=2**62))


def test_checkpoints_with_odd_arrays(tmp_path):
    net, _ = run(tmp_path, 1)
    name = "optimizer/state2.npy"
    for array, message in (
        (np.zeros(3, "f4"), "state2.npy is described by"),
        (np.zeros(net.num_parameters, "f8"), "state2.npy is described by"),
    ):
        file = io.BytesIO()
        np.save(file, array)
        path = altered(tmp_path, {}, {name: file.getvalue()})
        with pytest.raises(ValueError, match=message):
            network().fit(*table(), resume=path)
        assert bm.load(path).epochs_trained == 1  # which has no use for them


def test_earlier_parameters_that_are_odd(tmp_path):
    net, _ = run(tmp_path, 1)
    for values, message in (
        (np.zeros(3, "f4"), "earlier/1.npy is described by"),
        (np.full(net.num_parameters, np.nan, "f4"), "earlier/1.npy has nan in row 0"),
    ):
        file = io.BytesIO()
        np.save(file, values)
        path = altered(tmp_path, {"earlier": [1]}, {"earlier/1.npy": file.getvalue()})
        with pytest.raises(ValueError, match=message):
            network().fit(*table(), resume=path)
        assert bm.load(path).epochs_trained == 1
