"""The optimizers' settings: kept as given, checked when made."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from fractions import Fraction

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    ClipNorm,
    ClipValue,
    Lion,
    Muon,
    NAdam,
    ParameterGroups,
    RAdam,
    RMSprop,
    schedules,
)
from cases import MORE_OPTIMIZERS, OPTIMIZERS, draw_data, make_network

KINDS = [SGD, Adam, AdamW, NAdam, RAdam, RMSprop, Adagrad, Lion, Muon]


def test_defaults_are_pytorchs():
    assert SGD(0.1) == SGD(0.1, momentum=0.0, nesterov=False, weight_decay=0.0)
    assert Adam() == Adam(1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    assert AdamW() == AdamW(1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    assert NAdam() == NAdam(2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    assert RAdam() == RAdam(1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    assert RMSprop() == RMSprop(1e-2, alpha=0.99, eps=1e-8, momentum=0.0, weight_decay=0.0)
    assert Adagrad() == Adagrad(1e-2, eps=1e-10, weight_decay=0.0)


def test_any_real_number_becomes_a_float():
    settings = Adam(Fraction(1, 2), betas=[0, np.float32(0.5)], eps=1, weight_decay=np.int64(2))
    assert settings == Adam(0.5, betas=(0.0, 0.5), eps=1.0, weight_decay=2.0)
    for value in (settings.learning_rate, settings.eps, settings.weight_decay, *settings.betas):
        assert type(value) is float


@pytest.mark.parametrize("settings", [*OPTIMIZERS.values(), *MORE_OPTIMIZERS.values()])
def test_settings_are_values(settings):
    assert copy.deepcopy(settings) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert len({settings, dataclasses.replace(settings)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.learning_rate = 1.0
    assert Adam() != AdamW(weight_decay=0.0)
    names = {name: getattr(bm, name) for name in bm.__all__}
    assert eval(repr(settings), names | vars(schedules)) == settings


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "value", "error", "must"),
    [
        ("learning_rate", 0, ValueError, "be positive, got 0.0"),
        ("learning_rate", -0.1, ValueError, "be positive, got -0.1"),
        ("learning_rate", float("nan"), ValueError, "be finite, got nan"),
        ("learning_rate", float("inf"), ValueError, "be finite, got inf"),
        ("learning_rate", "0.1", TypeError, "be a real number, got '0.1'"),
        ("learning_rate", True, TypeError, "be a real number, got True"),
        ("learning_rate", None, TypeError, "be a real number, got None"),
        ("weight_decay", -1, ValueError, "not be negative, got -1.0"),
        ("weight_decay", 1j, TypeError, "be a real number, got 1j"),
        ("l1", -1, ValueError, "not be negative, got -1.0"),
        ("clip", 1.0, TypeError, "be a ClipNorm, a ClipValue or None, got 1.0"),
        ("groups", None, TypeError, "be ParameterGroups, got None"),
    ],
)
def test_errors_of_all(kind, name, value, error, must):
    with pytest.raises(error) as caught:
        kind(**{"learning_rate": 0.1, name: value})
    assert str(caught.value) == f"{kind.__name__}: {name} must {must}"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"momentum": 1}, ValueError, "SGD: momentum must be below 1, got 1.0"),
        ({"momentum": -0.5}, ValueError, "SGD: momentum must not be negative, got -0.5"),
        ({"nesterov": 1}, TypeError, "SGD: nesterov must be True or False, got 1"),
        ({"nesterov": True}, ValueError, "SGD: momentum must be above 0 for nesterov, got 0.0"),
    ],
)
def test_errors_of_sgd(settings, error, message):
    with pytest.raises(error) as caught:
        SGD(0.1, **settings)
    assert str(caught.value) == message


@pytest.mark.parametrize("kind", [Adam, AdamW, NAdam, RAdam])
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"eps": 0}, ValueError, "eps must be positive, got 0.0"),
        ({"betas": 0.9}, TypeError, "betas must be a pair of numbers, got 0.9"),
        ({"betas": (0.9,)}, TypeError, "betas must be a pair of numbers, got (0.9,)"),
        ({"betas": (0.9, "x")}, TypeError, "betas must be a pair of numbers, got (0.9, 'x')"),
        ({"betas": (0.9, 1)}, ValueError, "betas must both lie in [0, 1), got (0.9, 1)"),
        ({"betas": (-0.1, 0.9)}, ValueError, "betas must both lie in [0, 1), got (-0.1, 0.9)"),
        (
            {"betas": (0.9, float("nan"))},
            ValueError,
            "betas must both lie in [0, 1), got (0.9, nan)",
        ),
    ],
)
def test_errors_of_adam(kind, settings, error, message):
    with pytest.raises(error) as caught:
        kind(**settings)
    assert str(caught.value) == f"{kind.__name__}: {message}"


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_learning_rate_goes_by_position(kind):
    with pytest.raises(TypeError, match="positional argument"):
        kind(0.1, 0.9)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Lion(betas=(1, 0)), ValueError, "Lion: betas must both lie in [0, 1), got (1, 0)"),
        (lambda: RMSprop(alpha=1), ValueError, "RMSprop: alpha must be below 1, got 1.0"),
        (
            lambda: RMSprop(momentum=-1),
            ValueError,
            "RMSprop: momentum must not be negative, got -1.0",
        ),
        (lambda: Adagrad(eps=0), ValueError, "Adagrad: eps must be positive, got 0.0"),
        (lambda: ClipNorm(0), ValueError, "ClipNorm: limit must be positive, got 0.0"),
        (lambda: ClipValue("1"), TypeError, "ClipValue: limit must be a real number, got '1'"),
        (
            lambda: ParameterGroups(decay_biases=0),
            TypeError,
            "ParameterGroups: decay_biases must be True or False, got 0",
        ),
        (
            lambda: ParameterGroups(layer_rates=2),
            TypeError,
            "ParameterGroups: layer_rates must be numbers, got 2",
        ),
        (
            lambda: ParameterGroups(layer_rates=(1, -2)),
            ValueError,
            "ParameterGroups: layer_rates must be finite and not negative, got (1, -2)",
        ),
    ],
)
def test_errors_of_the_others(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == message


def test_layer_rates_must_fit_the_network():
    net = make_network(bm.MLP, "mse", 3, (4,))
    before = net.parameters.copy()
    settings = Adam(groups=ParameterGroups(layer_rates=(1, 1, 1)))
    with pytest.raises(ValueError, match="layer_rates has 3 entries, the network has 2 layers"):
        net.fit(*draw_data("mse", 10, 3), optimizer=settings)
    assert np.array_equal(net.parameters, before)


def test_unknown_optimizers_are_errors():
    net = make_network(bm.MLP, "mse", 3, (4,))
    X, y = draw_data("mse", 10, 3)
    with pytest.raises(ValueError, match=r"unknown optimizer 'adm'.*did you mean 'adam'"):
        net.fit(X, y, optimizer="adm")
    with pytest.raises(TypeError, match=r"optimizer must be one of SGD, Adam, .* got 0.1"):
        net.fit(X, y, optimizer=0.1)
    for name, value in {"average": 1, "batches_per_step": 0}.items():
        with pytest.raises(ValueError, match=name):
            net.fit(X, y, **{name: value})


def test_a_rate_of_zero_freezes_a_layer():
    net = make_network(bm.MLP, "mse", 3, (4, 5))
    before = net.copy()
    frozen = AdamW(0.1, groups=ParameterGroups(layer_rates=(1, 0, 1)))
    net.fit(*draw_data("mse", 30, 3), epochs=2, batch_size=8, optimizer=frozen)
    changed = [not np.array_equal(*pair) for pair in zip(net.weights, before.weights, strict=True)]
    assert changed == [True, False, True]
    assert np.array_equal(net.biases[1], before.biases[1])


def test_several_batches_a_step_are_one_large_batch():
    """Their mean gradient is that of all their rows, up to rounding."""
    X, y = draw_data("labels", 48, 3)
    arguments = {"epochs": 2, "shuffle": False, "optimizer": Adam(0.01)}
    one, other = (make_network(bm.MLP, "labels", 3, (9,), dtype="float64") for _ in range(2))
    one.fit(X, y, batch_size=8, batches_per_step=3, **arguments)
    other.fit(X, y, batch_size=24, **arguments)
    np.testing.assert_allclose(one.parameters, other.parameters, rtol=0, atol=1e-12)


def test_what_is_averaged_can_be_changed_by_a_callback():
    """From there on the mean is taken anew; the raw parameters start there too."""
    X, y = draw_data("mse", 40, 3)
    arguments = {"batch_size": 8, "optimizer": SGD(0.01), "shuffle": False, "average": 0.9}
    net = make_network(bm.MLP, "mse", 3, (4,), dtype="float64")
    start = np.full(net.num_parameters, 0.25)

    def change(history):
        if len(history) == 1:
            net.parameters = start

    net.fit(X, y, epochs=2, callback=change, **arguments)
    constant = np.abs(net.parameters - start).max()
    assert 0 < constant < 0.1
