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
the data were standardized and the loss a function, the names of the arrays and, if there are any,
the numbers of those earlier epochs. The weights that ``parameters.npy`` has are not written twice.

What is read may come from anywhere. Nothing in it is executed, and memory is taken only after the
sizes that the JSON, the arrays' headers and the archive state have been found to agree with each
other and with the length of the file.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from ._algorithm import TrainingState
from ._files import File, name_of, reading, writing
from ._history import History
from ._optimizers import OPTIMIZERS
from ._state import (
    BETWEEN_LAYERS,
    FORMAT,
    NEWEST_FORMAT,
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
MAX_READ = 2**20  # bytes read at once: no directory, JSON or header needs more
SHORTEST_ZIP = 22  # bytes: an end without a beginning
MAGIC = b"\x93NUMPY\x01\x00"  # of format 1.0, which has two bytes for the header's length
ALIGNMENT = 64  # of the numbers in an .npy file
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can state, so that bytes do not change
# What zipfile, json and the checks raise when bytes do not mean what they should.
ERRORS = (
    ValueError,
    TypeError,
    EOFError,
    NotImplementedError,
    OverflowError,
    RecursionError,
    RuntimeError,
    zipfile.BadZipFile,
)


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
        state["optimizer"], own = _training_entry(training)
        arrays |= own
    texts = {JSON: json.dumps(state, indent=1)}
    if preprocessing is not None:
        texts[PREPROCESSING] = json.dumps(preprocessing, allow_nan=False)
    for name, text in texts.items():
        if len(text) > MAX_READ:
            raise ValueError(f"{name} would have {len(text):,} bytes, at most {MAX_READ:,}")
    with writing(file) as opened, zipfile.ZipFile(opened, "w") as archive:
        for name, text in texts.items():
            _add(archive, name, len(text), [text.encode("ascii")])
        for name, array in arrays.items():
            head = _head(array.shape, array.dtype)
            values = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            chunks = [head, values.reshape(-1).view(np.uint8).data]
            _add(archive, name, len(head) + values.nbytes, chunks)


def _training_entry(training: TrainingState) -> tuple[dict[str, Any], dict[str, Array]]:
    """What the JSON says of a training, and its members."""
    arrays = dict(training.arrays)
    if not training.standardized:  # the network shows one of them
        del arrays["average" if "average" in arrays else "weights"]
    entry: dict[str, Any] = {
        "kind": training.optimizer,
        "steps": training.steps,
        "standardized": training.standardized,
        "own_loss": training.own_loss,
        "arrays": list(arrays),
    }
    members = {_array_member(name): array for name, array in arrays.items()}
    if training.earlier:
        entry["earlier"] = sorted(training.earlier)
        for epoch in entry["earlier"]:
            array = training.earlier[epoch]
            require_finite(array, f"parameters after epoch {epoch}", array.dtype)
            members[_earlier_member(epoch)] = array
    return entry, members


def _array_member(name: str) -> str:
    return f"optimizer/{name}.npy"


def _earlier_member(epoch: int) -> str:
    return f"earlier/{epoch}.npy"


def _add(archive: zipfile.ZipFile, name: str, size: int, chunks: Iterable[Any]) -> None:
    """Add a member of `size` bytes, which the chunks are together."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.create_system = 3  # wherever it is written
    info.external_attr = 0o600 << 16
    info.file_size = size
    with archive.open(info, "w") as member:
        for chunk in chunks:
            member.write(chunk)


def _head_text(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """How an .npy file describes an array: always in these words, so that they can be compared."""
    descr = f"<f{dtype.itemsize}"
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode("ascii")


def _head(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """All that precedes the numbers in an .npy file."""
    text = _head_text(shape, dtype)
    before = len(MAGIC) + 2
    padded = -(-(before + len(text) + 1) // ALIGNMENT) * ALIGNMENT - before
    return MAGIC + padded.to_bytes(2, "little") + text.ljust(padded - 1) + b"\n"


# --- Reading -----------------------------------------------------------------------------------


def read(file: File, *, training: bool = False) -> Saved:
    """Read what `save` wrote, without a training's state unless that is asked for."""
    with reading(file) as opened:
        try:
            return _read(opened, training)
        except ERRORS as error:
            raise ValueError(f"cannot load {name_of(file)}: {error}") from error


def _read(opened: BinaryIO, with_training: bool) -> Saved:
    guarded = _Guarded(opened)
    with zipfile.ZipFile(guarded) as archive:
        members = Counter(info.filename for info in archive.infolist())
        if JSON not in members:
            raise ValueError(f"it has no member {JSON}")
        state = _parse(archive, JSON, guarded)
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
        flat = _read_array(archive, PARAMETERS, (count,), outline.dtype, guarded)
        require_finite(flat, "parameters", flat.dtype)
        if history is not None and shape[0]:
            figures = _read_array(archive, HISTORY, shape, np.dtype("f8"), guarded)
            for row in figures.tolist():
                history.append(dict(zip(state["history"]["columns"], row, strict=True)))
        extra = _parse(archive, PREPROCESSING, guarded) if PREPROCESSING in members else None
        if training is not None and with_training:
            for name in training.arrays:
                member = _array_member(name)
                array = _read_array(archive, member, (count,), outline.dtype, guarded)
                if name in ("weights", "average"):  # a mean of squares may have overflowed
                    require_finite(array, member, array.dtype)
                training.arrays[name] = array
            for epoch in training.earlier:
                member = _earlier_member(epoch)
                array = _read_array(archive, member, (count,), outline.dtype, guarded)
                require_finite(array, member, array.dtype)
                training.earlier[epoch] = array
            if not training.standardized:
                training.arrays["average" if "weights" in training.arrays else "weights"] = flat
    return Saved(state | {"parameters": flat}, history, extra, training if with_training else None)


class _Guarded:
    """A file of which only short pieces can be read, and only from where it has some."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.tell = file, file.tell
        self.length = file.seek(0, os.SEEK_END)
        if self.length < SHORTEST_ZIP:
            raise ValueError(f"it has {self.length} bytes and is no zip archive")

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self.length}[whence]
        if not 0 <= start + offset <= self.length:
            raise ValueError(f"it ends at byte {self.length:,} and refers to {start + offset:,}")
        return self.file.seek(start + offset)

    def read(self, count: int = -1) -> bytes:
        if count > MAX_READ:
            raise ValueError(f"it has a part of {count:,} bytes where none is so long")
        return self.file.read(count if count >= 0 else MAX_READ)


def _member(archive: zipfile.ZipFile, name: str, guarded: _Guarded) -> zipfile.ZipInfo:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise ValueError(f"{name} is compressed")
    if info.header_offset + info.file_size > guarded.length:
        raise ValueError(f"{name} has {info.file_size:,} bytes, the file {guarded.length:,}")
    return info


def _read_bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > MAX_READ:
        raise ValueError(f"{info.filename} has {info.file_size:,} bytes, at most {MAX_READ:,}")
    return archive.read(info)


def _parse(archive: zipfile.ZipFile, member: str, guarded: _Guarded) -> dict[str, Any]:
    """The entries of a member in JSON, if it is an object whose names differ."""

    def entries(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError(f"{member} has two entries of one name")
        return dict(pairs)

    def constant(name: str) -> Any:
        raise ValueError(f"{member} has the number {name}")

    text = _read_bytes(archive, _member(archive, member, guarded)).decode("ascii")
    parsed = json.loads(text, object_pairs_hook=entries, parse_constant=constant)
    if not isinstance(parsed, dict):
        raise ValueError(f"{member} is not an object")
    return parsed


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
    if not isinstance(entry, dict) or entry.keys() - {"earlier"} != STATE_ENTRIES:
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
    )


def _earlier_of(numbers: object, epochs: int) -> list[int]:
    """The numbers of epochs, ascending, before the last one of so many."""
    if isinstance(numbers, list):
        last = max(1, epochs - 1)
        checked = [whole_number(number, "an earlier epoch", 1, last) for number in numbers]
        if checked == sorted(set(checked)):
            return checked
    raise ValueError(f"optimizer's earlier epochs must ascend, got {numbers!r:.80}")


def _read_array(
    archive: zipfile.ZipFile,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    guarded: _Guarded,
) -> Array:
    """The array of an .npy member that must be described exactly so."""
    info = _member(archive, name, guarded)
    with archive.open(info) as member:
        start = member.read(len(MAGIC) + 2)
        if start[:-2] != MAGIC or len(start) < len(MAGIC) + 2:
            raise ValueError(f"{name} is not an array in NumPy's format 1.0")
        text = member.read(int.from_bytes(start[-2:], "little"))
        if text.strip() != _head_text(shape, dtype):
            wanted = _head_text(shape, dtype).decode()
            raise ValueError(f"{name} is described by {text.strip()[:200]!r}, expected {wanted}")
        count = int(np.prod(shape, dtype=object))
        if info.file_size != len(start) + len(text) + count * dtype.itemsize:
            raise ValueError(f"{name} has {info.file_size:,} bytes, which do not fit {shape}")
        values = np.empty(count, dtype)
        done = 0
        while done < count:
            chunk = np.frombuffer(member.read(MAX_READ), dtype.newbyteorder("<"))
            values[done : done + len(chunk)] = chunk
            done += len(chunk)
            if not len(chunk):
                raise ValueError(f"{name} ends too early")
        member.read(1)  # nothing; it has the checksum compared
    return values.reshape(shape)
