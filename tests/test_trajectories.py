"""Training is the same, step by step, as in PyTorch and as in the NumPy reference.

PyTorch's part was recorded by golden/record_torch.py.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from briskmlp._losses import from_plain, named_numbers
from cases import (
    DTYPES,
    MORE_OPTIMIZERS,
    OPTIMIZERS,
    PROBLEMS,
    draw_data,
    draw_weights,
    epsilon,
    make_network,
    roundings,
)

RECORDS = json.loads(Path(__file__).with_name("golden").joinpath("torch.json").read_text("utf-8"))[
    "records"
]


def outcome(net, X, y, **arguments):
    """Train; the losses of the epochs and the parameters at the end, as one vector."""
    history = net.fit(X, y, **arguments)
    return np.concatenate([history["loss"], net.parameters])


def tolerance(make, X, y, *, dtype, outcome=outcome, **arguments):
    """Error that roundings may cause in the outcome of training a network from `make()`.

    A rounding acts like a disturbance of the parameters. How many times one grows until the end is
    measured on the reference in float64, with a disturbance of 2^-20 of each parameter.
    """
    net, disturbed = make(), make()
    signs = np.random.default_rng(0).choice([-1, 1], net.num_parameters)
    disturbed.parameters *= 1 + 2**-20 * signs
    difference = outcome(disturbed, X, y, **arguments) - outcome(net, X, y, **arguments)
    growth = np.abs(difference).max() / 2**-20
    assert growth < 20, "the training is too sensitive to compare anything"
    batch = arguments["batch_size"]
    steps = arguments["epochs"] * -(-len(X) // batch)
    return growth * steps * roundings(net, batch) * epsilon(dtype)


# ---- PyTorch ----


def recorded_network(kind, record, dtype):
    sizes = [len(W) for W in record["weights"]] + [len(record["biases"][-1])]
    net = kind(sizes, record["activation"], loss=from_plain(record["loss"]), dtype=dtype, seed=0)
    for name in ("weights", "biases"):
        for view, values in zip(getattr(net, name), record[name], strict=True):
            view[:] = values
    return net


def recorded_fit(record):
    settings = dict(record["optimizer"])
    optimizer = getattr(bm, settings.pop("name"))(**settings)
    steps, rows = len(record["losses"]), len(record["X"])
    return {"epochs": steps, "batch_size": rows, "shuffle": False, "optimizer": optimizer}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [bm.MLP, reference.MLP], ids=["briskmlp", "reference"])
@pytest.mark.parametrize("name", RECORDS)
def test_trajectory_is_pytorchs(name, kind, dtype):
    record = RECORDS[name]
    X, y = np.array(record["X"]), np.array(record["y"])
    fit = recorded_fit(record)
    error = tolerance(
        partial(recorded_network, reference.MLP, record, "float64"), X, y, dtype=dtype, **fit
    )
    net = recorded_network(kind, record, dtype)
    history = net.fit(X, y, **fit)
    np.testing.assert_allclose(history["loss"], record["losses"], rtol=0, atol=error)
    for ours, theirs in zip(net.weights, record["end_weights"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=error)
    for ours, theirs in zip(net.biases, record["end_biases"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=error)


def test_records_cover_everything():
    names = [name.split(", ") for name in RECORDS]
    assert {problem for problem, _, _ in names} == set(PROBLEMS)
    assert {activation for _, activation, _ in names} == set(reference.ACTIVATIONS)
    assert {optimizer for _, _, optimizer in names} == set(OPTIMIZERS)
    losses = [from_plain(record["loss"]) for record in RECORDS.values()]
    assert {named_numbers(loss)[0] for loss in losses} == set(reference.LOSSES)


# ---- the reference ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
def test_initial_parameters_have_the_references_bits(activation, dtype):
    arguments = {"activation": activation, "dtype": dtype, "seed": 2**63 + 12345}
    ours = bm.MLP([7, 30, 11, 3], **arguments)
    assert np.array_equal(ours.parameters, reference.MLP([7, 30, 11, 3], **arguments).parameters)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("init", reference.INITIALIZERS)
def test_every_initializer_is_the_references(init, dtype):
    ours = bm.MLP([7, 30, 3], init=init, dtype=dtype, seed=1)
    theirs = reference.MLP([7, 30, 3], init=init, dtype=dtype, seed=1)
    # Logarithm, root and cosine of normal numbers may round otherwise here than there, each by a
    # unit in the last place; cosine's unit is one of the radius, below 9.
    error = 10 * epsilon(dtype) if init.endswith("normal") else 0
    np.testing.assert_allclose(ours.parameters, theirs.parameters, rtol=0, atol=error)


def compare_with_reference(problem, X, y, *, hidden, activation, dtype, **fit):
    make = partial(make_network, problem=problem, inputs=X.shape[1], hidden=hidden)
    oracle = partial(make, reference.MLP, activation=activation, dtype="float64", seed=5)
    error = tolerance(oracle, X, y, dtype=dtype, **fit)
    ours = outcome(make(bm.MLP, activation=activation, dtype=dtype, seed=5), X, y, **fit)
    np.testing.assert_allclose(ours, outcome(oracle(), X, y, **fit), rtol=0, atol=error)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("optimizer", ["sgd nesterov decay", "adamw"])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_shuffled_batches_are_the_references(problem, optimizer, weighted, dtype):
    X, y = draw_data(problem, rows=50, inputs=5)
    compare_with_reference(
        problem,
        X,
        y,
        hidden=(9, 6),
        activation=["gelu", "tanh"],
        dtype=dtype,
        epochs=3,
        batch_size=16,  # the last one of an epoch has 2
        optimizer=OPTIMIZERS[optimizer],
        sample_weight=draw_weights(50) if weighted else None,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"average": 0.8}, {"batches_per_step": 3}], ids=str)
@pytest.mark.parametrize("optimizer", MORE_OPTIMIZERS)
def test_what_pytorch_has_not_is_the_references(optimizer, options, dtype):
    X, y = draw_data("labels", rows=70, inputs=5)
    compare_with_reference(
        "labels",
        X,
        y,
        hidden=(9, 6),
        activation="tanh",
        dtype=dtype,
        epochs=3,
        batch_size=16,
        optimizer=MORE_OPTIMIZERS[optimizer],
        eval_set=(X, y),
        **options,
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", reference.ACTIVATIONS)
@pytest.mark.parametrize(
    ("hidden", "rows", "batch"),
    [((40, 33), 70, 16), ((9, 6), 70, 16), ((20, 20), 3000, 2500)],
    ids=["sharded", "two phases", "chunks"],
)
def test_dropout_is_the_references(hidden, rows, batch, activation, dtype):
    X, y = draw_data("labels", rows, inputs=5)
    compare_with_reference(
        "labels",
        X,
        y,
        hidden=hidden,
        activation=activation,
        dtype=dtype,
        epochs=2,
        batch_size=batch,
        dropout=(0.25, 0.5),
        optimizer=bm.SGD(0.05, momentum=0.5),
    )


# Sizes that are cut: into several tiles of rows and of weights; into chunks, which small networks
# with large batches are; one row at a time; and no hidden layer at all.
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("inputs", "hidden", "rows", "batch"),
    [
        (70, (150, 40), 300, 128),
        (6, (20, 20), 3000, 2500),
        (5, (9, 6), 12, 1),
        (9, (), 50, 16),
        (1, (1, 1), 10, 4),
        (3, (2, 17, 3, 33), 40, 31),
    ],
)
def test_other_sizes_are_the_references(inputs, hidden, rows, batch, dtype):
    X, y = draw_data("labels", rows, inputs)
    compare_with_reference(
        "labels",
        X,
        y,
        hidden=hidden,
        activation="silu",
        dtype=dtype,
        epochs=2,
        batch_size=batch,
        optimizer=bm.SGD(0.1, momentum=0.5),
    )
