"""Archives of arrays and JSON in NumPy's ``.npz`` format, written alike and read with suspicion.

What is read may come from anywhere: memory is taken only after sizes that the archive and the
arrays' headers state have been found to agree with each other and with the length of the file.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np

from ._validate import Array

MAX_READ = 2**20  # bytes read at once: no directory, JSON or header needs more
SHORTEST_ZIP = 22  # bytes: an end without a beginning
ZIP_START = b"PK\x03\x04"
CUT_SHORT = "it begins as a zip archive and has no end: it was cut short, after {:,} bytes"
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


# --- Writing -----------------------------------------------------------------------------------


def write(opened: BinaryIO, texts: Mapping[str, str], arrays: Mapping[str, Array]) -> None:
    """Write members: texts in ASCII, and arrays. The same members give the same bytes."""
    for name, text in texts.items():
        if len(text) > MAX_READ:
            raise ValueError(f"{name} would have {len(text):,} bytes, at most {MAX_READ:,}")
    with zipfile.ZipFile(opened, "w") as archive:
        for name, text in texts.items():
            _add(archive, name, len(text), [text.encode("ascii")])
        for name, array in arrays.items():
            head = _head(array.shape, array.dtype)
            values = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
            chunks = [head, values.reshape(-1).view(np.uint8).data]
            _add(archive, name, len(head) + values.nbytes, chunks)


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


class Archive:
    """An archive that is open for reading."""

    def __init__(self, opened: BinaryIO) -> None:
        self._file = _Guarded(opened)
        try:
            self._zip = zipfile.ZipFile(self._file)
        except zipfile.BadZipFile as error:
            if str(error) == "File is not a zip file":  # there is no directory at its end
                raise ValueError(CUT_SHORT.format(self._file.length)) from None
            raise
        self.members = Counter(info.filename for info in self._zip.infolist())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._zip.close()

    def parse(self, member: str) -> dict[str, Any]:
        """The entries of a member in JSON, if it is an object whose names differ."""

        def entries(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            if len({name for name, _ in pairs}) < len(pairs):
                raise ValueError(f"{member} has two entries of one name")
            return dict(pairs)

        def constant(name: str) -> Any:
            raise ValueError(f"{member} has the number {name}")

        text = self._bytes(member).decode("ascii")
        parsed = json.loads(text, object_pairs_hook=entries, parse_constant=constant)
        if not isinstance(parsed, dict):
            raise ValueError(f"{member} is not an object")
        return parsed

    def _bytes(self, member: str) -> bytes:
        info = self._info(member)
        if info.file_size > MAX_READ:
            raise ValueError(f"{member} has {info.file_size:,} bytes, at most {MAX_READ:,}")
        return self._zip.read(info)

    def _info(self, member: str) -> zipfile.ZipInfo:
        info, length = self._zip.getinfo(member), self._file.length
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise ValueError(f"{member} is compressed")
        if info.header_offset + info.file_size > length:
            raise ValueError(f"{member} has {info.file_size:,} bytes, the file {length:,}")
        return info

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """The array of an .npy member that must be described exactly so."""
        info = self._info(name)
        with self._zip.open(info) as member:
            start = member.read(len(MAGIC) + 2)
            if start[:-2] != MAGIC or len(start) < len(MAGIC) + 2:
                raise ValueError(f"{name} is not an array in NumPy's format 1.0")
            text = member.read(int.from_bytes(start[-2:], "little"))
            if text.strip() != _head_text(shape, dtype):
                had, wanted = text.strip()[:200], _head_text(shape, dtype).decode()
                raise ValueError(f"{name} is described by {had!r}, expected {wanted}")
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


class _Guarded:
    """A file of which only short pieces can be read, and only from where it has some."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.tell = file, file.tell
        self.length = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = file.read(len(ZIP_START))
        if start != ZIP_START[: len(start)] or not start:
            raise ValueError("it is no zip archive, which saved networks are")
        if self.length < SHORTEST_ZIP:
            raise ValueError(CUT_SHORT.format(self.length))

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
