"""
The compiled core of briskmlp. Use it through the package briskmlp.
"""

from __future__ import annotations
import collections.abc
import numpy
import typing

__all__: list[str] = [
    "EpochReport",
    "FitOptions",
    "FitOutcome",
    "Network",
    "OptimizerSpec",
    "PlanReport",
    "activation_names",
    "config",
    "expected_seconds",
    "find_nonfinite",
    "fit",
    "initializer_names",
    "layer_norm",
    "loss_names",
    "loss_of",
    "make_linear_ufuncs",
    "make_matmul_ufuncs",
    "make_ufuncs",
    "norm_names",
    "num_threads",
    "peak_gflops",
    "plan",
    "set_num_threads",
    "training_state",
]

class Network:
    """
    Layers and one flat buffer of parameters.
    """
    def __init__(
        self,
        sizes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        activations: collections.abc.Sequence[str],
        loss: str,
        loss_settings: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        dtype: str,
        norm: str | None = None,
        residual: bool = False,
    ) -> None: ...
    def backward(self, x: numpy.ndarray, d_y: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
        """
        The gradient (M, in) by x, and (P,) by the parameters.
        """
    def evaluate(
        self,
        data: tuple[
            numpy.ndarray | tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray],
            numpy.ndarray,
            numpy.ndarray | None,
        ],
    ) -> tuple[float, float]:
        """
        Mean loss, and metric.
        """
    def gradients(
        self,
        data: tuple[
            numpy.ndarray | tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray],
            numpy.ndarray,
            numpy.ndarray | None,
        ],
        threads: typing.SupportsInt | typing.SupportsIndex | None = None,
    ) -> tuple[float, numpy.ndarray]:
        """
        Mean loss, and its gradient (P,), on at most so many threads.
        """
    def initialize(
        self, seed: typing.SupportsInt | typing.SupportsIndex, initializer: str
    ) -> None: ...
    def predict_row(self, x: typing.Any, out: typing.Any) -> numpy.ndarray | None:
        """
        The prediction for one plain row x, or None when x or out is not plain.
        """
    def predict_rows(
        self,
        x: numpy.ndarray | tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray],
        out: numpy.ndarray,
        raw: bool,
        threads: typing.SupportsInt | typing.SupportsIndex | None = None,
    ) -> None:
        """
        Predictions for x (M, in), dense or CSR's (data, columns, starts), into out (M, out).
        """
    def raw_row(self, x: typing.Any, out: typing.Any) -> numpy.ndarray | None:
        """
        The raw outputs for one plain row x, or None when x or out is not plain.
        """
    @property
    def activations(self) -> list[str]: ...
    @property
    def dtype(self) -> numpy.dtype[typing.Any]: ...
    @property
    def inputs(self) -> int: ...
    @property
    def loss(self) -> str: ...
    @property
    def loss_settings(self) -> list[float]: ...
    @property
    def metric(self) -> str: ...
    @property
    def norm(self) -> str: ...
    @property
    def normalized_layers(self) -> list[bool]: ...
    @property
    def outputs(self) -> int: ...
    @property
    def parameters(self) -> numpy.ndarray: ...
    @property
    def residual(self) -> bool: ...
    @property
    def residual_layers(self) -> list[bool]: ...
    @property
    def sizes(self) -> list[int]: ...
    @property
    def target_cols(self) -> int: ...

class OptimizerSpec:
    """
    An optimizer's settings.
    """
    def __init__(
        self,
        kind: str,
        *,
        learning_rate: typing.SupportsFloat | typing.SupportsIndex,
        momentum: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        nesterov: bool = False,
        betas: tuple[
            typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex
        ] = (0.9, 0.999),
        eps: typing.SupportsFloat | typing.SupportsIndex = 1e-08,
        weight_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        layer_rates: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] = [],
        decay_biases: bool = True,
        l1: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        clip_value: typing.SupportsFloat | typing.SupportsIndex = ...,
        clip_norm: typing.SupportsFloat | typing.SupportsIndex = ...,
        average: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        decoupled: bool = False,
        rate_in_velocity: bool = False,
        plain_epsilon: bool = False,
        row_decay: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    def state_names(self) -> list[str]:
        """
        The arrays of training with it, see training_state.
        """

class FitOptions:
    """
    How to train.
    """
    def __init__(
        self,
        *,
        epochs: typing.SupportsInt | typing.SupportsIndex,
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        shuffle: bool,
        seed: typing.SupportsInt | typing.SupportsIndex,
        first_epoch: typing.SupportsInt | typing.SupportsIndex,
        batches_per_step: typing.SupportsInt | typing.SupportsIndex,
        steps_before: typing.SupportsInt | typing.SupportsIndex,
        optimizer: OptimizerSpec,
        dropout: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        noise: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
        gradient_factor: typing.SupportsFloat | typing.SupportsIndex = 1.0,
        penalty: bool = False,
        threads: typing.SupportsInt | typing.SupportsIndex | None = None,
        batch_norm: bool = False,
        folded: bool = True,
    ) -> None: ...
    def steps(self, batches: typing.SupportsInt | typing.SupportsIndex) -> int:
        """
        The optimizer's steps in an epoch of so many batches.
        """
    @property
    def batch_norm(self) -> bool: ...
    @property
    def epochs(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def steps_before(self) -> int: ...

class EpochReport:
    """
    The figures of one epoch.
    """
    @property
    def epoch(self) -> int: ...
    @property
    def eval_loss(self) -> float: ...
    @property
    def eval_metric(self) -> float: ...
    @property
    def loss(self) -> float: ...
    @property
    def penalty(self) -> float: ...
    @property
    def seconds(self) -> float: ...

class FitOutcome:
    """
    How a fit ended.
    """
    @property
    def batches_done(self) -> int: ...
    @property
    def diverged(self) -> bool: ...
    @property
    def epoch(self) -> int: ...
    @property
    def epochs(self) -> list[EpochReport]: ...
    @property
    def error(self) -> typing.Any: ...
    @property
    def step(self) -> int: ...

class PlanReport:
    """
    How a network would be trained.
    """
    @property
    def barriers(self) -> int: ...
    @property
    def exchanged(self) -> float: ...
    @property
    def flops(self) -> float: ...
    @property
    def isa(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def lanes(self) -> int: ...
    @property
    def padded_flops(self) -> float: ...
    @property
    def parts(self) -> int: ...
    @property
    def row_tile(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def tile_columns(self) -> int: ...
    @property
    def tile_rows(self) -> int: ...

def activation_names() -> list[str]: ...
def config() -> dict[str, typing.Any]:
    """
    What the library was built with and runs on.
    """

def expected_seconds(
    network: Network,
    batch_size: typing.SupportsInt | typing.SupportsIndex,
    peak: typing.SupportsFloat | typing.SupportsIndex,
    threads: typing.SupportsInt | typing.SupportsIndex,
) -> float:
    """
    How long a step should take on threads that can each do `peak` GFLOP/s.
    """

def find_nonfinite(x: numpy.ndarray) -> tuple[int, int] | None:
    """
    Row and column of the first entry of a matrix that is NaN or infinite, or None.
    """

def fit(
    network: Network,
    data: tuple[
        numpy.ndarray | tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray],
        numpy.ndarray,
        numpy.ndarray | None,
    ],
    eval: tuple[
        numpy.ndarray | tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray],
        numpy.ndarray,
        numpy.ndarray | None,
    ]
    | None,
    options: FitOptions,
    on_epoch: typing.Any,
    rates: typing.Any,
    losses: numpy.ndarray | None = None,
    resumed: dict[str, numpy.ndarray] | None = None,
    loss: typing.Any = None,
    order: typing.Any = None,
) -> FitOutcome:
    """
    Trains in place. on_epoch(report), unless None, returns true to stop; rates(epoch, batches), unless None, gives factors of the learning rate, epochs counted from 0. The loss of each batch is written to `losses` (epochs, batches), float64, unless None. `resumed` is a training_state to go on from, after options.steps_before steps. loss(numbers, raw), unless None, gives the loss of rows with these numbers and its gradient by their raw outputs, in place of the network's; the data's y then has no columns. order(epoch, rows), unless None, gives the numbers of an epoch's rows, uint32 (rows), or None for all as the options say.
    """

def initializer_names() -> list[str]: ...
def layer_norm(x: numpy.ndarray, y: numpy.ndarray, d: numpy.ndarray | None = None) -> None:
    """
    The rows of x (M, N) normalised into y; d from the gradient by y to that by x.
    """

def loss_names() -> list[str]: ...
def loss_of(loss: str, z: numpy.ndarray, y: numpy.ndarray, d: numpy.ndarray | None) -> float:
    """
    The mean loss of raw outputs z (M, out); d, unless None, receives its gradient by z.
    """

def make_linear_ufuncs() -> dict[str, typing.Any]:
    """
    linear's ufuncs by the name of the activation: without a bias, and with one.
    """

def make_matmul_ufuncs(docs: collections.abc.Mapping[str, str]) -> dict[str, typing.Any]:
    """
    matmul and those of its relatives that NumPy has, with these docstrings.
    """

def make_ufuncs(docs: collections.abc.Mapping[str, str]) -> dict[str, typing.Any]:
    """
    The functions of arrays by name, with these docstrings.
    """

def norm_names() -> list[str]:
    """
    The names of norms between layers.
    """

def num_threads() -> int:
    """
    Threads a computation may use.
    """

def peak_gflops(dtype: str, seconds: typing.SupportsFloat | typing.SupportsIndex) -> float:
    """
    GFLOP/s of multiply-adds on each of the threads a computation may use, measured.
    """

def plan(
    network: Network,
    batch_size: typing.SupportsInt | typing.SupportsIndex,
    steps: typing.SupportsInt | typing.SupportsIndex,
) -> PlanReport:
    """
    How the network would be trained in epochs of so many steps.
    """

def set_num_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None: ...
def training_state(network: Network) -> dict[str, numpy.ndarray] | None:
    """
    Where the latest fit stands, after it or in its on_epoch: copies of its arrays (P), by name. None if it diverged, or there was none.
    """

__version__: str = "0.1.0"
