"""A fit that goes on from a checkpoint ends as one that never stopped, to the bit."""

from __future__ import annotations

import shutil
import warnings

import briskmlp as bm
import numpy as np
import pytest

ROWS, EPOCHS, CUT = 90, 6, 4


def table(outputs=1, rows=ROWS, inputs=5):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, inputs)) * 3 + 1
    return X, np.stack([X[:, 0] * X[:, 1], X.sum(axis=1)], axis=1)[:, :outputs]


def network(sizes=(5, 40, 1), **kwargs):
    return bm.MLP(sizes, "tanh", seed=3, **kwargs)


def run(folder, epochs, net=None, resume=None, data=None, **settings):
    """Fit with a checkpoint after each epoch."""
    net = network() if net is None else net
    X, y = table() if data is None else data
    keep = bm.Checkpoint(folder, keep_last=None)
    followers = [keep, *settings.pop("callbacks", [])]
    settings = {"batch_size": 16} | settings
    history = net.fit(X, y, epochs=epochs, resume=resume, callbacks=followers, **settings)
    return net, history


def figures(history):
    return {name: values for name, values in history.to_dict().items() if name != "seconds"}


def check(tmp_path, net=None, **settings):
    """Train in one piece and in two, and compare."""
    make = net or network
    whole, in_one = run(tmp_path / "whole", EPOCHS, make(), **settings)
    run(tmp_path / "part", CUT, make(), **settings)
    path = tmp_path / "whole" / f"epoch-{CUT:06}.npz"
    other = make()
    other.parameters[...] = 0.1  # all that matters is in the file
    other.seed, other.epochs_trained = 8, 77
    again, in_two = run(tmp_path / "rest", EPOCHS, other, resume=path, **settings)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    assert figures(in_two) == figures(in_one)
    assert (again.seed, again.epochs_trained) == (whole.seed, whole.epochs_trained)
    files = [(tmp_path / at / f"epoch-{EPOCHS:06}.npz") for at in ("whole", "rest")]
    with np.load(files[0]) as first, np.load(files[1]) as second:
        assert set(first) == set(second)
        for name in first:
            if name.endswith(".npy") and name != "history.npy":
                np.testing.assert_array_equal(first[name], second[name])


OPTIMIZERS = [
    bm.SGD(0.01),
    bm.SGD(0.01, momentum=0.9, nesterov=True),
    bm.Adam(0.01),
    bm.AdamW(0.01, weight_decay=0.1),
    bm.NAdam(0.01),
    bm.RAdam(0.01),
    bm.RMSprop(0.01),
    bm.RMSprop(0.01, momentum=0.5),
    bm.Adagrad(0.05),
    bm.Lion(0.001),
    bm.Muon(0.01),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_optimizers(tmp_path, optimizer):
    check(tmp_path, optimizer=optimizer)


@pytest.mark.parametrize(
    "settings",
    [
        {"average": 0.9},
        {"standardize": True},
        {"standardize": True, "average": 0.9},
        {"dropout": 0.2},
        {"batches_per_step": 4},
        {"shuffle": False, "batch_size": None},
        {"optimizer": bm.Adam(0.01, clip=bm.ClipNorm(0.5), l1=1e-3)},
        {"optimizer": bm.Adam(bm.schedules.Cosine(0.01))},
        {"optimizer": bm.SGD(bm.schedules.ReduceOnPlateau(0.01, patience=0, min_delta=1.0))},
        {"eval_set": table(rows=20), "metrics": "mae"},
        {"sample_weight": np.arange(ROWS) + 1.0},
    ],
    ids=", ".join,
)
def test_settings(tmp_path, settings):
    check(tmp_path, **settings)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("sizes", "rows", "batch_size", "plan"),
    [
        ((2, 2, 1), 50, 16, "two-phase"),
        ((64, 60, 1), 99, 32, "sharded"),
        ((4, 24, 24, 2), 1500, 1400, "chunked"),
    ],
)
def test_plans(tmp_path, dtype, sizes, rows, batch_size, plan):
    data = table(sizes[-1], rows, sizes[0])

    def make():
        return network(sizes, dtype=dtype)

    assert bm.get_num_threads() >= 1
    assert make().explain(data[0], batch_size=batch_size).plan == plan
    check(tmp_path, make, data=data, batch_size=batch_size, optimizer=bm.Adam(0.01), average=0.5)


BETWEEN = {"norm": "layer", "residual": True}


def test_muon_between_hidden_layers(tmp_path):
    check(tmp_path, lambda: network((5, 20, 12, 7, 1)), optimizer=bm.Muon(0.01))


def test_norms_and_residual_connections(tmp_path):
    check(tmp_path, lambda: network((5, 20, 20, 1), **BETWEEN), dropout=0.1)


@pytest.mark.parametrize(("what", "value"), BETWEEN.items())
def test_other_layers_than_in_the_file(tmp_path, what, value):
    """The same parameters, but not the same function."""
    nets = network((5, 20, 20, 1)), network((5, 20, 20, 1), **{what: value})
    for number, (had, has) in enumerate((nets, nets[::-1])):
        run(tmp_path / str(number), 2, had)
        before = has.parameters.copy()
        message = f"{what} {getattr(had, what)!r}, this fit has {getattr(has, what)!r}"
        with pytest.raises(ValueError, match=message):
            run(tmp_path, 3, has, resume=tmp_path / str(number))
        np.testing.assert_array_equal(has.parameters, before)


@pytest.mark.parametrize("optimizer", [bm.Adam(clip=bm.ClipNorm(10)), bm.Muon()], ids=repr)
def test_large_networks_on_many_threads(tmp_path, optimizer):
    """Where threads share the work of taking the state up."""
    data, sizes = table(1, 256, 16), (16, 500, 500, 500, 1)
    settings = {"data": data, "optimizer": optimizer, "batch_size": 256}
    with bm.threads(8):
        whole, _ = run(tmp_path / "whole", 2, network(sizes), **settings)
        for number in range(10):
            again = network(sizes)
            path = tmp_path / "whole" / "epoch-000001.npz"
            run(tmp_path / f"again-{number}", 2, again, resume=path, **settings)
            np.testing.assert_array_equal(again.parameters, whole.parameters)


def test_a_callback_that_does_not_begin_leaves_the_network(tmp_path):
    run(tmp_path, 2)
    net = network(init="zeros")
    with pytest.raises(ValueError, match="nope"):
        net.fit(*table(), resume=tmp_path, callbacks=bm.EarlyStopping(monitor="nope"))
    assert not net.parameters.any()
    assert (net.seed, net.init, net.epochs_trained, net.history) == (3, "zeros", 0, None)


def test_a_state_is_saved_between_epochs_only(tmp_path):
    class Late(bm.Callback):
        def on_fit_end(self, training):
            training.save(tmp_path / "late.npz")

    with pytest.raises(RuntimeError, match=r"training\.save is for on_epoch_end"):
        run(tmp_path, 2, callbacks=[Late()])


def test_twice(tmp_path):
    whole, in_one = run(tmp_path / "whole", EPOCHS)
    net = None
    for epochs in (2, 3, EPOCHS):
        net, history = run(tmp_path, epochs, resume=tmp_path)
        assert len(history) == epochs
    np.testing.assert_array_equal(net.parameters, whole.parameters)
    assert figures(history) == figures(in_one)


def test_after_another_fit(tmp_path):
    """Shuffles and dropout are numbered through the network's life."""
    whole = network()
    X, y = table()
    whole.fit(X, y, epochs=3)
    twin = whole.copy()
    run(tmp_path / "whole", EPOCHS, whole, dropout=0.3)
    run(tmp_path / "part", CUT, twin, dropout=0.3)
    again, history = run(tmp_path / "rest", EPOCHS, resume=tmp_path / "part", dropout=0.3)
    np.testing.assert_array_equal(again.parameters, whole.parameters)
    assert (again.epochs_trained, len(history)) == (9, EPOCHS)


def test_nothing_left_to_do(tmp_path):
    done, in_one = run(tmp_path, EPOCHS)
    net = network(init="zeros")
    history = net.fit(*table(), epochs=EPOCHS - 1, resume=tmp_path)
    np.testing.assert_array_equal(net.parameters, done.parameters)
    assert figures(history) == figures(in_one)
    assert net.history is history


@pytest.mark.parametrize("settings", [{}, {"average": 0.9}, {"standardize": True}], ids=str)
def test_parameters_that_a_callback_has_changed(tmp_path, settings):
    def halve(history):
        if len(history) == CUT:
            nets[-1].parameters *= 0.5

    nets = [network()]
    X, y = table()
    both = {"optimizer": bm.Adam(0.01), "batch_size": 16} | settings
    first = bm.Checkpoint(tmp_path, keep_last=None)
    nets[0].fit(X, y, epochs=EPOCHS, callbacks=[halve, first], **both)
    nets.append(network())
    nets[1].fit(X, y, epochs=EPOCHS, resume=tmp_path / f"epoch-{CUT:06}.npz", **both)
    np.testing.assert_array_equal(nets[1].parameters, nets[0].parameters)


def test_progress_goes_on(tmp_path, capsys):
    run(tmp_path, CUT)
    run(tmp_path, EPOCHS, resume=tmp_path, progress="line")
    assert f"epoch {CUT + 1}/{EPOCHS}" in capsys.readouterr().err


def test_divergence_is_counted_from_the_first_epoch(tmp_path):
    run(tmp_path, CUT, optimizer=bm.SGD(0.01))
    net = network()
    with pytest.raises(bm.DivergenceError) as error:
        run(tmp_path / "b", EPOCHS, net, resume=tmp_path, optimizer=bm.SGD(1e30))
    assert error.value.epoch > CUT
    np.testing.assert_array_equal(
        net.parameters, bm.load(tmp_path / f"epoch-{CUT:06}.npz").parameters
    )
    assert net.epochs_trained == CUT


@pytest.mark.parametrize(
    ("make", "settings", "message"),
    [
        (lambda: network((5, 41, 1)), {}, r"sizes \[5, 40, 1\], this fit has \[5, 41, 1\]"),
        (lambda: network(dtype="float64"), {}, "dtype 'float32', this fit has 'float64'"),
        (lambda: network(loss="mae"), {}, "loss 'mse', this fit has 'mae'"),
        (network, {"optimizer": bm.AdamW()}, "optimizer 'adam', this fit has 'adamw'"),
        (network, {"optimizer": bm.LBFGS()}, "LBFGS cannot be resumed"),
        (network, {"standardize": True}, "standardize False, this fit has True"),
        (
            network,
            {"average": 0.5},
            "momentum or average are not .* this fit would keep average, state1, state2, weights",
        ),
        (network, {"eval_set": table()}, r"figures \['loss', 'seconds'\], this fit has"),
    ],
    ids=str,
)
def test_what_does_not_fit(tmp_path, make, settings, message):
    run(tmp_path, 2, batch_size=None)
    net = make()
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=message):
        net.fit(*table(), resume=tmp_path, **settings)
    np.testing.assert_array_equal(net.parameters, before)
    assert (net.history, net.epochs_trained) == (None, 0)


def test_files_without_a_training(tmp_path):
    net, _ = run(tmp_path, 2)
    net.save(tmp_path / "plain.npz")
    for path in (tmp_path / "plain.npz", tmp_path / "best.npz"):
        with pytest.raises(ValueError, match=f"{path.name} has no training to go on with"):
            network().fit(*table(), resume=path)
    with pytest.raises(FileNotFoundError):
        network().fit(*table(), resume=tmp_path / "absent.npz")


def test_a_folder_without_checkpoints_starts_afresh(tmp_path):
    net, history = run(tmp_path, 2, resume=tmp_path)
    assert len(history) == net.epochs_trained == 2
    shutil.rmtree(tmp_path)
    with pytest.raises(FileNotFoundError):
        run(tmp_path, 2, resume=tmp_path)


def test_checkpoints_of_lbfgs_have_the_network(tmp_path):
    pytest.importorskip("scipy")
    net, _ = run(tmp_path, 2, optimizer="lbfgs", batch_size=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        twin = bm.load(tmp_path / "epoch-000002.npz")
    np.testing.assert_array_equal(twin.parameters, net.parameters)
