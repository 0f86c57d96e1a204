"""Writing files whole or not at all, and reading them; also to and from open files."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

File = str | os.PathLike[str] | BinaryIO


def name_of(file: File) -> str:
    """What to call a file in a message."""
    return str(file) if isinstance(file, (str, os.PathLike)) else "the file"


def _path_of(file: File) -> Path:
    if not isinstance(file, (str, os.PathLike)):
        raise TypeError(f"expected a path or an open binary file, got {file!r}")
    return Path(file)


@contextlib.contextmanager
def reading(file: File) -> Iterator[BinaryIO]:
    """Open a path, or take an open file, to read bytes at any position."""
    if not hasattr(file, "read"):
        with _path_of(file).open("rb") as opened:
            yield opened
        return
    source = cast(BinaryIO, file)
    if not source.seekable():
        raise ValueError("the file cannot be read out of order; pass io.BytesIO(file.read())")
    yield source


@contextlib.contextmanager
def writing(file: File) -> Iterator[BinaryIO]:
    """Open a path, or take an open file, to write bytes.

    What stands at the path stays until all is written and safe on the disk, and then is replaced in
    one step, which keeps its permissions. After an error it is as it was.

    >>> import pathlib
    >>> path = pathlib.Path("example.bin")
    >>> with writing(path) as file:
    ...     _ = file.write(b"all")
    ...     path.exists()
    False
    >>> path.read_bytes()
    b'all'
    """
    if hasattr(file, "write"):
        yield cast(BinaryIO, file)
        return
    path = _path_of(file).resolve()  # a link stays one, and what it leads to is replaced
    mode = _mode_to_keep(path)
    temporary = path.with_name(f".briskmlp-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _mode_to_keep(path: Path) -> int | None:
    """The permissions of the file that is to be replaced, or None if there is none."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise FileNotFoundError(f"{path.parent} is not a folder") from None
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{path} is a folder")
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path} is not a plain file; open it and pass the open file")
    return stat.S_IMODE(mode)


def _sync_folder(folder: Path) -> None:
    """Make the new name as safe as the bytes, where the system can do that."""
    if os.name != "posix":
        return  # pragma: no cover - Windows
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
