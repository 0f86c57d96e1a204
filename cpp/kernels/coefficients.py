"""Minimax polynomials for elementary.inl.h and activation.inl.h.

``python coefficients.py > coefficients.inl.h`` makes that file anew; it needs mpmath. Every
polynomial is the best one in the maximum norm of a weighted error (the relative error of the
function that is computed with it), found with the exchange algorithm of Remez in 300-bit
arithmetic, then rounded to the element type such that the rounding costs little.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp  # type: ignore[import-untyped]

mp.mp.prec = 300
TINY = mp.mpf("1e-20")  # nearer to 0 a quotient is its limit, for lack of digits

Function = Callable[[mp.mpf], mp.mpf]
PerType = dict[str, float]


@dataclass(frozen=True)
class Approximation:
    """What to approximate for each element type, where, and with how many coefficients.

    The polynomial's variable is x - center. About a center in the middle of the range the terms are
    small against the sum, so that rounding errors hardly add up.
    """

    name: str
    comment: str
    function: dict[str, Function]
    weight: dict[str, Function]
    low: PerType
    high: PerType
    count: dict[str, int]
    center: float = 0.0
    with_low: bool = False  # whether the first coefficient has a second part

    def coefficients(self, dtype: str) -> tuple[list[float], float]:
        """The coefficients in ascending order, rounded to the element type; the second part."""

        def f(z: mp.mpf) -> mp.mpf:
            return self.function[dtype](z + self.center)

        def weight(z: mp.mpf) -> mp.mpf:
            return self.weight[dtype](z + self.center)

        low, high = mp.mpf(self.low[dtype]) - self.center, mp.mpf(self.high[dtype]) - self.center
        exact = remez(f, weight, low, high, self.count[dtype])
        rest = nearest(exact[0] - nearest(exact[0], dtype), dtype) if self.with_low else 0.0
        grid = [(z, f(z) - rest, weight(z)) for z in chebyshev(low, high, 200)]
        return round_together(exact, grid, dtype), rest


def both(value: float) -> PerType:
    """The same bound for both element types."""
    return {"float": value, "double": value}


def same(function: Function) -> dict[str, Function]:
    """The same function for both element types."""
    return {"float": function, "double": function}


def at_least(least: str, weight: Function) -> Function:
    """A weight that does not vanish near 0, as the algorithm requires."""
    return lambda x: max(weight(x) if abs(x) > TINY else mp.mpf(0), mp.mpf(least))


def reciprocal(function: Function) -> Function:
    """The weight that turns the error of a function into its relative error."""
    return lambda x: 1 / function(x)


def chebyshev(low: mp.mpf, high: mp.mpf, count: int) -> list[mp.mpf]:
    """The extrema of the Chebyshev polynomial of degree count."""
    middle, radius = (low + high) / 2, (high - low) / 2
    return [middle - radius * mp.cos(mp.pi * i / count) for i in range(count + 1)]


def remez(f: Function, weight: Function, low: mp.mpf, high: mp.mpf, n: int) -> list[mp.mpf]:
    """The n coefficients, ascending, of the polynomial p that minimises max |weight (p - f)|."""
    grid = [(x, f(x), weight(x)) for x in chebyshev(low, high, 32 * n)]
    points = chebyshev(low, high, n)
    for _ in range(60):
        # p(x) - f(x) = (-1)^i e / weight(x) at the n + 1 points: n coefficients and e.
        rows = [
            [x**k for k in range(n)] + [(-1) ** (i + 1) / weight(x)] for i, x in enumerate(points)
        ]
        solution = list(mp.lu_solve(mp.matrix(rows), mp.matrix([f(x) for x in points])))
        polynomial, level = solution[:n], abs(solution[n])
        deviations = [(x, w * (mp.polyval(polynomial[::-1], x) - fx)) for x, fx, w in grid]
        if max(abs(d) for _, d in deviations) < level * mp.mpf("1.01"):
            return polynomial
        points = exchange(deviations, n + 1) or points
    raise ArithmeticError("the exchange algorithm did not converge")


def exchange(deviations: list[tuple[mp.mpf, mp.mpf]], count: int) -> list[mp.mpf]:
    """The extremum of each run of one sign; of too many, the consecutive ones that matter most."""
    extrema: list[tuple[mp.mpf, mp.mpf]] = []
    for x, d in deviations:
        if extrema and (d > 0) == (extrema[-1][1] > 0):
            if abs(d) > abs(extrema[-1][1]):
                extrema[-1] = (x, d)
        else:
            extrema.append((x, d))
    while len(extrema) > count:
        extrema.pop(0 if abs(extrema[0][1]) < abs(extrema[-1][1]) else -1)
    return [x for x, _ in extrema] if len(extrema) == count else []


def nearest(value: mp.mpf, dtype: str) -> float:
    """The nearest number of the element type."""
    return struct.unpack("f", struct.pack("f", value))[0] if dtype == "float" else float(value)


def round_together(
    exact: list[mp.mpf], grid: list[tuple[mp.mpf, mp.mpf, mp.mpf]], dtype: str
) -> list[float]:
    """Rounded coefficients whose errors cancel: each neighbour is tried, from the first term on."""
    rounded = [nearest(c, dtype) for c in exact]
    deviations = [w * (mp.polyval(rounded[::-1], x) - fx) for x, fx, w in grid]
    for _ in range(3):
        for k in range(len(rounded)):
            _, exponent = mp.frexp(mp.mpf(rounded[k]))
            unit = mp.ldexp(1, exponent - (24 if dtype == "float" else 53))
            powers = [w * x**k * unit for x, _, w in grid]
            moved = {
                step: [d + step * p for d, p in zip(deviations, powers, strict=True)]
                for step in (0, -1, 1)
            }
            best = min(moved, key=lambda step: max(abs(d) for d in moved[step]))
            rounded[k] += best * float(unit)
            deviations = moved[best]
    return rounded


def literal(value: float, dtype: str) -> str:
    """A number of the element type in C++."""
    return value.hex().replace("0000000p", "p") + ("f" if dtype == "float" else "")


# gelu's tail is approximated in y = t / (t + BEND), which maps [0, inf) to [0, 1).
BEND = {"float": 2, "double": 3}
TAIL = {"float": 14.5, "double": 38.75}  # beyond it t Phi(-t) is below every positive number


def gelu_tail(bend: int) -> Function:
    """t Phi(-t) e^(t^2 / 2) / y as a function of y."""

    def function(y: mp.mpf) -> mp.mpf:
        t = bend * y / (1 - y)
        return (t + bend) * mp.exp(t * t / 2) * mp.erfc(t / mp.sqrt(2)) / 2

    return function


def erf_exponent(t: mp.mpf) -> mp.mpf:
    """-log(1 - erf(t)) / t."""
    return -mp.log(mp.erfc(t)) / t if t else 2 / mp.sqrt(mp.pi)


def log_ratio(s: mp.mpf) -> mp.mpf:
    """(2 atanh(s) - 2 s) / s^3."""
    return 2 * (mp.atanh(s) - s) / s**3


def log_ratio_of_square(z: mp.mpf) -> mp.mpf:
    """The same of s^2."""
    return log_ratio(mp.sqrt(z)) if z > TINY else mp.mpf(2) / 3


def coth_ratio(r: mp.mpf) -> mp.mpf:
    """(r coth(r / 2) - 2) / r^2."""
    return (r * mp.coth(r / 2) - 2) / r**2


def tanh_ratio(t: mp.mpf) -> mp.mpf:
    """(tanh(t) - t) / t^3."""
    return (mp.tanh(t) - t) / t**3


def exp2_ratio(dtype: str) -> Function:
    """(2^r - 1) / r as tanh needs it, which takes e^(2 t) for 2^(n + r), n + r = t c.

    c is 2 log2(e), rounded: where its error matters most, at n + r = 2.5, so with r near 1/2 or
    -1/2, the power is made to make up for it.
    """
    error = nearest(2 / mp.log(2), dtype) * mp.log(2) / 2 - 1

    def function(r: mp.mpf) -> mp.mpf:
        made_up = 2.5 * error * mp.log(2) * (2 * r) ** 2
        return (2**r * (1 - made_up) - 1) / r if abs(r) > TINY else mp.log(2)

    return function


# Up to this the hyperbolic tangent is a polynomial, as accurate as the type.
TANH_SMALL = {"float": 0.85, "double": 0.78}
HALF_LN2 = float(mp.log(2) / 2) * 1.0001

APPROXIMATIONS = [
    Approximation(
        "kExpm1",
        "(e^r - 1 - r) / r^2 for |r| <= ln(2) / 2",
        same(lambda r: (mp.expm1(r) - r) / r**2 if abs(r) > TINY else mp.mpf(1) / 2),
        same(at_least("1e-3", lambda r: abs(r**2 / mp.expm1(r)))),
        both(-HALF_LN2),
        both(HALF_LN2),
        {"float": 6, "double": 11},
    ),
    Approximation(
        "kCoth",
        "(r coth(r / 2) - 2) / r^2 for |r| <= ln(2) / 2, in r^2",
        same(lambda z: coth_ratio(mp.sqrt(z)) if z > TINY else mp.mpf(1) / 6),
        same(at_least("1e-3", lambda z: z)),
        both(0),
        both(HALF_LN2**2),
        {"float": 2, "double": 5},
    ),
    Approximation(
        "kLog",
        "(2 atanh(s) - 2 s) / s^3 for s^2 <= 1/25, in s^2",
        same(log_ratio_of_square),
        same(at_least("1e-3", lambda z: z)),
        both(0),
        both(0.0401),
        {"float": 4, "double": 8},
    ),
    Approximation(
        "kAtanh",
        "(2 atanh(s) - 2 s) / s^3 for s <= 1/3, in s^2",
        same(log_ratio_of_square),
        same(at_least("1e-3", lambda z: z)),
        both(0),
        both(0.1112),
        {"float": 4, "double": 10},
    ),
    Approximation(
        "kErf",
        "(-log(1 - erf(t)) / t - 2 / sqrt(pi)) / t until erf(t) rounds to 1, in t - 2",
        same(lambda t: (erf_exponent(t) - 2 / mp.sqrt(mp.pi)) / t if t > TINY else 2 / mp.pi),
        same(lambda t: max(t, mp.mpf("0.01")) * (t * mp.erfc(t) / mp.erf(t) if t else 1)),
        both(0),
        {"float": 3.95, "double": 5.95},
        {"float": 9, "double": 25},
        center=2.0,
    ),
    Approximation(
        "kTanh",
        "(tanh(t) - t) / t^3 for t <= kTanhSmall, in t^2; as many as of kExp2",
        same(lambda z: tanh_ratio(mp.sqrt(z)) if z > TINY else -mp.mpf(1) / 3),
        same(at_least("1e-3", lambda z: mp.sqrt(z) ** 3 / mp.tanh(mp.sqrt(z)))),
        both(0),
        {dtype: small**2 for dtype, small in TANH_SMALL.items()},
        {"float": 6, "double": 13},
    ),
    Approximation(
        "kExp2",
        "(2^r - 1) / r for |r| <= 1/2, with what makes up for tanh's rounded 2 log2(e)",
        {dtype: exp2_ratio(dtype) for dtype in ("float", "double")},
        same(at_least("1e-3", lambda r: abs(r) / 2**r)),
        both(-0.5),
        both(0.5),
        {"float": 6, "double": 13},
    ),
    Approximation(
        "kGeluTail",
        "t Phi(-t) e^(t^2 / 2) / y, y = t / (t + kGeluBend), in y - 1/2",
        {dtype: gelu_tail(bend) for dtype, bend in BEND.items()},
        {dtype: reciprocal(gelu_tail(bend)) for dtype, bend in BEND.items()},
        both(0),
        {dtype: t / (t + BEND[dtype]) for dtype, t in TAIL.items()},
        {"float": 12, "double": 26},
        center=0.5,
        with_low=True,
    ),
]


def main() -> None:
    """Prints coefficients.inl.h."""
    print("// Made by coefficients.py, which says how; do not edit. Coefficients ascend.")
    print("// clang-format off\n#pragma once\n\nnamespace briskmlp::BRISKMLP_ISA {\nnamespace {\n")
    print("template <class T>\nstruct Coefficients;\n")
    for dtype in ("float", "double"):
        print(f"template <>\nstruct Coefficients<{dtype}> {{")
        for approximation in APPROXIMATIONS:
            print(f"    // {approximation.comment}")
            print(f"    static constexpr {dtype} {approximation.name}[] = {{")
            coefficients, low = approximation.coefficients(dtype)
            for coefficient in coefficients:
                print(f"        {literal(coefficient, dtype)},")
            print("    };")
            if approximation.with_low:
                print(f"    // {approximation.name}[0] + this is nearer to the best")
                print(
                    f"    static constexpr {dtype} {approximation.name}Low = {literal(low, dtype)};"
                )
            print(f"{dtype} {approximation.name}: done", file=sys.stderr)
        print(f"    static constexpr {dtype} kGeluBend = {BEND[dtype]};")
        print(f"    static constexpr {dtype} kTanhSmall = {literal(TANH_SMALL[dtype], dtype)};")
        print("};\n")
    print("}  // namespace\n}  // namespace briskmlp::BRISKMLP_ISA")


if __name__ == "__main__":
    main()
