"""Muon: its directions, and whole trainings against the reference and PyTorch."""

from __future__ import annotations

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from briskmlp.reference.optimizers import orthogonalized
from cases import DTYPES, draw_data, make_network

# Wide and tall matrices between hidden layers, some of one row or column.
HIDDEN = [(20, 20), (9, 33, 17), (40, 1, 40), (130, 60, 70)]


def test_directions_have_singular_values_near_one():
    rng = np.random.default_rng(0)
    for shape in ((5, 5), (3, 40), (40, 3)):
        matrix = rng.normal(size=shape) * 100
        u, _, vt = np.linalg.svd(matrix, full_matrices=False)
        inside = u.T @ orthogonalized(matrix) @ vt.T
        values = np.diag(inside)
        assert np.all((values > 0.6) & (values < 1.3))
        np.testing.assert_allclose(inside, np.diag(values), atol=1e-12)
    np.testing.assert_array_equal(orthogonalized(np.zeros((3, 4))), np.zeros((3, 4)))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": bm.Muon(0.02, momentum=0.5, betas=(0.8, 0.9), weight_decay=0.5)},
        {"optimizer": bm.Muon(0.01, clip=bm.ClipNorm(0.1), l1=1e-3), "average": 0.8},
        {
            "optimizer": bm.Muon(
                bm.schedules.Cosine(0.01),
                groups=bm.ParameterGroups(layer_rates=(1, 0.5, 2), decay_biases=False),
            ),
            "batches_per_step": 2,
        },
    ],
    ids=["defaults", "settings", "clip", "groups"],
)
@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
def test_training_is_the_references(hidden, options):
    """In float64: the iteration lets errors grow by up to 3.4^5."""
    if "groups" in str(options) and len(hidden) != 2:
        pytest.skip("rates for three layers")
    X, y = draw_data("mse", 100, 6)
    settings = {"epochs": 3, "batch_size": 32, "optimizer": bm.Muon()} | options
    ours = make_network(bm.MLP, "mse", 6, hidden, activation="tanh", dtype="float64")
    theirs = make_network(reference.MLP, "mse", 6, hidden, activation="tanh", dtype="float64")
    theirs.parameters[...] = ours.parameters
    history, expected = ours.fit(X, y, **settings), theirs.fit(X, y, **settings)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-9)
    np.testing.assert_allclose(ours.parameters, theirs.parameters, rtol=1e-7, atol=1e-9)


def test_without_matrices_between_hidden_layers_it_is_adamw():
    X, y = draw_data("mse", 100, 6)
    for hidden in ((), (9,)):
        nets = [make_network(bm.MLP, "mse", 6, hidden) for _ in range(2)]
        for net, optimizer in zip(nets, (bm.Muon(), bm.AdamW()), strict=True):
            net.fit(X, y, epochs=3, batch_size=16, optimizer=optimizer)
        np.testing.assert_allclose(nets[0].parameters, nets[1].parameters, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
def test_the_same_bits_on_any_number_of_threads(hidden, dtype):
    X, y = draw_data("mse", 3000, 6)
    results = []
    for threads in (1, 2, 5):
        net = make_network(bm.MLP, "mse", 6, hidden, dtype=dtype)
        with bm.threads(threads):
            net.fit(X, y, epochs=2, batch_size=1000, optimizer=bm.Muon(0.01))
        results.append(net.parameters)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_of_zero_move_nothing(dtype):
    net = bm.MLP([3, 8, 8, 1], "identity", init="zeros", dtype=dtype)
    net.fit(np.zeros((4, 3)), np.zeros(4), epochs=3, optimizer=bm.Muon())
    assert not net.parameters.any()


@pytest.mark.torch
def test_directions_are_pytorchs():
    """Which rounds to bfloat16: 2^-8, grown by the iteration."""
    torch = pytest.importorskip("torch")
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("an older PyTorch")
    rng = np.random.default_rng(0)
    w, g = rng.normal(size=(6, 9)), rng.normal(size=(3, 6, 9))
    weight = torch.nn.Parameter(torch.tensor(w.T.copy()))  # which has (out, in)
    theirs = torch.optim.Muon(
        [weight], lr=0.01, weight_decay=0.1, momentum=0.9, adjust_lr_fn="match_rms_adamw"
    )
    mean = np.zeros_like(w)
    for gradient in g:
        weight.grad = torch.tensor(gradient.T.copy())
        theirs.step()
        mean += 0.1 * (gradient - mean)
        direction = orthogonalized(gradient + 0.9 * (mean - gradient))
        w -= 0.01 * (0.2 * 3 * direction + 0.1 * w)
    np.testing.assert_allclose(weight.detach().numpy().T, w, atol=3 * 0.01 * 0.6 * 0.05)


def test_it_learns():
    X = np.random.default_rng(0).normal(size=(500, 6))
    y = np.sin(3 * X[:, 0]) * X[:, 1]
    net = bm.MLP([6, 64, 64, 64, 1], "tanh", seed=0)
    history = net.fit(X, y, epochs=100, batch_size=50, optimizer=bm.Muon(3e-3))
    assert history["loss"][-1] < 0.1 * history["loss"][0]


def test_settings():
    assert bm.Muon() == bm.Muon(
        1e-3, momentum=0.95, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01
    )
    with pytest.raises(ValueError, match="Muon: momentum must be below 1"):
        bm.Muon(momentum=1)


def test_checkpoints_have_no_second_state_between_hidden_layers(tmp_path):
    """It is not used there; that going on from them is exact, test_resume.py finds."""
    X, y = draw_data("mse", 50, 5)
    net = make_network(bm.MLP, "mse", 5, (9, 33, 17))
    net.fit(X, y, epochs=1, optimizer="muon", callbacks=bm.Checkpoint(tmp_path))
    with np.load(tmp_path / "epoch-000001.npz") as file:
        assert file["optimizer/state1"].shape == (net.num_parameters,)
        assert file["optimizer/state2"].shape == (net.num_parameters - 9 * 33 - 33 * 17,)
