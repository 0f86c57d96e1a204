"""Docstrings of the ufuncs in `_functions`: NumPy's form around a line of facts for each function.

NumPy puts the signature before them. Accuracies are those that the tests check.
"""

from __future__ import annotations

from typing import NamedTuple


class Function(NamedTuple):
    """The facts about an elementwise function of x."""

    summary: str
    formula: str
    ulp: tuple[float, float]  # bounds of the error in float32 and float64, with FMA
    example: tuple[str, str]  # arguments and result
    derivative: str
    backward_from: str  # the operand that the derivative is computed from: x or y
    parameter: tuple[str, float, str] | None = None  # name, default, what it is


FUNCTIONS = {
    "exp": Function(
        "Exponential function",
        "e^x",
        (1.0, 0.75),
        ("[0.0, 1.0]", "[1.        , 2.71828183]"),
        "y",
        "y",
    ),
    "expm1": Function(
        "Exponential function less 1, precise about 0",
        "e^x - 1",
        (1.1, 0.6),
        ("[0.0, 1e-10]", "[0.e+00, 1.e-10]"),
        "y + 1",
        "y",
    ),
    "log": Function(
        "Natural logarithm",
        "log(x)",
        (0.9, 0.7),
        ("[1.0, 10.0]", "[0.        , 2.30258509]"),
        "1 / x",
        "x",
    ),
    "log1p": Function(
        "Natural logarithm of 1 + x, precise about 0",
        "log(1 + x)",
        (0.9, 0.75),
        ("[0.0, 1e-10]", "[0.e+00, 1.e-10]"),
        "1 / (1 + x)",
        "x",
    ),
    "erf": Function(
        "Error function",
        "2 / √π ∫ e^(-t²) dt from 0 to x",
        (2.0, 2.0),
        ("[0.0, 1.0]", "[0.        , 0.84270079]"),
        "2 / √π e^(-x²)",
        "x",
    ),
    "tanh": Function(
        "Hyperbolic tangent",
        "(e^x - e^-x) / (e^x + e^-x)",
        (1.1, 1.1),
        ("[0.0, 1.0]", "[0.        , 0.76159416]"),
        "1 - y²",
        "y",
    ),
    "sigmoid": Function(
        "Logistic function",
        "1 / (1 + e^-x)",
        (2.0, 2.0),
        ("[0.0, 2.0]", "[0.5       , 0.88079708]"),
        "y (1 - y)",
        "y",
    ),
    "logsigmoid": Function(
        "Logarithm of the logistic function",
        "-log(1 + e^-x)",
        (2.0, 2.0),
        ("[0.0, -1000.0]", "[-6.93147181e-01, -1.00000000e+03]"),
        "1 - e^y",
        "y",
    ),
    "softplus": Function(
        "Smooth rectifier",
        "log(1 + e^x)",
        (2.0, 2.0),
        ("[0.0, 1000.0]", "[6.93147181e-01, 1.00000000e+03]"),
        "1 - e^-y",
        "y",
    ),
    "relu": Function(
        "Rectified linear unit",
        "max(x, 0)",
        (0.0, 0.0),
        ("[-1.0, 2.0]", "[0., 2.]"),
        "1 where x > 0, else 0; y serves as well",
        "x",
    ),
    "leaky_relu": Function(
        "Rectified linear unit that leaks",
        "x where x > 0, else slope x",
        (0.5, 0.5),
        ("[-1.0, 2.0]", "[-0.01,  2.  ]"),
        "1 where x > 0, else slope; for slope > 0 y serves as well",
        "x",
        ("slope", 0.01, "Slope below 0."),
    ),
    "elu": Function(
        "Exponential linear unit",
        "x where x > 0, else alpha (e^x - 1)",
        (2.0, 2.0),
        ("[-1.0, 2.0]", "[-0.63212056,  2.        ]"),
        "1 where y > 0, else y + alpha",
        "y",
        ("alpha", 1.0, "What it tends to far below 0, negated."),
    ),
    "selu": Function(
        "Scaled exponential linear unit (Klambauer et al. 2017)",
        "1.0507 x where x > 0, else 1.7581 (e^x - 1)",
        (2.0, 2.0),
        ("[-1.0, 2.0]", "[-1.11133074,  2.10140197]"),
        "1.0507 where y > 0, else y + 1.7581",
        "y",
    ),
    "gelu": Function(
        "Gaussian error linear unit (Hendrycks and Gimpel 2016)",
        "x Φ(x), Φ the normal distribution function",
        (2.0, 2.0),
        ("[-1.0, 2.0]", "[-0.15865525,  1.95449974]"),
        "Φ(x) + x φ(x)",
        "x",
    ),
    "gelu_tanh": Function(
        "Approximation of the Gaussian error linear unit (Hendrycks and Gimpel 2016)",
        "x / 2 (1 + tanh(√(2 / π) (x + 0.044715 x³)))",
        (2.0, 2.0),
        ("[-1.0, 2.0]", "[-0.15880801,  1.95459769]"),
        "that of the formula",
        "x",
    ),
    "silu": Function(
        "Sigmoid linear unit, also called swish",
        "x / (1 + e^-x)",
        (2.0, 2.0),
        ("[-1.0, 2.0]", "[-0.26894142,  1.76159416]"),
        "s + x s (1 - s), s = 1 / (1 + e^-x)",
        "x",
    ),
    "mish": Function(
        "Self-regularized activation (Misra 2019)",
        "x tanh(log(1 + e^x))",
        (2.0, 2.0),
        ("[-1.0, 2.0]", "[-0.30340146,  1.94395896]"),
        "t + x (1 - t²) / (1 + e^-x), t = tanh(log(1 + e^x))",
        "x",
    ),
}

_COMMON = """\
out, where, casting, order, dtype, subok
    As for every ufunc; see `numpy.ufunc`.
"""

_TYPES = """\
float16 is computed in float32 and rounded. Integers become what NumPy's own `exp` makes of them.
There is no loop for longdouble, which no kernel could do justice: convert, or pass ``dtype=float``.
"""


def _section(title: str, body: str) -> str:
    return f"\n{title}\n{'-' * len(title)}\n{body}"


def _parameter(function: Function) -> str:
    if function.parameter is None:
        return ""
    name, default, what = function.parameter
    return f"{name} : array_like, default {default}\n    {what}\n"


def _forward(name: str, f: Function) -> str:
    single, double = f.ulp
    accuracy = (
        f"Within {single} units in the last place in float32 and {double} in float64, denormal "
        "results\nincluded; on processors without fused multiply-add, 0.3 more.\n"
        if single
        else "Exact.\n"
    )
    return (
        f"{f.summary}, elementwise.\n\n{f.formula}\n"
        + _section("Parameters", f"x : array_like\n    Input.\n{_parameter(f)}{_COMMON}")
        + _section("Returns", "y : ndarray or scalar\n    The value for each x.\n")
        + _section("See Also", f"{name}_backward : The gradient by x.\n")
        + _section("Notes", accuracy + "\n" + _TYPES)
        + _section(
            "Examples",
            f">>> import briskmlp as bm\n>>> bm.{name}({f.example[0]})\narray({f.example[1]})\n",
        )
    )


def _backward(name: str, f: Function) -> str:
    source = f.backward_from
    meaning = f"Input of `{name}`." if source == "x" else f"Output of `{name}`, not its input."
    argument = "x" if source == "x" else f"bm.{name}(x)"
    return (
        f"Gradient by x of a value whose gradient by y = {name}(x) is dy: dy f'(x).\n"
        + _section(
            "Parameters",
            f"dy : array_like\n    Gradient by y.\n{source} : array_like\n    {meaning}\n"
            f"{_parameter(f)}{_COMMON}",
        )
        + _section("Returns", "dx : ndarray or scalar\n    Gradient by x.\n")
        + _section("See Also", f"{name} : The function.\n")
        + _section("Notes", f"f'(x) is {f.derivative}. Underflow is not reported.\n\n" + _TYPES)
        + _section(
            "Examples",
            f">>> import briskmlp as bm\n>>> x = 0.5\n"
            f">>> slope = (bm.{name}(x + 1e-6) - bm.{name}(x - 1e-6)) / 2e-6\n"
            f">>> bool(abs(bm.{name}_backward(1.0, {argument}) - slope) < 1e-8)\nTrue\n",
        )
    )


def _along_axis(summary: str, formula: str, returns: str, example: str) -> str:
    return (
        f"{summary}.\n\n{formula}\n"
        + _section(
            "Parameters",
            "z : array_like, shape (..., N)\n    Input.\n"
            "axis : int, default -1\n    The axis of the N elements.\n"
            "out, axes, casting, order, dtype, subok\n"
            "    As for every generalized ufunc; see `numpy.ufunc`.\n",
        )
        + _section("Returns", returns)
        + _section(
            "Notes",
            "The largest element is subtracted first, so that nothing overflows.\n\n" + _TYPES,
        )
        + _section("Examples", f">>> import briskmlp as bm\n{example}")
    )


DOCS = {
    **{name: _forward(name, function) for name, function in FUNCTIONS.items()},
    **{f"{name}_backward": _backward(name, function) for name, function in FUNCTIONS.items()},
    "softmax": _along_axis(
        "Softmax along an axis",
        "e^z / Σ e^z",
        "p : ndarray, shape (..., N)\n    Positive numbers that add up to 1.\n",
        ">>> bm.softmax([0.0, 1000.0, 1000.0])\narray([0. , 0.5, 0.5])\n",
    ),
    "log_softmax": _along_axis(
        "Logarithm of softmax along an axis",
        "z - log Σ e^z",
        "y : ndarray, shape (..., N)\n    Logarithms, finite where softmax is 0.\n",
        ">>> bm.log_softmax([0.0, 1000.0])\narray([-1000.,     0.])\n",
    ),
    "logsumexp": _along_axis(
        "Logarithm of a sum of exponentials along an axis",
        "log Σ e^z",
        "y : ndarray or scalar, shape (...)\n    One number in place of each N; ``keepdims=True`` "
        "keeps their axis.\n",
        ">>> round(float(bm.logsumexp([1000.0, 1000.0])), 4)\n1000.6931\n",
    ),
}
