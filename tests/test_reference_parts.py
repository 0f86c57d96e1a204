"""The parts of the NumPy reference against arithmetic by hand and published numbers.

Everything else is tested against the reference, so nothing here may be tested against the core.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from briskmlp import SGD, Adam, AdamW
from briskmlp.reference import (
    ACTIVATIONS,
    INITIALIZERS,
    LOSSES,
    MLP,
    CounterRng,
    log_softmax,
    rule_of,
    shuffled,
    softmax,
)
from briskmlp.reference.random import INIT, SHUFFLE

DTYPES = ["float32", "float64"]
EPS = np.finfo(np.float64).eps


# ---- random numbers ----


def test_generator_is_splitmix64():
    rng = CounterRng(0, 0, 0)
    rng.key = np.array([1234567], np.uint64)  # as the published sequence is seeded
    assert rng.bits(np.arange(5)).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@pytest.mark.parametrize(
    ("seed", "index", "bits"),
    [
        (0, 0, [0xBF3BD92B9263A13A, 0x43A2D0E7FD54126B, 0x49BB4172671F34ED]),
        (42, 3, [0x19F410AC87D967EA, 0x82BE65A69E683966, 0x7378E511D0E0180B]),
        (2**64 - 1, 2**40, [0xCCEB94AF7BB99AFF, 0x164A7068DFA10DCA, 0xD220257DE7E14472]),
    ],
)
def test_bits_are_those_of_the_core(seed, index, bits):
    counters = [0, 1, 1_000_000]
    rng = CounterRng(seed, SHUFFLE, index)
    assert rng.bits(counters).tolist() == bits
    assert rng.uniform(counters).tolist() == [(b >> 11) * 2.0**-53 for b in bits]
    assert rng.below(counters, 10).tolist() == [(b >> 32) * 10 >> 32 for b in bits]


def test_shuffle_is_that_of_the_core():
    assert shuffled(10, seed=7, epoch=0).tolist() == [3, 9, 2, 0, 4, 1, 5, 7, 8, 6]
    assert shuffled(10, seed=7, epoch=1).tolist() == [5, 0, 9, 3, 4, 8, 1, 2, 7, 6]


@pytest.mark.parametrize("rows", [0, 1, 2, 1000])
def test_shuffle_is_a_permutation(rows):
    assert sorted(shuffled(rows, seed=3, epoch=0)) == list(range(rows))


def test_shuffle_puts_every_row_everywhere():
    # Of 6000 shuffles of 6 rows each cell expects 1000; 5 sigma of the binomial is 144.
    places = np.zeros((6, 6), int)
    for epoch in range(6000):
        places[np.arange(6), shuffled(6, seed=1, epoch=epoch)] += 1
    assert np.abs(places - 1000).max() < 5 * math.sqrt(6000 * (1 / 6) * (5 / 6))


# ---- activations ----


def by_definition(name, z):
    """The textbook formula in Python's floats, for moderate z."""
    sigmoid = 1 / (1 + math.exp(-z))
    softplus = math.log(1 + math.exp(z))
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    root = math.sqrt(2 / math.pi)
    return {
        "identity": z,
        "relu": max(z, 0),
        "leaky_relu": max(z, 0) + 0.01 * min(z, 0),
        "elu": z if z > 0 else math.exp(z) - 1,
        "selu": scale * (z if z > 0 else alpha * (math.exp(z) - 1)),
        "gelu": z / 2 * (1 + math.erf(z / math.sqrt(2))),
        "gelu_tanh": z / 2 * (1 + math.tanh(root * (z + 0.044715 * z**3))),
        "silu": z * sigmoid,
        "mish": z * math.tanh(softplus),
        "softplus": softplus,
        "sigmoid": sigmoid,
        "tanh": math.tanh(z),
    }[name]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_is_its_definition(name):
    z = np.linspace(-3, 3, 61)
    expected = [by_definition(name, value) for value in z.tolist()]
    # The textbook formulas cancel by up to |z| / |f(z)|, here below 10^3.
    np.testing.assert_allclose(ACTIVATIONS[name].function(z), expected, rtol=1e3 * EPS, atol=EPS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_is_the_slope(name):
    z = np.linspace(-6, 6, 100)  # an even number of points: none at zero, where relu has a kink
    h = EPS ** (1 / 3)
    slope = (ACTIVATIONS[name].function(z + h) - ACTIVATIONS[name].function(z - h)) / (2 * h)
    # Truncation h^2 f'''/6 and rounding eps |f| / h are both of order eps^(2/3) = 4e-11.
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(z), slope, atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_far_out(name, dtype):
    z = np.array([-1000, 1000], dtype)
    left, right = ACTIVATIONS[name].function(z)
    d_left, d_right = ACTIVATIONS[name].derivative(z)
    selu_floor, selu_scale = -1.7580993408473766, 1.0507009873554805
    limits = {
        "identity": (-1000, 1000, 1, 1),
        "leaky_relu": (-10, 1000, 0.01, 1),
        "elu": (-1, 1000, 0, 1),
        "selu": (selu_floor, selu_scale * 1000, 0, selu_scale),
        "sigmoid": (0, 1, 0, 0),
        "tanh": (-1, 1, 0, 0),
    }
    expected = limits.get(name, (0, 1000, 0, 1))
    rtol = 2 * np.finfo(dtype).eps
    np.testing.assert_allclose([left, right, d_left, d_right], expected, rtol=rtol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_keeps_the_dtype(name, dtype):
    z = np.linspace(-1, 1, 5, dtype=dtype)
    assert ACTIVATIONS[name].function(z).dtype == dtype
    assert ACTIVATIONS[name].derivative(z).dtype == dtype


# ---- losses ----


def test_losses_by_hand():
    z = np.array([[1.0, -2.0], [0.5, 0.0]])
    mse = LOSSES["mse"].rows(z, np.array([[0.0, 0.0], [0.5, 4.0]]))
    np.testing.assert_allclose(mse, [(1 + 4) / 2, 16 / 2])
    cross_entropy = LOSSES["cross_entropy"].rows(z, np.array([[1.0, 0.0], [0.25, 0.75]]))
    p = 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(-0.5))
    expected = [-math.log(p[0]), -0.25 * math.log(p[1]) - 0.75 * math.log(1 - p[1])]
    np.testing.assert_allclose(cross_entropy, expected)
    binary = LOSSES["binary_cross_entropy"].rows(z[:1], np.array([[1.0, 0.25]]))
    s = 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(2))
    expected = (-math.log(s[0]) - 0.25 * math.log(s[1]) - 0.75 * math.log(1 - s[1])) / 2
    np.testing.assert_allclose(binary, expected)
    # A mean of 1 and a standard deviation of 3, and a target 6 away.
    gaussian = LOSSES["gaussian_nll"].rows(np.array([[1.0, math.log(9)]]), np.array([[7.0]]))
    density = math.exp(-0.5 * (6 / 3) ** 2) / math.sqrt(2 * math.pi * 9)
    np.testing.assert_allclose(gaussian, -math.log(density))


def test_links():
    z = np.array([[0.0, math.log(3)]])
    np.testing.assert_allclose(LOSSES["mse"].link(z), z)
    np.testing.assert_allclose(LOSSES["cross_entropy"].link(z), [[0.25, 0.75]])
    np.testing.assert_allclose(LOSSES["binary_cross_entropy"].link(z), [[0.5, 0.75]])
    np.testing.assert_allclose(LOSSES["gaussian_nll"].link(z), [[0.0, 3.0]])


def test_metrics():
    z = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, -1.0]])
    one_hot = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    w = np.array([0.5, 0.25, 0.25])
    assert LOSSES["cross_entropy"].metric(z, one_hot, w) == 0.75
    assert LOSSES["binary_cross_entropy"].metric(z, one_hot, w) == 0.5 * 0.5 + 0.25 * 1
    off = np.array([[0.0, 0.0], [4.0, -4.0], [0.0, 0.0]])
    assert LOSSES["mse"].metric(z, z + off, w) == 2
    assert LOSSES["gaussian_nll"].metric(z, (z + off)[:, :1], w) == 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_logits_neither_overflow_nor_vanish(dtype):
    z = np.array([[1e4, 0, -1e4]], dtype)
    assert softmax(z).tolist() == [[1, 0, 0]]
    assert log_softmax(z).tolist() == [[0, -1e4, -2e4]]
    assert LOSSES["cross_entropy"].rows(z, np.array([[0, 0, 1]], dtype)).tolist() == [2e4]
    binary = LOSSES["binary_cross_entropy"]
    for target, loss, slope in ((1, [0, 1e4], [0, -1]), (0, [1e4, 0], [1, 0])):
        for i, logit in enumerate((1e4, -1e4)):
            z = np.array([[logit]], dtype)
            t = np.array([[target]], dtype)
            assert binary.rows(z, t).tolist() == [loss[i]]
            assert binary.d_rows(z, t).tolist() == [[slope[i]]]
    # A confident right answer still has its own small loss, about exp(-z).
    confident = binary.rows(np.array([[30]], dtype), np.array([[1]], dtype))
    np.testing.assert_allclose(confident, math.log1p(math.exp(-30)), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_keeps_the_dtype(loss):
    y = np.full((4, 2), 0.5)
    outputs = {"gaussian_nll": 4, "quantile": 6}.get(loss, 2)
    z = np.zeros((4, outputs), np.float32)
    t = LOSSES[loss].targets(y, z)
    results = [t, LOSSES[loss].link(z), LOSSES[loss].rows(z, t), LOSSES[loss].d_rows(z, t)]
    assert [result.dtype for result in results] == [np.float32] * 4


def test_labels_are_one_hot_rows():
    z = np.zeros((3, 4), np.float32)
    t = LOSSES["cross_entropy"].targets([2, 0, 3], z)
    assert t.tolist() == [[0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]


# ---- optimizers ----


def after(settings, steps, gradient, start=2.0):
    """One parameter after steps with gradients that are given, or a constant."""
    p = np.array([start])
    rule = rule_of(settings, p)
    for step in range(steps):
        g = np.array([gradient if np.isscalar(gradient) else gradient[step]])
        rule.step(p, g, settings.learning_rate, settings.weight_decay)
    return p[0]


def test_sgd_in_closed_form():
    assert after(SGD(0.1), 5, 3.0) == pytest.approx(2 - 5 * 0.1 * 3)
    assert after(SGD(0.1, weight_decay=0.5), 5, 0.0) == pytest.approx(2 * 0.95**5)
    # The velocity after step t is g (1 - m^t) / (1 - m).
    velocities = [3 * (1 - 0.9**t) / 0.1 for t in range(1, 6)]
    assert after(SGD(0.1, momentum=0.9), 5, 3.0) == pytest.approx(2 - 0.1 * sum(velocities))
    looked_ahead = [3 + 0.9 * v for v in velocities]
    nesterov = SGD(0.1, momentum=0.9, nesterov=True)
    assert after(nesterov, 5, 3.0) == pytest.approx(2 - 0.1 * sum(looked_ahead))


def test_adam_in_closed_form():
    # With a constant gradient both corrected moments are exact, whatever the betas.
    step = 0.01 * 3 / (3 + 1e-8)
    assert after(Adam(0.01), 5, 3.0) == pytest.approx(2 - 5 * step)
    assert after(Adam(0.01, betas=(0.5, 0.7)), 5, 3.0) == pytest.approx(2 - 5 * step)
    # g = 3 then -1, by hand.
    first = 2 - step
    mean = (0.9 * 0.3 + 0.1 * -1) / (1 - 0.9**2)
    mean_square = (0.999 * 0.009 + 0.001 * 1) / (1 - 0.999**2)
    second = first - 0.01 * mean / (math.sqrt(mean_square) + 1e-8)
    assert after(Adam(0.01), 2, [3.0, -1.0]) == pytest.approx(second)
    # The L2 penalty is a gradient like any other: its size does not matter, its sign does.
    assert after(Adam(0.01, weight_decay=0.1), 1, 0.0) == pytest.approx(1.99)


def test_adamw_in_closed_form():
    assert after(AdamW(0.1, weight_decay=0.5), 5, 0.0) == pytest.approx(2 * 0.95**5)
    step = 0.01 * 3 / (3 + 1e-8)
    shrunk = 2 * (1 - 0.01 * 0.01) - step
    assert after(AdamW(0.01), 1, 3.0) == pytest.approx(shrunk)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("settings", "name", "arguments"),
    [
        (SGD(0.1), "SGD", {"lr": 0.1}),
        (
            SGD(0.1, momentum=0.9, weight_decay=0.1),
            "SGD",
            {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1},
        ),
        (
            SGD(0.1, momentum=0.9, nesterov=True),
            "SGD",
            {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        ),
        (Adam(), "Adam", {}),
        (Adam(0.1, weight_decay=0.1), "Adam", {"lr": 0.1, "weight_decay": 0.1}),
        (AdamW(), "AdamW", {}),
        (AdamW(0.1, betas=(0.5, 0.9)), "AdamW", {"lr": 0.1, "betas": (0.5, 0.9)}),
    ],
)
def test_optimizer_is_pytorchs(settings, name, arguments):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(9)
    ours = rng.normal(size=20)
    theirs = torch.tensor(ours.copy(), requires_grad=True)
    rule = rule_of(settings, ours)
    optimizer = getattr(torch.optim, name)([theirs], **arguments)
    for _ in range(10):
        gradient = rng.normal(size=20)
        rule.step(ours, gradient, settings.learning_rate, settings.weight_decay)
        theirs.grad = torch.tensor(gradient)
        optimizer.step()
    # Ten steps of a handful of roundings each.
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=100 * EPS, atol=100 * EPS)


# ---- initial weights ----


def test_initial_weights_are_those_of_the_core():
    net = MLP([3, 4, 2], "relu", dtype="float64", seed=11)
    K, N = 4, 2
    uniform = CounterRng(11, INIT, 1).uniform(np.arange(K * N)).reshape(K, N)
    assert np.array_equal(net.weights[1], (2 * uniform - 1) * math.sqrt(6 / (K + N)))
    assert not net.biases[0].any()
    narrow = MLP([3, 4, 2], "relu", seed=11)
    assert np.array_equal(narrow.parameters, net.parameters.astype(np.float32))


@pytest.mark.parametrize(
    ("init", "activation", "variance"),
    [
        ("auto", "relu", 2 / 64),
        ("auto", "gelu", 2 / 64),
        ("auto", "selu", 1 / 64),
        ("auto", "tanh", 2 / (64 + 32)),
        ("he_uniform", "tanh", 2 / 64),
        ("he_normal", "tanh", 2 / 64),
        ("glorot_uniform", "relu", 2 / (64 + 32)),
        ("glorot_normal", "relu", 2 / (64 + 32)),
        ("lecun_uniform", "relu", 1 / 64),
        ("lecun_normal", "relu", 1 / 64),
        ("zeros", "relu", 0),
    ],
)
def test_initial_weights_have_their_variance(init, activation, variance):
    W = MLP([64, 32, 1], activation, init=init, dtype="float64").weights[0]
    # The variance of 2048 draws is off by less than 5 sqrt(2 / 2048) of itself, normal or uniform.
    assert W.var() == pytest.approx(variance, rel=0.16)
    assert abs(W.mean()) <= 5 * math.sqrt(variance / W.size)
    largest = np.abs(W).max()
    if init.endswith("normal"):
        assert largest > math.sqrt(3 * variance)
    else:
        assert 0.99 * math.sqrt(3 * variance) <= largest <= math.sqrt(3 * variance)


def test_every_initializer_and_activation_go_together():
    drawn = [MLP([3, 4, 2], name, init=init) for name in ACTIVATIONS for init in INITIALIZERS]
    assert all(np.isfinite(net.parameters).all() for net in drawn)
