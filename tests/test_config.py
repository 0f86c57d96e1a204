"""The optimizers' settings: kept as given, checked when made."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from fractions import Fraction

import numpy as np
import pytest
from briskmlp import SGD, Adam, AdamW


def test_defaults_are_pytorchs():
    assert SGD(0.1) == SGD(0.1, momentum=0.0, nesterov=False, weight_decay=0.0)
    assert Adam() == Adam(1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    assert AdamW() == AdamW(1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)


def test_any_real_number_becomes_a_float():
    settings = Adam(Fraction(1, 2), betas=[0, np.float32(0.5)], eps=1, weight_decay=np.int64(2))
    assert settings == Adam(0.5, betas=(0.0, 0.5), eps=1.0, weight_decay=2.0)
    values = dataclasses.astuple(settings)
    assert [type(value) for value in values] == [float, tuple, float, float]
    assert [type(beta) for beta in settings.betas] == [float, float]


@pytest.mark.parametrize("settings", [SGD(0.1, momentum=0.5, nesterov=True), Adam(), AdamW()])
def test_settings_are_values(settings):
    assert copy.deepcopy(settings) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert len({settings, dataclasses.replace(settings)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.learning_rate = 1.0
    assert Adam() != AdamW(weight_decay=0.0)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
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


@pytest.mark.parametrize("kind", [Adam, AdamW])
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


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_only_the_learning_rate_goes_by_position(kind):
    with pytest.raises(TypeError, match="positional argument"):
        kind(0.1, 0.9)
