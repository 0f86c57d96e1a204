"""Every instruction set that this processor has computes the same to within rounding.

BRISKMLP_ISA chooses one for a whole process, so each gets a process here. CI, besides, runs all
other tests on each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from cases import DTYPES, PROBLEMS, draw_data, epsilon, make_network, roundings
from function_cases import NAMES, in_domain

SUPPORTED = bm.show_config("dict")["supported_isas"]
ROWS = 70


def compute(kind, activation, dtype):
    """A gradient of every problem, what is predicted there, and where a short training leads."""
    results = []
    for problem in PROBLEMS:
        X, y = draw_data(problem, ROWS, 20)
        net = make_network(kind, problem, 20, (33, 18), activation=activation, dtype=dtype)
        results += [net.gradients(X, y)[1], net.predict(X).ravel(), net.predict(X[0])]
        net.fit(X, y, epochs=1, batch_size=30, optimizer=bm.SGD(0.01, momentum=0.9))
        results.append(net.parameters)
    X, y = draw_data("mse", ROWS, 20)
    between = {"norm": "layer", "residual": True}
    net = make_network(kind, "mse", 20, (33, 33, 18), activation=activation, dtype=dtype, **between)
    results += [net.gradients(X, y)[1], net.predict(X).ravel()]
    return np.concatenate(results)


def compute_all():
    """The results of all activations and types, by name, in lists."""
    return {
        f"{activation} {dtype}": compute(bm.MLP, activation, dtype).tolist()
        for activation in reference.ACTIVATIONS
        for dtype in DTYPES
    }


def compute_functions():
    """What the functions of arrays make of numbers from all over their range, in lists."""
    results = {}
    for name in [*NAMES, "softmax", "log_softmax", "logsumexp"]:
        x = in_domain(name, np.concatenate([np.linspace(-80, 80, 331), np.linspace(-2, 2, 70)]))
        for dtype in DTYPES:
            results[f"{name} {dtype}"] = getattr(bm, name)(x.astype(dtype)).tolist()
    return results


def run(isa, program):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "BRISKMLP_ISA": isa},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def expected():
    """The reference's results in float64, by activation."""
    return {
        activation: compute(reference.MLP, activation, "float64")
        for activation in reference.ACTIVATIONS
    }


@pytest.mark.parametrize("isa", SUPPORTED)
def test_instruction_set(isa, expected):
    program = """
import json
import briskmlp
import test_isas
print(json.dumps([briskmlp.show_config("dict")["isa"], test_isas.compute_all()]))
"""
    process = run(isa, program)
    assert process.returncode == 0, process.stderr
    in_use, results = json.loads(process.stdout)
    assert in_use == isa
    net = make_network(bm.MLP, "mse", 20, (33, 18))
    for name, values in results.items():
        activation, dtype = name.split()
        # Three steps; what is compared, and what it is made of, is of order 1.
        error = 3 * roundings(net, ROWS) * epsilon(dtype)
        np.testing.assert_allclose(values, expected[activation], rtol=error, atol=error)


@pytest.mark.parametrize("isa", SUPPORTED)
def test_functions_of_arrays(isa):
    program = "import json, test_isas; print(json.dumps(test_isas.compute_functions()))"
    process = run(isa, program)
    assert process.returncode == 0, process.stderr
    here = compute_functions()
    for name, values in json.loads(process.stdout).items():
        # Both are within 2.3 units in the last place of the truth; sums over 401 terms come on top.
        units = 5 if name.split()[0] in NAMES else 40
        dtype = name.split()[1]
        # The last place of a denormal number is the least of them all.
        least = units * float(np.finfo(dtype).smallest_subnormal)
        rtol = units * epsilon(dtype)
        np.testing.assert_allclose(values, here[name], rtol=rtol, atol=least, err_msg=name)


def test_an_unknown_instruction_set_is_an_error():
    process = run("avx1024", "import briskmlp")
    assert process.returncode != 0
    assert 'BRISKMLP_ISA is "avx1024", expected an instruction set' in process.stderr
    assert all(isa in process.stderr for isa in SUPPORTED)
