"""The libraries to compare with: one file each, whose class `Rival` is a `Contestant`.

A new rival is a new file here and its name in `RIVALS`.
"""

from __future__ import annotations

from importlib import import_module

from ..contestant import Contestant

RIVALS = (
    "numpy_reference",
    "numpy_by_hand",
    "scikit_learn",
    "torch_eager",
    "torch_compile",
    "jax",
    "onnxruntime",
)


def load(name: str) -> type[Contestant]:
    """The class of a rival by its file's name; its library is not imported."""
    rival: type[Contestant] = import_module(f"{__name__}.{name}").Rival
    return rival
