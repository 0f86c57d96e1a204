"""The same bits, and the reference's numbers, for networks and trainings that nobody chose.

BRISKMLP_EXAMPLES multiplies the number of examples: 50, say, before a release.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any, NamedTuple

import briskmlp as bm
import numpy as np
import pytest
from briskmlp import reference
from cases import MORE_OPTIMIZERS, OPTIMIZERS, PROBLEMS, draw_data, draw_weights, make_network
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

FACTOR = int(os.environ.get("BRISKMLP_EXAMPLES", "1"))
EVERY_OPTIMIZER = OPTIMIZERS | MORE_OPTIMIZERS
# They need as many layers as they have rates, or depend on the losses of a run by a comparison.
FREE_OPTIMIZERS = sorted(set(EVERY_OPTIMIZER) - {"groups", "plateau"})
WIDTHS = [1, 2, 3, 5, 8, 15, 16, 17, 31, 33, 48, 64, 100, 129, 200]


def examples(count: int) -> settings:
    return settings(
        max_examples=count * FACTOR,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize=FACTOR == 1,
    )


@pytest.fixture(autouse=True)
def _threads_as_before():
    with bm.threads(bm.get_num_threads()):
        yield


class Run(NamedTuple):
    """A network, its data, and how it is trained."""

    problem: str
    inputs: int
    hidden: tuple[int, ...]
    rows: int
    network: dict[str, Any]
    fit: dict[str, Any]

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        return draw_data(self.problem, self.rows, self.inputs)

    def make(self, kind: Any = bm.MLP, **arguments: Any) -> Any:
        return make_network(
            kind, self.problem, self.inputs, self.hidden, **self.network | arguments
        )

    def train(self, threads: int = 1, **arguments: Any) -> list[np.ndarray]:
        net, (X, y) = self.make(), self.data()
        with bm.threads(threads):
            history = net.fit(X, y, eval_set=(X, y), **self.fit | arguments)
            figures = [history[name] for name in ("loss", "eval_loss", "eval_metric")]
            return [net.parameters.copy(), net.predict(X), net.gradients(X, y)[1], *figures]


@st.composite
def runs(draw: DrawFn) -> Run:
    hidden = tuple(draw(st.lists(st.sampled_from(WIDTHS), max_size=4)))
    rows = draw(st.integers(2, 700))
    return Run(
        problem=draw(st.sampled_from(sorted(PROBLEMS))),
        inputs=draw(st.sampled_from(WIDTHS)),
        hidden=hidden,
        rows=rows,
        network={
            "activation": draw(st.sampled_from(sorted(reference.ACTIVATIONS))),
            "dtype": draw(st.sampled_from(["float32", "float64"])),
            "norm": draw(st.sampled_from([None, None, "layer"])) if 1 not in hidden else None,
            "residual": draw(st.booleans()),
        },
        fit={
            "epochs": draw(st.integers(1, 3)),
            "batch_size": draw(st.integers(1, min(rows, 300))),
            "optimizer": EVERY_OPTIMIZER[draw(st.sampled_from(FREE_OPTIMIZERS))],
            "batches_per_step": draw(st.sampled_from([1, 1, 2])),
            "average": draw(st.sampled_from([0.0, 0.0, 0.9])),
            "dropout": draw(st.sampled_from([0.0, 0.0, 0.25])) if hidden else 0.0,
            "input_noise": draw(st.sampled_from([0.0, 0.0, 0.1])),
            "shuffle": draw(st.booleans()),
            "sample_weight": draw(st.sampled_from([None, draw_weights(rows)])),
        },
    )


def outcome(train: Any) -> list[np.ndarray] | int:
    """What a training gives; or, where it diverges, the epoch in which it does."""
    try:
        return train()
    except bm.DivergenceError as error:
        return error.epoch


def same(one: Any, other: Any) -> bool:
    if isinstance(one, int) or isinstance(other, int):
        return one == other
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


@given(run=runs(), threads=st.lists(st.integers(2, 8), min_size=1, max_size=2))
@examples(60)
def test_training_again_and_on_any_number_of_threads(run: Run, threads: list[int]) -> None:
    one = outcome(run.train)
    assert same(outcome(run.train), one)
    for count in threads:
        assert same(outcome(lambda count=count: run.train(count)), one)


@given(run=runs(), rows=st.lists(st.integers(1, 200), min_size=1, max_size=3))
@examples(60)
def test_rows_alone_and_in_any_batch(run: Run, rows: list[int]) -> None:
    net, X = run.make(), run.data()[0]
    whole, raw = net.predict(X), net(X)
    for count in rows:
        first = max(0, len(X) - count) // 2
        part = slice(first, first + count)
        assert np.array_equal(net.predict(X[part]), whole[part])
        assert np.array_equal(net(X[part]), raw[part])
        assert np.array_equal(net.predict(X[first]), whole[first])
        assert np.array_equal(net.predict(X[first : first + 1])[0], whole[first])


@given(run=runs(), stop=st.integers(1, 3), threads=st.integers(1, 8))
@examples(25)
def test_resuming(run: Run, stop: int, threads: int) -> None:
    """A fit that was ended after some epoch, and resumed in another network, on other threads."""
    whole = outcome(lambda: run.train(epochs=4))
    if isinstance(whole, int):
        return
    with tempfile.TemporaryDirectory() as folder:

        def ends(history: bm.History) -> bool:
            return len(history) == stop

        run.train(epochs=4, callbacks=bm.Checkpoint(folder), callback=ends)
        assert same(run.train(threads, epochs=4, resume=folder), whole)


# --- Beside the reference ----------------------------------------------------------------------


@given(run=runs())
@examples(60)
def test_the_references_predictions_losses_and_gradients(run: Run) -> None:
    """In float64, where all that differs is rounding."""
    ours, theirs = (run.make(kind, dtype="float64") for kind in (bm.MLP, reference.MLP))
    X, y = run.data()
    weight = run.fit["sample_weight"]
    for one, other in (
        (ours.predict(X), theirs.predict(X)),
        (ours(X), theirs(X)),
        (
            ours.evaluate(X, y, sample_weight=weight)[0],
            theirs.evaluate(X, y, sample_weight=weight)[0],
        ),
        *zip(
            ours.gradients(X, y, sample_weight=weight),
            theirs.gradients(X, y, sample_weight=weight),
            strict=True,
        ),
    ):
        # Sums of at most 5 layers of 200 terms and of 700 rows, each rounded, times the growth of
        # a layer norm's division by small deviations: far below 1e-9 of the largest entry.
        scale = 1 + np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9 * scale)


@given(run=runs())
@examples(40)
def test_the_references_training(run: Run) -> None:
    """A single step of the optimizer from the same gradient: many would amplify the rounding."""
    fit = run.fit | {"epochs": 1, "batch_size": run.rows, "batches_per_step": 1, "input_noise": 0.0}
    if isinstance(fit["optimizer"], bm.Lion):
        return  # its step is a sign, which rounding may turn over
    ours, theirs = (run.make(kind, dtype="float64") for kind in (bm.MLP, reference.MLP))
    X, y = run.data()
    before = ours.parameters.copy()
    one, other = (net.fit(X, y, **fit)["loss"] for net in (ours, theirs))
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)
    step, expected = ours.parameters - before, theirs.parameters - before
    assert np.isfinite(step).all()
    # Where a gradient is next to nothing, Adam and its kin divide rounding by rounding.
    clear = np.abs(run.make(dtype="float64").gradients(X, y, sample_weight=fit["sample_weight"])[1])
    matters = clear > 1e-7 * clear.max()
    if not fit["dropout"]:
        np.testing.assert_allclose(step[matters], expected[matters], rtol=1e-5, atol=1e-12)
