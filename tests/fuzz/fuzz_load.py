"""Fuzzing of files: whatever the bytes, a file loads or is refused with the documented ValueError.

    python tests/fuzz/fuzz_load.py --seconds 600            # random damage, the same for a seed
    python tests/fuzz/fuzz_load.py --guided CORPUS [-max_total_time=600 ...]    # needs atheris

Damage is done to members of valid files, which are packed anew with the right checksums, and to the
packed bytes. With `--guided`, atheris chooses it and follows the lines of the package it reaches.
tests/test_fuzz.py runs the first few thousand cases of the first form, and what was found once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType

import briskmlp as bm
import numpy as np
from briskmlp import _npz, _saving, _state

Choose = Callable[[int], int]  # n -> a number below n
Parts = dict[str, bytes]

# What a reader of JSON, of shapes and of sizes may trip over.
WORDS = [
    *(b"null", b"true", b"-1", b"0", b"1.5", b"1e999", b"NaN", b"9" * 30, b"9223372036854775807"),
    *(b"4611686018427387904", b"4294967296", b"[]", b"{}", b'""', b"]", b'"', b",", b"[" * 3000),
    *(b"(", b"(2,)", b"<f8", b"<f4", b"|O", b">f4", b"True", b"\x93NUMPY\x02\x00"),
    *(b"\\ud800", b"\xff"),
]


def valid_files() -> list[Parts]:
    """Members of files of every kind: plain, trained, with settings, norms and a checkpoint."""
    plain = bm.MLP([3, 2], seed=0)
    trained = bm.MLP([2, 4, 3, 1], ["tanh", "relu"], loss=bm.Huber(0.5), dtype="float64", seed=1)
    X = np.linspace(-1, 1, 12).reshape(6, 2)
    trained.fit(X, X[:, :1], epochs=2, eval_set=(X, X[:, :1]))
    deep = bm.MLP([2, 4, 4, 2], norm="layer", residual=True, loss="cross_entropy", seed=2)
    files: list[bytes] = []
    for net in (plain, trained, deep):
        opened = io.BytesIO()
        net.save(opened)
        files.append(opened.getvalue())
    with TemporaryDirectory() as folder:
        callbacks = [bm.Checkpoint(folder), bm.EarlyStopping(patience=3)]
        deep.fit(X, [0, 1] * 3, epochs=3, eval_set=(X, [0, 1] * 3), callbacks=callbacks)
        files += [path.read_bytes() for path in sorted(Path(folder).glob("*.npz"))[-1:]]
    return [unpacked(data) for data in files]


def unpacked(data: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Parts, compression: int = zipfile.ZIP_STORED) -> bytes:
    opened = io.BytesIO()
    with zipfile.ZipFile(opened, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return opened.getvalue()


def damaged(data: bytes, choose: Choose) -> bytes:
    """Bytes with one thing changed: a byte, a bit, a stretch cut, doubled or replaced by a word."""
    at = choose(len(data) + 1)
    length = min(choose(9) * choose(9), len(data) - at)
    match choose(6):
        case 0:
            return data[:at] + bytes([choose(256)]) + data[at + 1 :]
        case 1 if at < len(data):
            return data[:at] + bytes([data[at] ^ 1 << choose(8)]) + data[at + 1 :]
        case 2:
            return data[:at] + data[at + length :]
        case 3:
            return data[:at] + 2 * data[at : at + length] + data[at + length :]
        case 4:
            return data[:at]
    return data[:at] + WORDS[choose(len(WORDS))] + data[at + length :]


def case(files: list[Parts], choose: Choose) -> bytes:
    """A damaged file."""
    parts = dict(files[choose(len(files))])
    for _ in range(choose(4)):
        name = [*parts][choose(len(parts))]
        match choose(8):
            case 0:
                other = files[choose(len(files))]
                parts[[*other][choose(len(other))]] = parts[name]
            case 1 if len(parts) > 1:
                del parts[name]
            case _:
                parts[name] = damaged(parts[name], choose)
    data = packed(parts, [zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED][choose(3)])
    for _ in range(choose(3)):
        data = damaged(data, choose)
    return data


def check(data: bytes) -> bool:
    """Whether a file loads. Raises what is not documented, and for a network that is not whole."""
    loads = False
    with contextlib.suppress(ValueError):
        net = bm.load(io.BytesIO(data))
        loads = True
        assert net.num_parameters == net.parameters.size
        assert net.num_parameters * net.parameters.itemsize <= len(data)
        assert np.isfinite(net.parameters).all()
    if loads:
        net.predict(np.zeros((2, net.sizes[0])))
    with contextlib.suppress(ValueError):
        _saving.read(io.BytesIO(data), training=True)
    return loads


def run_random(seconds: float, seed: int, findings: Path) -> int:
    """Check cases until the time is up; keep those that fail."""
    files, end, number, loaded, failed = valid_files(), time.monotonic() + seconds, 0, 0, 0
    while time.monotonic() < end:
        data = case(files, random.Random(f"{seed} {number}").randrange)
        try:
            loaded += check(data)
        except Exception:
            failed += 1
            traceback.print_exc()
            findings.mkdir(parents=True, exist_ok=True)
            (findings / f"{seed}-{number}.npz").write_bytes(data)
        number += 1
    print(f"{number:,} files, {loaded:,} of them loaded, {failed} failed")
    return failed


def run_guided(arguments: list[str]) -> None:
    """Let atheris, which is libFuzzer, choose the damage."""
    import atheris

    files = valid_files()
    for module in (_npz, _saving, _state):
        for function in vars(module).values():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                atheris.instrument_func(function)
    for method in vars(_npz.Archive).values():
        if isinstance(method, FunctionType):
            atheris.instrument_func(method)

    def one_input(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        check(case(files, lambda n: provider.ConsumeIntInRange(0, n - 1)))

    atheris.Setup([sys.argv[0], *arguments], one_input)
    atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long (60)")
    parser.add_argument("--seed", type=int, default=0, help="of the damage (0)")
    parser.add_argument(
        "--findings", type=Path, default=Path("build/fuzz"), help="folder of what fails"
    )
    parser.add_argument("--guided", action="store_true", help="with atheris; passes arguments on")
    options, others = parser.parse_known_args()
    if options.guided:
        run_guided(others)
    return run_random(options.seconds, options.seed, options.findings) > 0


if __name__ == "__main__":
    sys.exit(main())
