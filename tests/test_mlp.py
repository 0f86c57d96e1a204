"""The network as an object: its views, copies, pickles, repr, and what fit leaves behind."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import briskmlp as bm
import numpy as np
import pytest


@pytest.fixture(params=["float32", "float64"])
def net(request: pytest.FixtureRequest) -> bm.MLP:
    return bm.MLP([4, 5, 3], "tanh", loss="cross_entropy", dtype=request.param, seed=3)


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 4)), rng.integers(3, size=50)


def test_attributes(net: bm.MLP) -> None:
    assert net.sizes == (4, 5, 3)
    assert net.activations == ("tanh", "identity")
    assert net.loss == "cross_entropy"
    assert net.num_parameters == 5 * 5 + 6 * 3
    assert net.dtype in (np.float32, np.float64)
    assert net.seed == 3
    assert net.epochs_trained == 0
    assert net.history is None


def test_defaults() -> None:
    net = bm.MLP([2, 7, 7, 1])
    assert net.activations == ("relu", "relu", "identity")
    assert net.loss == "mse"
    assert net.dtype == np.float32


def test_activations_one_per_hidden_or_one_per_layer() -> None:
    assert bm.MLP([2, 3, 4, 1], ["relu", "tanh"]).activations == ("relu", "tanh", "identity")
    assert bm.MLP([2, 3, 1], ("relu", "sigmoid")).activations == ("relu", "sigmoid")
    assert bm.MLP([2, 1], "relu").activations == ("identity",)


def test_seed_fixes_the_network_and_none_draws_one() -> None:
    first, again, other = (bm.MLP([8, 8], seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.parameters, again.parameters)
    assert not np.array_equal(first.parameters, other.parameters)
    drawn = bm.MLP([8, 8])
    assert drawn.seed != bm.MLP([8, 8]).seed
    repeated = bm.MLP([8, 8], seed=drawn.seed)
    np.testing.assert_array_equal(drawn.parameters, repeated.parameters)


def test_init() -> None:
    assert not bm.MLP([8, 8], init="zeros").parameters.any()
    net = bm.MLP([8, 8], init="he_uniform", seed=0)
    assert np.abs(net.weights[0]).max() <= np.sqrt(6 / 8)
    assert net.weights[0].any()
    assert not net.biases[0].any()


def test_parameters_are_laid_out_layer_by_layer(net: bm.MLP) -> None:
    net.parameters = np.arange(43)
    assert [W.shape for W in net.weights] == [(4, 5), (5, 3)]
    assert [b.shape for b in net.biases] == [(5,), (3,)]
    np.testing.assert_array_equal(net.weights[0], np.arange(20).reshape(4, 5))
    np.testing.assert_array_equal(net.biases[0], np.arange(20, 25))
    np.testing.assert_array_equal(net.weights[1], np.arange(25, 40).reshape(5, 3))
    np.testing.assert_array_equal(net.biases[1], np.arange(40, 43))


def test_views_are_live_and_writable(net: bm.MLP) -> None:
    x = np.ones(4)
    net.parameters[:] = 0
    net.biases[1][:] = [1, 2, 3]
    np.testing.assert_array_equal(net(x), [1, 2, 3])
    net.biases[1] = [4, 5, 6]
    np.testing.assert_array_equal(net(x), [4, 5, 6])
    net.biases[1] += 1
    np.testing.assert_array_equal(net(x), [5, 6, 7])
    net.parameters *= 2
    np.testing.assert_array_equal(net(x), [10, 12, 14])
    assert np.shares_memory(net.weights[0], net.parameters)


def test_views_keep_the_network_alive() -> None:
    view = bm.MLP([2, 2], init="zeros").weights[0]
    view[:] = 7
    np.testing.assert_array_equal(view, np.full((2, 2), 7))


def test_whole_attributes_are_assigned_by_copy(net: bm.MLP) -> None:
    weights = [np.full((4, 5), 1.0), np.full((5, 3), 2.0)]
    net.weights = weights
    net.biases = [np.full(5, 3.0), np.full(3, 4.0)]
    weights[0][:] = -1
    assert sorted(set(net.parameters.tolist())) == [1, 2, 3, 4]


def test_assigning_a_network_its_own_parameters_changes_nothing(net: bm.MLP) -> None:
    before = net.parameters.copy()
    net.parameters = net.parameters
    net.weights = net.weights
    np.testing.assert_array_equal(net.parameters, before)


def test_split_gives_views_of_any_flat_array(net: bm.MLP) -> None:
    flat = np.zeros(net.num_parameters)
    weights, biases = net.split(flat)
    weights[1][...] = 1
    biases[0][...] = 2
    assert flat.sum() == 15 + 10
    assert len(weights) == len(biases) == 2


@pytest.mark.parametrize(
    "duplicate", [bm.MLP.copy, copy.copy, copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))]
)
def test_copies_are_equal_and_independent(net: bm.MLP, data, duplicate) -> None:
    X, y = data
    net.fit(X, y, epochs=2, batch_size=10)
    twin = duplicate(net)
    assert repr(twin) == repr(net)
    assert (twin.seed, twin.epochs_trained, twin.dtype) == (3, 2, net.dtype)
    np.testing.assert_array_equal(twin.parameters, net.parameters)
    np.testing.assert_array_equal(twin.predict(X), net.predict(X))

    before = net.parameters.copy()
    history = twin.fit(X, y, epochs=2, batch_size=10)
    np.testing.assert_array_equal(net.parameters, before)
    np.testing.assert_array_equal(net.fit(X, y, epochs=2, batch_size=10)["loss"], history["loss"])


def test_copy_of_a_subclass_is_one() -> None:
    class Special(bm.MLP):
        pass

    assert type(Special([2, 1]).copy()) is Special


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 3}, "in format 3; briskmlp .* reads formats up to 2"),
        ({"parameters": np.zeros(3)}, r"parameters has shape \(3,\), expected \(43,\)"),
        ({"loss": "hinge"}, "unknown loss 'hinge'"),
        ({"sizes": [4, 0, 3]}, r"sizes\[1\] must be at least 1, got 0"),
        ({"dtype": "int8"}, "expected 'float32' or 'float64'"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"epochs_trained": -1}, "epochs_trained must be at least 0"),
    ],
)
def test_a_damaged_state_is_an_error(net: bm.MLP, changes, message: str) -> None:
    state = net.__getstate__() | changes
    with pytest.raises(ValueError, match=message):
        bm.MLP.__new__(bm.MLP).__setstate__(state)


def test_an_incomplete_state_is_an_error(net: bm.MLP) -> None:
    state = net.__getstate__()
    del state["loss"], state["seed"]
    with pytest.raises(ValueError, match="lacks loss, seed"):
        bm.MLP.__new__(bm.MLP).__setstate__(state)
    with pytest.raises(ValueError, match="not the state of a briskmlp network"):
        bm.MLP.__new__(bm.MLP).__setstate__({})
    state = net.__getstate__()
    del state["parameters"]
    with pytest.raises(ValueError, match="lacks parameters"):
        bm.MLP.__new__(bm.MLP).__setstate__(state)


def test_repr() -> None:
    net = bm.MLP([784, 100, 10], ["gelu"], loss="cross_entropy", dtype="float64")
    assert repr(net).splitlines() == [
        "MLP([784, 100, 10], loss='cross_entropy', dtype='float64')",
        "  784 -> 100  gelu      78,500 parameters",
        "  100 -> 10   identity   1,010",
        "  together              79,510",
    ]


def test_repr_folds_what_is_alike() -> None:
    deep = bm.MLP([2, *[32] * 50, 8, 8, 1], norm="layer", residual=True)
    assert repr(deep).splitlines() == [
        "MLP([2, *[32] * 50, 8, 8, 1], loss='mse', dtype='float32', norm='layer', residual=True)",
        "  2 -> 32   relu, norm             96 parameters",
        "  32 -> 32  relu + skip, norm   1,056 x 49",
        "  32 -> 8   relu, norm            264",
        "  8 -> 8    relu + skip, norm      72",
        "  8 -> 1    identity                9",
        "  together                     52,185",
    ]
    assert repr(bm.MLP([4, 4, 4, 4, 4])).splitlines()[1:] == [
        "  4 -> 4  relu      20 x 3 parameters",
        "  4 -> 4  identity  20",
        "  together          80",
    ]
    rows = str(deep.summary()).splitlines()[1:]
    assert [row.split()[0] for row in rows[:6]] == ["layer", "1", "2-50", "51", "52", "53"]
    assert rows[2].split("  ")[-1].strip() == "49 x 128"
    assert len(deep.summary().layers) == 53


def test_gradients_and_backward_agree(net: bm.MLP, data) -> None:
    X, y = data
    loss, gradient = net.gradients(X, y)
    assert loss == pytest.approx(net.evaluate(X, y).loss, rel=1e-6)
    assert gradient.shape == net.parameters.shape
    assert gradient.dtype == net.dtype
    d_z = (net.predict(X) - np.eye(3)[y]) / len(X)  # of the mean cross entropy by the logits
    dX, pulled_back = net.backward(X, d_z)
    assert dX.shape == X.shape
    assert dX.dtype == net.dtype
    # Sums of 50 products of numbers below 5, in another order.
    np.testing.assert_allclose(pulled_back, gradient, atol=50 * 5 * np.finfo(net.dtype).eps)
    d_x, _ = net.backward(X[7], d_z[7])
    np.testing.assert_allclose(d_x, dX[7], atol=50 * np.finfo(net.dtype).eps)


def test_gradients_leave_the_network_alone(net: bm.MLP, data) -> None:
    before = net.parameters.copy()
    net.gradients(*data)
    net.evaluate(*data)
    np.testing.assert_array_equal(net.parameters, before)


# --- Threads -----------------------------------------------------------------------------------


def test_threads_restores_what_was() -> None:
    before = bm.get_num_threads()
    with bm.threads(1):
        assert bm.get_num_threads() == 1
    assert bm.get_num_threads() == before
    with pytest.raises(KeyError), bm.threads(1):
        raise KeyError
    assert bm.get_num_threads() == before


def test_show_config(capsys: pytest.CaptureFixture[str]) -> None:
    config = bm.show_config("dict")
    assert config["version"] == bm.__version__
    assert config["isa"] in config["supported_isas"]
    assert config["num_threads"] == bm.get_num_threads()
    assert bm.show_config() is None
    assert f"isa                   {config['isa']}" in capsys.readouterr().out


def test_networks_train_in_several_python_threads_at_once(data) -> None:
    X, y = data
    expected = bm.MLP([4, 5, 3], loss="cross_entropy", seed=0)
    expected.fit(X, y, epochs=20, batch_size=10)
    nets = [bm.MLP([4, 5, 3], loss="cross_entropy", seed=0) for _ in range(4)]
    workers = [
        threading.Thread(target=net.fit, args=(X, y), kwargs={"epochs": 20, "batch_size": 10})
        for net in nets
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for net in nets:
        np.testing.assert_array_equal(net.parameters, expected.parameters)


def test_a_missing_extension_is_an_error_that_helps(tmp_path: Path) -> None:
    package = tmp_path / "briskmlp"
    package.mkdir()
    (package / "__init__.py").write_bytes(Path(bm.__file__).read_bytes())
    command = [sys.executable, "-c", "import briskmlp"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "ImportError: briskmlp's compiled part is missing. Install" in process.stderr


def test_what_the_extension_misses_is_called_by_its_name() -> None:
    program = """
        import sys

        class Finder:
            def find_spec(self, name, path, target=None):
                if name == "briskmlp._briskmlp_core":
                    raise ModuleNotFoundError("no library today", name="library")

        sys.meta_path.insert(0, Finder())
        import briskmlp
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.stderr.endswith("ModuleNotFoundError: no library today\n")
    assert "compiled part" not in process.stderr


def test_an_unknown_instruction_set_is_an_error_of_the_import() -> None:
    command = [sys.executable, "-c", "import briskmlp"]
    environment = os.environ | {"BRISKMLP_ISA": "mmx"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert "BRISKMLP_ISA" in process.stderr
    assert "portable" in process.stderr


def test_reference_is_loaded_on_demand() -> None:
    assert "reference" in dir(bm)
    assert bm.reference.__name__ == "briskmlp.reference"
    with pytest.raises(AttributeError, match="no attribute 'refrence'"):
        bm.refrence  # noqa: B018


def test_layers_are_assigned_one_at_a_time(net: bm.MLP) -> None:
    before = net.parameters.copy()
    with pytest.raises(TypeError, match="assign to one layer at a time"):
        net.biases[:] = [np.zeros(5), np.zeros(3)]
    np.testing.assert_array_equal(net.parameters, before)


def test_sizes_are_a_list() -> None:
    assert bm.MLP(np.array([2, 3, 1])).sizes == (2, 3, 1)
    with pytest.raises(ValueError, match=r"sizes has shape \(1, 3\), expected one dimension"):
        bm.MLP(np.array([[2, 3, 1]]))
