"""What the process runs on: threads, instruction set, build."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, overload

from . import _briskmlp_core as core
from ._names import unknown_name
from ._validate import positive_int


def meet_threadpoolctl() -> None:
    """Let threadpoolctl control the threads, if it is loaded; it is never loaded from here.

    It asks nobody who is loaded later, so this is called where a use of threads begins.
    """
    if "threadpoolctl" in sys.modules:
        from ._threadpoolctl import register

        register()


def get_num_threads() -> int:
    """How many threads a computation may use.

    Unless `set_num_threads` has set it, that is the number of processors this process may use, by
    its affinity and its control group, and at most what the environment variables
    ``OMP_NUM_THREADS`` and ``BRISKMLP_NUM_THREADS`` say. Small work runs on fewer. Results do not
    depend on it, not in a single bit.

    Both are read once. Where threadpoolctl is loaded before this package, or before a network is
    made, its limits hold here too.

    >>> get_num_threads() >= 1
    True
    """
    meet_threadpoolctl()
    return core.num_threads()


def set_num_threads(n: int) -> None:
    """Let computations use at most `n` threads, in the whole process.

    A library built without threads ignores it and goes on with one.

    Parameters
    ----------
    n
        At least 1. More than there are processors only costs time.

    Raises
    ------
    TypeError, ValueError
        If `n` is not a whole number, or below 1.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    meet_threadpoolctl()
    core.set_num_threads(positive_int(n, "n"))


@contextmanager
def threads(n: int) -> Iterator[None]:
    """At most `n` threads inside a ``with`` block; afterwards as many as before.

    The number belongs to the process: other Python threads see it too.

    Examples
    --------
    >>> with threads(1):
    ...     get_num_threads()
    1
    """
    before = get_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


@overload
def show_config(mode: Literal["print"] = ...) -> None: ...
@overload
def show_config(mode: Literal["dict"]) -> dict[str, Any]: ...


def show_config(mode: str = "print") -> dict[str, Any] | None:
    """What the library was built with and what it runs on, for a report of a bug or a timing.

    Parameters
    ----------
    mode
        "print" (the default) writes it to standard output, "dict" returns it.

    Returns
    -------
    dict or None
        With "dict": version, compiler, cpu, isa (the instruction set in use), supported_isas, the
        sizes of the caches in bytes (0: unknown), threading (the back end), available_processors
        and num_threads.

    Examples
    --------
    >>> show_config("dict")["threading"] in ("threads", "openmp", "serial")
    True
    """
    if mode not in ("print", "dict"):
        raise ValueError(unknown_name("mode", mode, ["print", "dict"]))
    config: dict[str, Any] = core.config()
    if mode == "dict":
        return config
    for name, value in config.items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{name:<21} {text}")  # noqa: T201
    return None
