"""Going on with a training that a checkpoint kept, as if it had never stopped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ._checkpoint import latest_in
from ._files import File, name_of
from ._lbfgs import LBFGS
from ._optimizer import Optimizer
from ._saving import read
from ._state import BETWEEN_LAYERS
from ._training import Start

if TYPE_CHECKING:
    from ._network import Network


def resumed(
    file: File,
    net: Network,
    settings: Optimizer | LBFGS,
    figures: Sequence[str],
    standardized: bool,
    batch_norm: bool,
    own_loss: bool,
) -> Start | None:
    """Where a training of a network of these layers stood; None if a folder has no file yet."""
    if isinstance(settings, LBFGS):
        raise ValueError("LBFGS cannot be resumed: load the network and fit it further")
    if isinstance(file, (str, os.PathLike)) and Path(file).is_dir():
        latest = latest_in(Path(file))
        if latest is None:
            return None
        file = latest
    saved = read(file, training=True)
    name, state, training, history = name_of(file), saved.state, saved.training, saved.history
    layers, own = BETWEEN_LAYERS | state, BETWEEN_LAYERS | net.__getstate__()
    require_same(name, [(what, layers[what], own[what]) for what in LAYERS])
    if training is None or history is None:
        raise ValueError(
            f"{name} has no training to go on with: those are in the files of Checkpoint by epoch"
        )
    if state["epochs_trained"] < len(history):
        raise ValueError(
            f"{name} has a history of {len(history)} epochs of {state['epochs_trained']} in all"
        )
    require_same(
        name,
        [
            ("optimizer", training.optimizer, settings.kind),
            ("standardize", training.standardized, standardized),
            ("batch_norm", training.batch_norm, batch_norm),
            ("a loss of its own", training.own_loss, own_loss),
            ("figures", history.keys(), list(figures)),
        ],
    )
    return Start(
        state["seed"],
        state["epochs_trained"],
        history,
        training,
        state["parameters"],
        state["init"],
    )


LAYERS = ("sizes", "activations", "norm", "residual", "loss", "dtype")  # of which they must be


def require_same(name: str, settings: Sequence[tuple[str, object, object]]) -> None:
    """Raise ValueError unless all are the same in the file and for this fit."""
    for what, had, has in settings:
        if had != has:
            raise ValueError(f"{name} is of a training with {what} {had!r}, this fit has {has!r}")
