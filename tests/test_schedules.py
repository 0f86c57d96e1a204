"""Schedules of the learning rate: their formulas, PyTorch's where it has them, and how fit asks."""

from __future__ import annotations

import pickle
import re

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import schedules
from cases import draw_data, make_network

SCHEDULES = [
    schedules.Constant(0.3),
    schedules.Step(0.3, at=(0.2, 0.5, 0.9), factor=0.5),
    schedules.Exponential(0.3, 0.003),
    schedules.InverseScaling(0.3),
    schedules.Polynomial(0.3, 0.01, power=2),
    schedules.Cosine(0.3, end=0.01),
    schedules.Cosine(0.3, warmup=0.1, restarts=2),
    schedules.OneCycle(0.3),
    schedules.FlatCosine(0.3, flat=0.7),
    schedules.CosLog4(0.3),
    schedules.ReduceOnPlateau(0.3),
]
PROGRESS = np.linspace(0, 1, 500, endpoint=False)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_rates_lie_between_nothing_and_the_largest(schedule):
    rates = schedule(PROGRESS)
    assert rates.shape == PROGRESS.shape
    assert rates.dtype == np.float64
    assert (rates >= 0).all()
    assert rates.max() == pytest.approx(0.3, rel=1e-3)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_schedules_are_values(schedule):
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert eval(repr(schedule), vars(schedules)) == schedule
    assert hash(schedule) == hash(eval(repr(schedule), vars(schedules)))


def test_rates_do_not_jump():
    for schedule in (
        schedules.Cosine(1.0, warmup=0.2),
        schedules.OneCycle(1.0),
        schedules.FlatCosine(1.0),
        schedules.CosLog4(1.0),
    ):
        steps = np.abs(np.diff(schedule(np.linspace(0, 1, 100_000, endpoint=False))))
        assert steps.max() < 1e-3, schedule


def test_restarts_are_equal_waves():
    once, thrice = schedules.Cosine(1.0, end=0.1), schedules.Cosine(1.0, end=0.1, restarts=2)
    third = np.linspace(0, 1, 50, endpoint=False) / 3
    for begin in (0, 1 / 3, 2 / 3):
        np.testing.assert_allclose(thrice(begin + third + 1e-12), once(3 * third), atol=1e-9)
    assert thrice(np.array([1.0]))[0] == 0.1


def test_a_cosine_with_warm_up_is_written_out():
    rates = schedules.Cosine(2.0, end=0.5, warmup=0.25)(np.array([0, 0.125, 0.25, 0.625, 1]))
    np.testing.assert_allclose(rates, [0.02, 2 * (0.01 + 0.99 / 2), 2, 1.25, 0.5], rtol=1e-14)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (schedules.Cosine(0.3, end=0.01), lambda t, o: t.CosineAnnealingLR(o, 40, eta_min=0.01)),
        (schedules.Cosine(0.3, restarts=3), lambda t, o: t.CosineAnnealingWarmRestarts(o, 10)),
        (schedules.Polynomial(0.3, power=2), lambda t, o: t.PolynomialLR(o, 40, power=2)),
        (schedules.Polynomial(0.3, 0.03), lambda t, o: t.LinearLR(o, 1, 0.1, 40)),
        (schedules.Exponential(0.3, 0.3 * 0.9**40), lambda t, o: t.ExponentialLR(o, 0.9)),
        (schedules.Step(0.3, at=(0.25, 0.5)), lambda t, o: t.MultiStepLR(o, [10, 20])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_rates_are_pytorchs(ours, theirs):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = theirs(torch.optim.lr_scheduler, optimizer)
    expected = []
    for _ in range(40):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(ours(np.arange(40) / 40), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.torch
def test_one_cycle_is_pytorchs():
    """Whose last batch has the end's rate, so that it counts one less."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.3, total_steps=41, pct_start=0.3 + 0.7 / 41, cycle_momentum=False
    )
    expected = []
    for _ in range(40):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    warmup = (float((0.3 + 0.7 / 41) * 41) - 1) / 40
    ours = schedules.OneCycle(0.3, warmup=warmup)
    np.testing.assert_allclose(ours(np.arange(40) / 40), expected, rtol=1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("patience", [0, 2])
def test_plateaus_are_pytorchs(patience):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience, min_lr=0.01
    )
    ours = schedules.ReduceOnPlateau(0.3, factor=0.5, patience=patience, min_rate=0.01)
    losses = np.random.default_rng(0).exponential(size=30).tolist()
    for epoch, loss in enumerate(losses):
        assert ours.after(losses[:epoch]) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(loss)


def fit(schedule, **arguments):
    net = make_network(bm.MLP, "mse", 3, (4,), dtype="float64")
    X, y = draw_data("mse", 40, 3)
    arguments = {"epochs": 3, "batch_size": 16, "shuffle": False} | arguments
    return net, net.fit(X, y, optimizer=bm.SGD(schedule), **arguments)


def test_a_schedule_is_asked_for_every_epochs_batches():
    asked = []

    def schedule(progress):
        asked.append(progress)
        return 0.1 + 0 * progress

    net, history = fit(schedule)
    np.testing.assert_allclose(np.concatenate(asked[1:]), np.arange(9) / 9)  # the first: a trial
    same, losses = fit(0.1)
    assert np.array_equal(net.parameters, same.parameters)
    assert np.array_equal(history["loss"], losses["loss"])


def test_a_plateau_lowers_the_rate_by_the_evaluation_loss():
    """No loss is a tenth of the one before: the second epoch is the last that changes anything."""
    X, y = draw_data("mse", 40, 3)
    plateau = schedules.ReduceOnPlateau(0.05, factor=1e-12, patience=0, min_delta=0.9)
    _, history = fit(plateau, epochs=5, eval_set=(X, y))
    losses = history["eval_loss"]
    assert losses[0] > losses[1]
    np.testing.assert_allclose(losses[2:], losses[1], rtol=1e-9)


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        (lambda _: "fast", TypeError, "the schedule must return numbers, it returned 'fast'"),
        (lambda _: 0.1, ValueError, "it returned an array of shape \\(\\)"),
        (lambda p: -p, ValueError, "the schedule returned -0.111111 at progress 0.111111"),
        (lambda p: p / 0 if p[0] else p * np.nan, ValueError, "returned nan at progress 0"),
    ],
)
def test_a_schedule_that_does_not_work_is_found_before_any_work(schedule, error, message):
    net = make_network(bm.MLP, "mse", 3, (4,))
    before = net.parameters.copy()
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        net.fit(*draw_data("mse", 48, 3), epochs=3, batch_size=16, optimizer=bm.SGD(schedule))
    assert np.array_equal(net.parameters, before)
    assert net.epochs_trained == 0


def test_a_divergence_names_the_rate_of_its_step():
    rates = np.arange(1.0, 10)
    rates[2] = 1e30  # what is not finite comes of it some steps later
    with pytest.raises(bm.DivergenceError) as caught:
        fit(lambda progress: rates[(9 * progress).round().astype(int)])
    error = caught.value
    assert error.epoch > 1
    assert error.learning_rate == rates[3 * (error.epoch - 1) + error.step - 1]


def test_a_schedule_that_fails_later_ends_the_fit():
    def schedule(progress):
        if progress[0] > 0.5:
            raise RuntimeError("no more")
        return 0.1 + 0 * progress

    net = make_network(bm.MLP, "mse", 3, (4,))
    with pytest.raises(RuntimeError, match="no more"):
        net.fit(*draw_data("mse", 48, 3), epochs=3, batch_size=16, optimizer=bm.SGD(schedule))
    assert np.isfinite(net.parameters).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.Constant(0), "Constant: rate must be positive, got 0.0"),
        (
            lambda: schedules.Step(1, at=(0.5, 2)),
            "Step: at must be numbers in [0, 1], got (0.5, 2)",
        ),
        (lambda: schedules.Cosine(1, warmup=1), "Cosine: warmup must be below 1, got 1.0"),
        (
            lambda: schedules.Cosine(1, restarts=-1),
            "Cosine: restarts must not be negative, got -1.0",
        ),
        (lambda: schedules.OneCycle(1, start=2), "OneCycle: start must lie in [0, 1], got 2.0"),
        (lambda: schedules.ReduceOnPlateau(1, factor=1), "ReduceOnPlateau: factor must be below 1"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("restarts", [1.0, True, "1"])
def test_restarts_are_whole_numbers(restarts):
    with pytest.raises(
        TypeError, match=f"Cosine: restarts must be a whole number, got {restarts!r}"
    ):
        schedules.Cosine(1, restarts=restarts)


def test_a_plot_shows_the_rate():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    schedule = schedules.OneCycle(0.1)
    _, ax = pyplot.subplots()
    assert schedule.plot(ax) is ax
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(y, schedule(x))
    assert ax.get_ylabel() == "learning rate"
    pyplot.close("all")
