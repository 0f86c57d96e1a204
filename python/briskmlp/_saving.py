"""Networks in files: NumPy's ``.npz``, so that `numpy.load` reads the arrays, without pickle.

A file is a zip archive of these members, none compressed. The same network gives the same bytes.

- ``network.json``: layers, loss, seed and so on, and the version of this format;
- ``parameters.npy``: (P,), laid out as `MLP.parameters` are;
- ``history.npy``: (epochs, columns), the figures of the latest fit; absent if there are none;
- ``optimizer/weights.npy`` and so on: (P,) each, the state of a training that `Checkpoint` wrote;
  absent from other files, and in format 2 only;
- ``earlier/3.npy``, say: (P,), what the parameters were after the third epoch of that training, if
  `EarlyStopping` may want them back;
- ``preprocessing.json``: how `briskmlp train` made inputs from a table's columns, with a version of
  its own; absent from other networks. `briskmlp.load` passes over it.

``"optimizer"`` in the JSON is null where there is no such state; else its kind, its steps, whether
the data were standardized, the hidden units had a batch norm and the loss was a function, the names
of the arrays and, if there are any, the numbers of those earlier epochs. The weights that
``parameters.npy`` has are not written twice.

What is read may come from anywhere. Nothing in it is executed, and memory is taken only after what
the JSON says has been found to agree with the arrays.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from . import _npz
from ._algorithm import TrainingState
from ._files import File, name_of, reading, writing
from ._history import History
from ._layers import split
from ._optimizers import OPTIMIZERS
from ._state import (
    BETWEEN_LAYERS,
    FORMAT,
    NEWEST_FORMAT,
    Outline,
    num_parameters,
    outline_of,
    require_version,
)
from ._state import ENTRIES as PLAIN_ENTRIES
from ._validate import Array, boolean, known_name, require_finite, whole_number

if TYPE_CHECKING:
    from ._network import Network

ENTRIES = {*PLAIN_ENTRIES, "format_version", "version", "init", "history", "optimizer"}
JSON, PARAMETERS, HISTORY = "network.json", "parameters.npy", "history.npy"
PREPROCESSING = "preprocessing.json"
STATE_ENTRIES = {
    "kind",
    "steps",
    "standardized",
    "own_loss",
    "arrays",
}  # of a training, in the JSON
MAX_STEPS = 2**53
STATE_ARRAYS = ("weights", "state1", "state2", "average")  # of a training, in this order


class Saved(NamedTuple):
    """What a file holds."""

    state: dict[str, Any]  # for `Network.__setstate__`
    history: History | None
    preprocessing: dict[str, Any] | None  # an object, not looked at
    training: TrainingState | None = None  # if it was asked for


# --- Writing -----------------------------------------------------------------------------------


def save(
    net: Network,
    file: File,
    *,
    preprocessing: dict[str, Any] | None = None,
    training: TrainingState | None = None,
) -> None:
    """Write a network, see `MLP.save`, and what `briskmlp train` or a checkpoint adds to it."""
    flat = net.parameters
    require_finite(flat, "parameters", flat.dtype)
    state = net.__getstate__() | {"history": None, "optimizer": None}
    del state["parameters"]
    arrays = {PARAMETERS: flat}
    if net.history is not None:
        columns = net.history.keys()
        state["history"] = {
            "metric_name": net.history.metric_name,
            "columns": columns,
            "epochs": len(net.history),
        }
        if len(net.history):
            arrays[HISTORY] = np.stack([net.history[name] for name in columns], axis=1)
    if training is not None:
        state["format_version"] = NEWEST_FORMAT
        state["optimizer"], own = _training_entry(training, net.sizes)
        arrays |= own
    texts = {JSON: json.dumps(state, indent=1)}
    if preprocessing is not None:
        texts[PREPROCESSING] = json.dumps(preprocessing, allow_nan=False)
    with writing(file) as opened:
        _npz.write(opened, texts, arrays)


def _training_entry(
    training: TrainingState, sizes: Sequence[int]
) -> tuple[dict[str, Any], dict[str, Array]]:
    """What the JSON says of a training, and its members."""
    arrays = {
        name: array[_in_use(training.optimizer, name, sizes)]
        for name, array in training.arrays.items()
    }
    if training.shown:
        del arrays["average" if "average" in arrays else "weights"]
    entry: dict[str, Any] = {
        "kind": training.optimizer,
        "steps": training.steps,
        "standardized": training.standardized,
        "own_loss": training.own_loss,
        "arrays": list(arrays),
    }
    if training.batch_norm:
        entry["batch_norm"] = True
    members = {_array_member(name): array for name, array in arrays.items()}
    if training.earlier:
        entry["earlier"] = sorted(training.earlier)
        for epoch in entry["earlier"]:
            array = training.earlier[epoch]
            require_finite(array, f"parameters after epoch {epoch}", array.dtype)
            members[_earlier_member(epoch)] = array
    return entry, members


def _in_use(optimizer: str, name: str, sizes: Sequence[int]) -> Any:
    """Which entries (P,) of an array are saved: Muon has no second state between hidden layers."""
    if optimizer != "muon" or name != "state2":
        return slice(None)
    used = np.ones(num_parameters(list(sizes)), bool)
    for weights in split(used, sizes)[0][1:-1]:
        weights[...] = False
    return used


def _array_member(name: str) -> str:
    return f"optimizer/{name}.npy"


def _earlier_member(epoch: int) -> str:
    return f"earlier/{epoch}.npy"


# --- Reading -----------------------------------------------------------------------------------


def read(file: File, *, training: bool = False) -> Saved:
    """Read what `save` wrote, without a training's state unless that is asked for."""
    with reading(file) as opened:
        try:
            return _read(opened, training)
        except _npz.ERRORS as error:
            raise ValueError(f"cannot load {name_of(file)}: {error}") from error


def _read(opened: BinaryIO, with_training: bool) -> Saved:
    with _npz.Archive(opened) as archive:
        members = archive.members
        if JSON not in members:
            raise ValueError(f"it has no member {JSON}")
        state = archive.parse(JSON)
        require_version(state)
        between = state["format_version"] != FORMAT and not state.keys().isdisjoint(BETWEEN_LAYERS)
        entries = {*ENTRIES, *BETWEEN_LAYERS} if between else ENTRIES
        if state.keys() != entries:
            odd = ", ".join(sorted(state.keys() ^ entries))
            raise ValueError(f"{JSON} has too few entries or too many: {odd:.200}")
        if state["dtype"] not in ("float32", "float64"):
            raise ValueError(f"dtype is {state['dtype']!r:.80}, expected 'float32' or 'float64'")
        outline = outline_of(state)
        history, shape = _history_of(state["history"])
        training = _training_of(state, shape[0])
        expected = {JSON, PARAMETERS, HISTORY} if shape[0] else {JSON, PARAMETERS}
        expected |= members.keys() & {PREPROCESSING}
        if training is not None:
            expected |= {_array_member(name) for name in training.arrays}
            expected |= {_earlier_member(epoch) for epoch in training.earlier}
        if members != Counter(expected):
            found, wanted = ", ".join(members.elements()), ", ".join(sorted(expected))
            raise ValueError(f"it has the members {found:.200}; expected {wanted}")
        count = num_parameters(outline.sizes)
        flat = archive.array(PARAMETERS, (count,), outline.dtype)
        require_finite(flat, "parameters", flat.dtype)
        if history is not None and shape[0]:
            figures = archive.array(HISTORY, shape, np.dtype("f8"))
            for row in figures.tolist():
                history.append(dict(zip(state["history"]["columns"], row, strict=True)))
        extra = archive.parse(PREPROCESSING) if PREPROCESSING in members else None
        if training is not None and with_training:
            _read_training(archive, training, outline)
            if training.shown:
                training.arrays["average" if "weights" in training.arrays else "weights"] = flat
    return Saved(state | {"parameters": flat}, history, extra, training if with_training else None)


def _read_training(archive: _npz.Archive, training: TrainingState, outline: Outline) -> None:
    """Read the arrays of a training."""
    shape, dtype = (num_parameters(outline.sizes),), outline.dtype
    for name in training.arrays:
        member = _array_member(name)
        in_use = _in_use(training.optimizer, name, outline.sizes)
        array = np.zeros(shape, dtype)
        array[in_use] = archive.array(member, array[in_use].shape, dtype)
        if name in ("weights", "average"):  # a mean of squares may have overflowed
            require_finite(array, member, dtype)
        training.arrays[name] = array
    for epoch in training.earlier:
        member = _earlier_member(epoch)
        training.earlier[epoch] = archive.array(member, shape, dtype)
        require_finite(training.earlier[epoch], member, dtype)


def _history_of(entry: object) -> tuple[History | None, tuple[int, int]]:
    """An empty history as the JSON describes it, and the shape of its figures."""
    if entry is None:
        return None, (0, 0)
    if not isinstance(entry, dict) or entry.keys() != {"metric_name", "columns", "epochs"}:
        raise ValueError(f"history must be metric_name, columns and epochs, got {entry!r:.80}")
    names, columns = entry["metric_name"], entry["columns"]
    if not isinstance(columns, list) or not all(isinstance(n, str) for n in [names, *columns]):
        raise ValueError("history's metric_name and columns must be strings")
    if len(set(columns)) < len(columns):
        raise ValueError("history has two columns of one name")
    epochs = whole_number(entry["epochs"], "history's epochs", 0)
    if (epochs > 0) != (len(columns) > 0):
        raise ValueError(f"history has {epochs} epochs and {len(columns)} columns")
    return History(names), (epochs, len(columns))


def _training_of(state: dict[str, Any], epochs: int) -> TrainingState | None:
    """A training of so many epochs as the JSON describes it, its arrays still empty."""
    entry = state["optimizer"]
    if entry is None:
        return None
    if state["format_version"] == FORMAT:
        raise ValueError(f"optimizer must be null in format {FORMAT}")
    if not isinstance(entry, dict) or entry.keys() - {"earlier", "batch_norm"} != STATE_ENTRIES:
        raise ValueError(f"optimizer must be {', '.join(sorted(STATE_ENTRIES))}, got {entry!r:.80}")
    names = entry["arrays"]
    if not isinstance(names, list) or names != [name for name in STATE_ARRAYS if name in names]:
        raise ValueError(f"optimizer's arrays must be from {STATE_ARRAYS}, got {names!r:.80}")
    return TrainingState(
        known_name(entry["kind"], "optimizer", list(OPTIMIZERS)),
        whole_number(entry["steps"], "optimizer's steps", 0, MAX_STEPS),
        boolean(entry["standardized"], "optimizer's standardized"),
        boolean(entry["own_loss"], "optimizer's own_loss"),
        {name: np.empty(0) for name in names},
        {epoch: np.empty(0) for epoch in _earlier_of(entry.get("earlier", []), epochs)},
        boolean(entry.get("batch_norm", False), "optimizer's batch_norm"),
    )


def _earlier_of(numbers: object, epochs: int) -> list[int]:
    """The numbers of epochs, ascending, before the last one of so many."""
    if isinstance(numbers, list):
        last = max(1, epochs - 1)
        checked = [whole_number(number, "an earlier epoch", 1, last) for number in numbers]
        if checked == sorted(set(checked)):
            return checked
    raise ValueError(f"optimizer's earlier epochs must ascend, got {numbers!r:.80}")
