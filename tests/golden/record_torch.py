"""Trains small networks in PyTorch and records each step's loss and the parameters at the end.

Run by hand, where PyTorch is installed, when a case is added (in tests/):

    python -m golden.record_torch

It writes torch.json, from which test_trajectories.py has all it needs; test_torch_live.py trains
what is recorded there anew.
"""

from __future__ import annotations

import itertools
import json
import platform
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from briskmlp import reference
from briskmlp._loss_settings import KINDS, Loss
from briskmlp._losses import from_plain, named_numbers, plain
from cases import OPTIMIZERS, PROBLEMS, draw_data, make_network
from torch.nn import functional

FILE = Path(__file__).with_name("torch.json")
ROWS, INPUTS, HIDDEN = 8, 3, (5, 4)
STEPS = 10
TORCH_HAS = ("learning_rate", "momentum", "nesterov", "betas", "alpha", "eps", "weight_decay")
torch.set_num_threads(1)  # more would only wait for each other
torch.set_default_dtype(torch.float64)  # of the scalars that optimizers keep, too

ACTIVATIONS = {
    "identity": torch.nn.Identity(),
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "softplus": partial(functional.softplus, threshold=40),  # the default, 20, is off by 2e-9 there
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
# Their slopes jump at 0. Recorded networks keep a distance from it that no rounding can cross.
KINKED = ("relu", "leaky_relu", "selu")
DISTANCE = 1 / 256


def gaussian_nll(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    mean, log_variance = z.chunk(2, dim=1)
    return functional.gaussian_nll_loss(mean, y, log_variance.exp(), full=True, eps=1e-300)


def quantiles(z: torch.Tensor, y: torch.Tensor, levels: list[float]) -> torch.Tensor:
    middle = (len(levels) - 1) // 2
    z = z.reshape(len(z), len(levels), -1)
    steps = functional.softplus(z, threshold=40)
    sum_up = steps[:, middle + 1 :].cumsum(1)
    sum_down = steps[:, :middle].flip(1).cumsum(1).flip(1)
    start = z[:, middle : middle + 1]
    error = y[:, None] - torch.cat([start - sum_down, start, start + sum_up], 1)
    t = torch.tensor(levels, dtype=z.dtype)[:, None]
    return torch.maximum(t * error, (t - 1) * error).mean()


def focal(z: torch.Tensor, y: torch.Tensor, gamma: float) -> torch.Tensor:
    losses = functional.cross_entropy(z, y, reduction="none")
    return ((1 - torch.exp(-losses)) ** gamma * losses).mean()


def poisson(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    constant = (torch.xlogy(y, y) - y).mean()  # which PyTorch leaves out
    return functional.poisson_nll_loss(z, y, log_input=True, full=False) + constant


def tweedie(z: torch.Tensor, y: torch.Tensor, power: float) -> torch.Tensor:
    a, b = 2 - power, power - 1
    return (torch.exp(a * z) / a + y * torch.exp(-b * z) / b - y**a / (a * b)).mean()


LOSSES = {
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.huber_loss,
    "log_cosh": lambda z, y: torch.log(torch.cosh(z - y)).mean(),
    "quantile": quantiles,
    "cross_entropy": functional.cross_entropy,
    "focal": focal,
    "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
    "gaussian_nll": gaussian_nll,
    "poisson": poisson,
    "gamma": lambda z, y: (y / z.exp() - 1 - torch.log(y / z.exp())).mean(),
    "tweedie": tweedie,
}


def loss_of(loss: Loss) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """PyTorch's for one of ours: their settings have the same names."""
    name, _ = named_numbers(loss)
    settings = KINDS[name]() if loss in KINDS else loss
    return partial(LOSSES[name], **({} if isinstance(settings, str) else vars(settings)))


CASES = [  # problem, activation and optimizer, by the names in `cases`
    *(("mse", activation, "sgd") for activation in ACTIVATIONS),
    *((problem, "tanh", "sgd momentum") for problem in PROBLEMS),
    *(("labels", "tanh", optimizer) for optimizer in OPTIMIZERS if optimizer != "sgd momentum"),
]


class Trajectory(NamedTuple):
    losses: list[float]  # before each step
    weights: list[Any]  # after the last, (K, N) each
    biases: list[Any]  # likewise, (N,) each
    distance: float  # of the hidden layers' z from 0, at least


def forward(
    X: torch.Tensor, weights: list[torch.Tensor], biases: list[torch.Tensor], activation: str
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The raw outputs, and z = x @ W + b of each hidden layer."""
    zs = []
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        zs.append(X @ W + b)
        X = ACTIVATIONS[activation](zs[-1])
    return X @ weights[-1] + biases[-1], zs


def train(start: dict[str, Any]) -> Trajectory:
    """Train in float64 from what a record says of the start, all rows in every step."""
    X, y = (torch.tensor(np.array(start[name])) for name in ("X", "y"))
    weights, biases = (
        [torch.tensor(np.array(a), requires_grad=True) for a in start[name]]
        for name in ("weights", "biases")
    )
    settings = dict(start["optimizer"])
    make = getattr(torch.optim, settings.pop("name"))
    optimizer = make([*weights, *biases], lr=settings.pop("learning_rate"), **settings)
    losses, distance = [], np.inf
    for _ in range(STEPS):
        optimizer.zero_grad()
        outputs, zs = forward(X, weights, biases, start["activation"])
        loss = loss_of(from_plain(start["loss"]))(outputs, y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        distance = min(distance, *(z.detach().abs().min().item() for z in zs))
    return Trajectory(losses, *([a.tolist() for a in b] for b in (weights, biases)), distance)


def draw_start(problem: str, activation: str, optimizer: str, seed: int) -> dict[str, Any]:
    """The first half of a record: what to train, in plain lists and numbers."""
    X, y = draw_data(problem, ROWS, INPUTS, seed)
    net = make_network(reference.MLP, problem, INPUTS, HIDDEN, dtype="float64")
    settings = OPTIMIZERS[optimizer]
    return {
        "activation": activation,
        "loss": plain(PROBLEMS[problem].loss),
        "optimizer": {"name": type(settings).__name__}
        | {f.name: getattr(settings, f.name) for f in fields(settings) if f.name in TORCH_HAS},
        "X": X.tolist(),
        "y": y.tolist(),
        "weights": [W.tolist() for W in net.weights],
        "biases": [b.tolist() for b in net.biases],
    }


def record(problem: str, activation: str, optimizer: str) -> dict[str, Any]:
    """Train on the first data that keep their distance from kinks."""
    for seed in itertools.count():
        start = draw_start(problem, activation, optimizer, seed)
        trajectory = train(start)
        if activation not in KINKED or trajectory.distance >= DISTANCE:
            break
    end = {"losses": trajectory.losses, "end_weights": trajectory.weights}
    return {**start, **end, "end_biases": trajectory.biases}


def main() -> None:
    """Write the file, with a line for each field of a record."""
    head = {
        "recorded by": "python -m golden.record_torch",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    records = []
    for case in CASES:
        fields = [f"  {json.dumps(key)}: {json.dumps(v)}" for key, v in record(*case).items()]
        records.append(f' "{", ".join(case)}": {{\n' + ",\n".join(fields) + "\n }")
    lines.append('"records": {\n' + ",\n".join(records) + "\n}")
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
