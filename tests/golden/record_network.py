"""Saves a small network, for later versions to load, and what it predicts.

Run by hand when the format of saved networks changes, once a release (in tests/):

    python -m golden.record_network

It adds network-<version>.npz, which then stays for ever; test_saving.py loads each such file.
"""

from __future__ import annotations

import json
from pathlib import Path

import briskmlp as bm
import numpy as np

FOLDER = Path(__file__).parent
X = [[0.0, 0.0, 0.0], [1.0, -2.0, 0.5], [-0.25, 0.75, 3.0]]

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 3))
    labels = (inputs[:, 0] > inputs[:, 1]).astype(int)
    net = bm.MLP([3, 4, 5, 2], ["gelu", "tanh"], loss="cross_entropy", seed=7, init="he_normal")
    net.fit(inputs, labels, epochs=3, batch_size=8, eval_set=(inputs, labels))
    path = FOLDER / f"network-{bm.__version__}.npz"
    net.save(path)
    record = {"X": X, "predictions": net.predict(X).tolist(), "history": net.history.to_dict()}
    path.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
