"""PyTorch as it is installed here: what was recorded of it still holds, and gradients agree."""

from __future__ import annotations

import json
from functools import partial

import briskmlp as bm
import numpy as np
import pytest
from cases import DTYPES, PROBLEMS, draw_data, epsilon, make_network, roundings

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
from golden import record_torch  # noqa: E402 - needs PyTorch

RECORDS = json.loads(record_torch.FILE.read_text("utf-8"))["records"]


@pytest.mark.parametrize("case", record_torch.CASES, ids=", ".join)
def test_record_is_what_pytorch_does(case):
    record = RECORDS[", ".join(case)]
    trajectory = record_torch.train(record)
    # Another version, or another processor, may sum in another order.
    close = partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-12)
    close(trajectory.losses, record["losses"])
    for ours, recorded in zip(trajectory.weights, record["end_weights"], strict=True):
        close(ours, recorded)
    for ours, recorded in zip(trajectory.biases, record["end_biases"], strict=True):
        close(ours, recorded)


def test_records_are_those_of_the_cases():
    assert list(RECORDS) == [", ".join(case) for case in record_torch.CASES]
    names = [*record_torch.ACTIVATIONS]
    assert names == bm._briskmlp_core.activation_names()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("activation", record_torch.ACTIVATIONS)
def test_gradients_are_autograds(activation, problem, dtype):
    """By the parameters and, through `backward`, by the inputs."""
    X, y = draw_data(problem, 40, 6)
    X *= 2  # somewhat farther out than in the other tests
    net = make_network(bm.MLP, problem, 6, (10, 7), activation=activation, dtype=dtype)
    arrays = [X, *net.weights, *net.biases]
    tensors = [torch.tensor(a.astype("float64"), requires_grad=True) for a in arrays]
    outputs, _ = record_torch.forward(tensors[0], tensors[1:4], tensors[4:], activation)
    outputs.retain_grad()
    loss = record_torch.loss_of(net.loss)(outputs, torch.tensor(y))
    loss.backward()
    expected = [outputs.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors)]

    ours, gradient = net.gradients(X, y)
    dX, _ = net.backward(X, outputs.grad.numpy())
    d_weights, d_biases = net.split(gradient)
    # What is summed may be larger than the sum, but only a few times.
    error = 4 * roundings(net, len(X)) * epsilon(dtype)
    assert ours == pytest.approx(loss.item(), rel=error, abs=error)
    for array, theirs in zip([net(X), dX, *d_weights, *d_biases], expected, strict=True):
        np.testing.assert_allclose(array, theirs, rtol=0, atol=error * max(1, np.abs(theirs).max()))
