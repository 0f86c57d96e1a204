"""Saves a small network and a training, for later versions to load, and what comes of them.

Run by hand when the format of saved networks changes, once a release (in tests/):

    python -m golden.record_network

It adds network-<version>.npz and checkpoint-<version>.npz, which then stay for ever; test_saving.py
and test_checkpoint_files.py load each such file.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import briskmlp as bm
import numpy as np

FOLDER = Path(__file__).parent
X = [[0.0, 0.0, 0.0], [1.0, -2.0, 0.5], [-0.25, 0.75, 3.0]]


def train(**options: object) -> bm.MLP:
    """A network after some epochs."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 3))
    labels = (inputs[:, 0] > inputs[:, 1]).astype(int)
    net = bm.MLP([3, 4, 5, 2], ["gelu", "tanh"], loss="cross_entropy", seed=7, init="he_normal")
    net.fit(inputs, labels, batch_size=8, eval_set=(inputs, labels), **options)
    return net


if __name__ == "__main__":
    net = train(epochs=3)
    path = FOLDER / f"network-{bm.__version__}.npz"
    net.save(path)
    record = {"X": X, "predictions": net.predict(X).tolist(), "history": net.history.to_dict()}
    path.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")

    path = FOLDER / f"checkpoint-{bm.__version__}.npz"
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = bm.Checkpoint(folder, every=3)
        net = train(epochs=5, average=0.9, callbacks=checkpoint)
        shutil.copy(checkpoint.latest_path, path)
    record = {"X": X, "predictions": net.predict(X).tolist(), "history": net.history.to_dict()}
    path.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
