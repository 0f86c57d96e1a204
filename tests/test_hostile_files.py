"""Files that are not the saved networks that they claim to be, by accident or by intent."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import struct
import zipfile

import briskmlp as bm
import numpy as np
import pytest


def loaded(data: bytes) -> bm.MLP:
    return bm.load(io.BytesIO(data))


@pytest.fixture
def parts() -> dict[str, bytes]:
    """The members of a file that loads."""
    net = bm.MLP([3, 2], seed=0)
    net.fit(np.eye(3), np.eye(3)[:, :2], epochs=2)
    file = io.BytesIO()
    net.save(file)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def npy(array: np.ndarray, **options) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def changed(parts: dict[str, bytes], **changes: object) -> bytes:
    state = json.loads(parts["network.json"])
    return packed(parts | {"network.json": json.dumps(state | changes).encode()})


def test_repacked_members_load(parts) -> None:
    assert loaded(packed(parts)).sizes == (3, 2)
    assert loaded(packed(parts | {"parameters.npy": npy(np.ones(8, "f4"))})).parameters.all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format_version": 3},
            "saved by briskmlp .* in format 3; briskmlp .* reads formats up to 2",
        ),
        ({"format_version": "1"}, "in format '1'"),
        ({"sizes": [3, 3]}, r"described by .*\(8,\).* expected .*\(12,\)"),
        ({"sizes": [10**6, 10**6]}, r"expected .*\(1000001000000,\)"),
        ({"sizes": [2**62, 2**62]}, "expected"),
        ({"sizes": [3, True]}, r"sizes\[1\] must be a whole number"),
        ({"sizes": {}}, "sizes must be a list"),
        ({"activations": ["swish"]}, "unknown activation 'swish'"),
        ({"activations": 3}, "activation must be"),
        ({"loss": None}, "loss must be a name"),
        ({"loss": "hubert"}, "unknown loss 'hubert'; did you mean 'huber'"),
        ({"loss": {"name": "mse"}}, "not a loss: {'name': 'mse'}"),
        ({"loss": {"name": ["huber"], "delta": 1}}, "not a loss"),
        ({"loss": {"name": "huber"}}, "not a loss"),
        ({"loss": {"name": "huber", "delta": 1, "gamma": 1}}, "not a loss"),
        ({"loss": {"name": "huber", "delta": "1"}}, "Huber: delta must be a real number"),
        ({"loss": {"name": "huber", "delta": 10**400}}, "too large"),
        ({"loss": {"name": "tweedie", "power": 2}}, "Tweedie: power must lie between 1 and 2"),
        ({"loss": {"name": "quantile", "levels": [0.5, 0.1]}}, "Quantile: levels must ascend"),
        ({"loss": {"name": "quantile", "levels": {"0.5": 1}}}, "Quantile: levels must be a list"),
        ({"loss": {"name": "x" * 1000}}, r"not a loss: {'name': 'x{190}$"),
        ({"init": "ones"}, "unknown init"),
        ({"dtype": "float64"}, "'<f4'.* expected .*'<f8'"),
        ({"dtype": "O"}, "dtype is 'O'"),
        ({"dtype": ["float32"]}, "dtype is"),
        ({"seed": 2**64}, "seed must be at most"),
        ({"epochs_trained": -1}, "epochs_trained must be at least 0"),
        ({"history": 3}, "history must be"),
        ({"history": {"metric_name": "m", "columns": ["a", "a"], "epochs": 2}}, "one name"),
        ({"history": {"metric_name": "m", "columns": ["a", 1], "epochs": 2}}, "strings"),
        ({"history": {"metric_name": "m", "columns": [], "epochs": 2}}, "2 epochs and 0 columns"),
        ({"history": {"metric_name": "m", "columns": ["a", "b"], "epochs": 3}}, "history.npy"),
        ({"history": None}, "it has the members .*; expected network.json, parameters.npy"),
        ({"optimizer": {}}, "optimizer must be null in format 1"),
        ({"optimizer": {}, "format_version": 2}, "optimizer must be arrays, kind"),
        ({"surprise": 1}, "too few entries or too many: surprise"),
    ],
)
def test_json_that_does_not_fit(parts, changes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        loaded(changed(parts, **changes))
    assert str(caught.value).startswith("cannot load the file: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "Expecting value"),
        (b"[" * 200_000, "recursion"),
        (b'{"a": 1, "a": 2}', "two entries of one name"),
        (b'{"a": NaN}', "the number NaN"),
        (b'{"a": 1e999}', "not the state"),
        (b"[1]", "not an object"),
        (b"\xff\xfe", "ascii"),
        (b" " * 2**21, "network.json has 2,097,152 bytes"),
        (b'{"format_version": ' + b"9" * 5000 + b"}", "digits|format"),
    ],
)
def test_json_that_is_none(parts, text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loaded(packed(parts | {"network.json": text}))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (npy(np.ones((2, 4), "f4")), "described by"),
        (npy(np.ones((4, 2), "f4", order="F")), "described by"),
        (npy(np.ones(8, "f8")), "described by"),
        (npy(np.ones(8, ">f4")), "described by"),
        (npy(np.array([{}] * 8, object), allow_pickle=True), "described by"),
        (pickle.dumps(np.ones(8, "f4")), "not an array in NumPy's format 1.0"),
        (b"", "not an array"),
        (b"\x93NUMPY\x02\x00" + b" " * 100, "not an array"),
        (npy(np.ones(8, "f4"))[:-1], "bytes, which do not fit"),
        (npy(np.ones(8, "f4")) + b"x", "bytes, which do not fit"),
        (npy(np.array([1, 1, 1, np.nan, 1, 1, 1, 1], "f4")), "parameters has nan in row 3"),
    ],
)
def test_parameters_that_do_not_fit(parts, array: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loaded(packed(parts | {"parameters.npy": array}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_do_not_belong(parts) -> None:
    with pytest.raises(ValueError, match=r"it has no member network\.json"):
        loaded(packed({"parameters.npy": parts["parameters.npy"]}))
    with pytest.raises(ValueError, match=r"expected history.npy, network.json, parameters.npy"):
        loaded(packed(parts | {"../evil": b""}))
    for name in parts:
        file = io.BytesIO(packed(parts))
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(name, parts[name])
        with pytest.raises(ValueError, match="it has the members"):
            loaded(file.getvalue())


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_bombs_are_not_unpacked(parts, method: int) -> None:
    bomb = packed(parts | {"network.json": b" " * 10**8}, method)
    with pytest.raises(ValueError, match=r"network\.json is compressed"):
        loaded(bomb)


def test_a_long_directory_is_not_read(parts) -> None:
    bomb = packed(parts | {f"{i:0200}": b"" for i in range(5000)})
    with pytest.raises(ValueError, match=r"a part of [0-9,]+ bytes where none is so long"):
        loaded(bomb)


def test_sizes_beyond_the_end_take_no_memory(parts) -> None:
    """The archive and the header say that there are 4 GB, and agree."""
    count = 2**30 - 64
    sizes = [count - 1, 1]
    head = npy(np.ones(8, "f4"))[:-32].replace(b"(8,), }         ", b"(%d,), }" % count)
    assert len(head) == 128
    state = json.loads(parts["network.json"]) | {"sizes": sizes, "history": None}
    data = packed({"network.json": json.dumps(state).encode(), "parameters.npy": head})
    claim = struct.pack("<L", 128 + 4 * count)
    start = data.rindex(b"PK\x01\x02")  # the directory's entry of the last member
    data = data[: start + 20] + claim + claim + data[start + 28 :]
    with pytest.raises(ValueError, match=r"parameters.npy has 4,294,967,168 bytes, the file"):
        loaded(data)


def test_an_archive_that_gives_less_than_it_says_is_an_error(parts, monkeypatch) -> None:
    """Not an endless wait for the rest; zipfile notices itself, in the versions that there are."""
    read = zipfile.ZipExtFile.read

    def short(member: zipfile.ZipExtFile, size: int = -1) -> bytes:
        return b"" if member.name == "parameters.npy" and size > 128 else read(member, size)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", short)
    with pytest.raises(ValueError, match=r"parameters\.npy ends too early"):
        loaded(packed(parts))


def test_every_truncation_is_an_error(parts) -> None:
    data = packed(parts)
    for length in range(len(data)):
        with pytest.raises(ValueError, match="cannot load the file: "):
            loaded(data[:length])


def test_damage_is_noticed_or_harmless(parts) -> None:
    """A changed byte anywhere gives a ValueError, or the same network (dates, permissions)."""
    data = packed(parts)
    whole = loaded(data)
    rng = np.random.default_rng(0)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= int(rng.integers(1, 256))
        with contextlib.suppress(ValueError):
            net = loaded(bytes(damaged))
            assert np.array_equal(net.parameters, whole.parameters)
            assert net.history.to_dict() == whole.history.to_dict()
            assert (repr(net), net.seed, net.init) == (repr(whole), whole.seed, whole.init)


def test_noise_is_an_error() -> None:
    rng = np.random.default_rng(0)
    for length in (0, 1, 22, 100, 10_000):
        with pytest.raises(ValueError, match="cannot load the file: "):
            loaded(rng.bytes(length))


def test_files_that_were_cut_short_are_called_so(parts) -> None:
    data = packed(parts)
    for length in (1, 10, 21, 22, 200, len(data) - 30, len(data) - 1):
        with pytest.raises(ValueError, match=f"has no end: it was cut short, after {length:,} b"):
            loaded(data[:length])
    for other in (b"", b"hello", b"hello" * 100, data[1:]):
        with pytest.raises(ValueError, match="it is no zip archive"):
            loaded(other)
