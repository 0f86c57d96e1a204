"""The images that `classify` learns: Fashion-MNIST where it is installed, else the digits here."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")  # of Debian's dataset-fashion-mnist
FASHION_CLASSES = (
    "T-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "boot",
)
DIGITS_FOR_TEST = 400


Part = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True)
class Images:
    """Images (M, height, width) from 0 to 1 in float32, and labels (M,), for training and test."""

    name: str
    classes: tuple[str, ...]
    train: Part
    test: Part


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped array of bytes in the IDX format of MNIST.

    The header is two zeros, 8 for bytes, the number of dimensions, and each of them as a
    big-endian 32-bit integer.
    """
    content = gzip.decompress(path.read_bytes())
    ndim = content[3] if content[:3] == b"\0\0\x08" else 0
    header = 4 + 4 * ndim
    shape = np.frombuffer(content, ">u4", ndim, offset=4) if ndim else np.array([])
    if not ndim or len(content) != header + shape.prod(dtype=np.int64):
        raise ValueError(f"{path} is not an IDX file of bytes")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def load_fashion(folder: Path) -> Images:
    """Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), all 60,000 and 10,000 images."""

    def part(prefix: str) -> Part:
        images = read_idx(folder / f"{prefix}-images-idx3-ubyte.gz")
        labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte.gz")
        return images / np.float32(255), labels.astype(np.intp)

    return Images("Fashion-MNIST", FASHION_CLASSES, part("train"), part("t10k"))


def load_digits(seed: int) -> Images:
    """Handwritten digits (Alpaydin and Kaynak 1998), split at random; data/digits.LICENSE.txt."""
    path: Any = resources.files("briskmlp") / "data" / "digits.npz"
    with path.open("rb") as file, np.load(file) as arrays:
        images, labels = arrays["images"] / np.float32(16), arrays["labels"].astype(np.intp)
    order = np.random.default_rng(seed).permutation(len(labels))
    test, train = order[:DIGITS_FOR_TEST], order[DIGITS_FOR_TEST:]
    classes = tuple("0123456789")
    return Images("digits", classes, (images[train], labels[train]), (images[test], labels[test]))


def load(folder: Path | None, seed: int) -> Images:
    """Fashion-MNIST from `folder`, or from where Debian puts it, or else the digits."""
    if folder is not None or FASHION_FOLDER.is_dir():
        return load_fashion(folder or FASHION_FOLDER)
    return load_digits(seed)
