"""Minimax polynomials and rational functions for elementary.inl.h.

``python coefficients.py > coefficients.inl.h`` makes that file anew. It needs mpmath. Every
approximation is the best one in the maximum norm of a weighted error (the relative error of the
function that is computed with it), found with the exchange algorithm of Remez in 300-bit arithmetic
and then rounded to the element type.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import mpmath as mp

mp.mp.prec = 300

Function = Callable[[mp.mpf], mp.mpf]


def remez(
    f: Function,
    weight: Function,
    low: float,
    high: float,
    degree: int,
    denominator: int = 0,
    bend: float = mp.inf,
) -> tuple[list[mp.mpf], list[mp.mpf], mp.mpf]:
    """Best p / q with deg p = degree, deg q = denominator, q(0) = 1, to f on [low, high].

    Points crowd towards 0 as is natural for a function of x / (x + bend). Returns the coefficients
    of p and of q in ascending order and the largest weighted error.
    """
    unknowns = degree + denominator + 1

    def chebyshev(n: int, shift: float) -> list[mp.mpf]:
        a, b = (mp.mpf(x) / (1 + mp.mpf(x) / bend) for x in (low, high))
        angles = [mp.pi * (i + shift) / n for i in range(n + (shift == 0))]
        bent = [(a + b) / 2 - (b - a) / 2 * mp.cos(angle) for angle in angles]
        return [y / (1 - y / bend) for y in bent]

    def solve(points: list[mp.mpf], error: mp.mpf) -> list[mp.mpf]:
        # p - (f + s e / w) q = 0 at the points, s = +-1. With one point for each coefficient e is
        # given; with one more it is solved for in the constant term of q and given in the others.
        rows, right = [], []
        for i, x in enumerate(points):
            sign = (-1) ** i / weight(x)
            target = f(x) + error * sign
            row = [x**k for k in range(degree + 1)]
            row += [-target * x**k for k in range(1, denominator + 1)]
            rows.append(row + [-sign] * (len(points) - unknowns))
            right.append(f(x))
        return list(mp.lu_solve(mp.matrix(rows), mp.matrix(right)))

    grid = [(x, f(x), weight(x)) for x in chebyshev(32 * unknowns, 0)]
    solution = solve(chebyshev(unknowns, 0.5), mp.mpf(0))
    points: list[mp.mpf] = []
    for _ in range(40):
        p, q = solution[: degree + 1], [mp.mpf(1), *solution[degree + 1 : unknowns]]
        deviations = [
            (x, w * (mp.polyval(p[::-1], x) / mp.polyval(q[::-1], x) - fx)) for x, fx, w in grid
        ]
        largest = max(abs(d) for _, d in deviations)
        points = exchange(deviations, unknowns + 1) or points
        level = sum(abs(d) for x, d in deviations if x in points) / len(points)
        if largest < level * mp.mpf("1.001"):
            break
        error = next(d for x, d in deviations if x == points[0])
        for _ in range(8 if denominator else 1):
            solution = solve(points, error)
            error = solution[unknowns]
    return p, q, largest


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
