"""Demonstrations that teach as they run: `python -m briskmlp demo NAME`.

Each is a module with `run(options)`. It uses nothing but what `import briskmlp` offers.
"""

from __future__ import annotations

from importlib import import_module

from ._common import Options as Options

DEMOS = {
    "linear": "gradient descent finds what least squares computes",
    "depth": "layers need something nonlinear between them",
    "approximate": "one hidden layer approximates any continuous function",
    "classify": "real images, and the same training in NumPy beside it",
    "age": "a prediction that says how sure it is",
}
DEFAULT = "classify"


def run(name: str, options: Options) -> None:
    """Run the demo called `name`, a key of `DEMOS`."""
    import_module(f".{name}", __name__).run(options)
