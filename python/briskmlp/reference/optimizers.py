"""The optimizers' rules. Each changes the flat vector of parameters in place, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .. import _optimizers
from .._optimizer import ClipNorm, ClipValue, Optimizer
from .activations import Array


class Rule(Protocol):
    """An optimizer at work: whatever it remembers from step to step."""

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        """Move `parameters` in place, given the loss's `gradient`.

        All are of shape (P,), the learning rate and the weight decay too.
        """


class SGD:
    """Steps along the gradient, or along its running sum, the velocity."""

    def __init__(self, settings: _optimizers.SGD, parameters: Array) -> None:
        self.settings = settings
        self.velocity = np.zeros_like(parameters)

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        s = self.settings
        gradient = gradient + decay * parameters
        self.velocity = s.momentum * self.velocity + gradient
        if s.nesterov:
            parameters -= rate * (gradient + s.momentum * self.velocity)
        else:
            parameters -= rate * self.velocity


class Moments:
    """What Adam and its relatives remember: running means of the gradient and of its square."""

    def __init__(self, settings: _optimizers.Moments, parameters: Array) -> None:
        self.settings = settings
        self.steps = 0
        self.mean = np.zeros_like(parameters)
        self.mean_square = np.zeros_like(parameters)

    def update(self, gradient: Array) -> None:
        """Take in the gradient of the next step."""
        beta1, beta2 = self.settings.betas
        self.steps += 1
        self.mean = beta1 * self.mean + (1 - beta1) * gradient
        self.mean_square = beta2 * self.mean_square + (1 - beta2) * gradient**2

    def unbiased_root(self) -> Array:
        """Root of the mean square, without the bias of having started at zero."""
        root: Array = np.sqrt(self.mean_square) / (1 - self.settings.betas[1] ** self.steps) ** 0.5
        return root


class Adam(Moments):
    """Steps along the running mean of the gradient, by its own measure of scale."""

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        s = self.settings
        if isinstance(s, _optimizers.AdamW):
            parameters *= 1 - rate * decay
        else:
            gradient = gradient + decay * parameters
        self.update(gradient)
        step_size = rate / (1 - s.betas[0] ** self.steps)
        parameters -= step_size * self.mean / (self.unbiased_root() + s.eps)


class NAdam(Moments):
    """Adam that looks ahead: this step's gradient and the next step's momentum."""

    momentum_product = 1.0

    def momentum(self, step: int) -> float:
        """Rises with the number of the step to beta1."""
        return self.settings.betas[0] * (1 - 0.5 * 0.96 ** (step * 0.004))

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        s = self.settings
        gradient = gradient + decay * parameters
        self.update(gradient)
        now, after = self.momentum(self.steps), self.momentum(self.steps + 1)
        self.momentum_product *= now
        ahead = (1 - now) / (1 - self.momentum_product) * gradient
        ahead = ahead + after / (1 - self.momentum_product * after) * self.mean
        parameters -= rate * ahead / (self.unbiased_root() + s.eps)


class RAdam(Moments):
    """Adam without the root until it has seen enough gradients, then allowing for its variance."""

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        s = self.settings
        beta1, beta2 = s.betas
        self.update(gradient + decay * parameters)
        bias2 = 1 - beta2**self.steps
        most = 2 / (1 - beta2) - 1
        length = most - 2 * self.steps * beta2**self.steps / bias2
        direction = self.mean / (1 - beta1**self.steps)
        if length > 5:
            variance = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
            direction = direction * (variance * bias2) ** 0.5
            direction = direction / (np.sqrt(self.mean_square) + s.eps)
        parameters -= rate * direction


class RMSprop:
    """Gradients over the root of their running mean square."""

    def __init__(self, settings: _optimizers.RMSprop, parameters: Array) -> None:
        self.settings = settings
        self.mean_square = np.zeros_like(parameters)
        self.velocity = np.zeros_like(parameters)

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        s = self.settings
        gradient = gradient + decay * parameters
        self.mean_square = s.alpha * self.mean_square + (1 - s.alpha) * gradient**2
        scaled = gradient / (np.sqrt(self.mean_square) + s.eps)
        self.velocity = s.momentum * self.velocity + scaled
        parameters -= rate * self.velocity


class Adagrad:
    """Gradients over the root of the sum of all their squares."""

    def __init__(self, settings: _optimizers.Adagrad, parameters: Array) -> None:
        self.settings = settings
        self.sum = np.zeros_like(parameters)

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        gradient = gradient + decay * parameters
        self.sum = self.sum + gradient**2
        parameters -= rate * gradient / (np.sqrt(self.sum) + self.settings.eps)


class Lion:
    """Steps of one length along the sign of the momentum."""

    def __init__(self, settings: _optimizers.Lion, parameters: Array) -> None:
        self.settings = settings
        self.momentum = np.zeros_like(parameters)

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        beta1, beta2 = self.settings.betas
        direction = np.sign(beta1 * self.momentum + (1 - beta1) * gradient)
        parameters *= 1 - rate * decay
        parameters -= rate * direction
        self.momentum = beta2 * self.momentum + (1 - beta2) * gradient


class Muon(Moments):
    """Orthogonal directions for the weights between hidden layers, Adam's for all else."""

    def __init__(
        self, settings: _optimizers.Muon, parameters: Array, blocks: Sequence[Array]
    ) -> None:
        super().__init__(settings, parameters)
        self.momentum = settings.momentum
        self.momenta = [np.zeros_like(block[:-1]) for block in blocks]
        self.blocks = blocks

    def step(self, parameters: Array, gradient: Array, rate: Array, decay: Array) -> None:
        s = self.settings
        steps = rate * decay * parameters
        self.update(gradient)
        adam = self.mean / (1 - s.betas[0] ** self.steps) / (self.unbiased_root() + s.eps)
        steps += rate * adam
        first = 0
        for i, block in enumerate(self.blocks):
            weights = slice(first, first + block[:-1].size)
            if 0 < i < len(self.blocks) - 1:
                g, m = gradient[weights].reshape(block[:-1].shape), self.momenta[i]
                m += (1 - self.momentum) * (g - m)
                direction = orthogonalized(g + self.momentum * (m - g)).ravel()
                length = 0.2 * max(block[:-1].shape) ** 0.5
                steps[weights] = rate[weights] * (
                    length * direction + decay[weights] * parameters[weights]
                )
            first += block.size
        parameters -= steps


def orthogonalized(matrix: Array) -> Array:
    """A matrix with the same singular vectors and singular values from about 0.7 to 1.2."""
    x: Array = matrix / (np.linalg.norm(matrix) + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x


RULES: dict[str, type] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": Adam,
    "nadam": NAdam,
    "radam": RAdam,
    "rmsprop": RMSprop,
    "adagrad": Adagrad,
    "lion": Lion,
}


def rule_of(settings: Optimizer, parameters: Array, blocks: Sequence[Array] = ()) -> Rule:
    """Make the rule that `settings` name, at its start, for parameters (P,).

    `blocks`, which only Muon asks for, are views of them: of each layer, biases as the last row.
    """
    if isinstance(settings, _optimizers.Muon):
        return Muon(settings, parameters, blocks)
    rule: Rule = RULES[settings.kind](settings, parameters)
    return rule


def clipped(clip: ClipNorm | ClipValue | None, gradient: Array) -> Array:
    """The gradient (P,), with its norm or its entries limited."""
    if isinstance(clip, ClipValue):
        return gradient.clip(-clip.limit, clip.limit)
    if isinstance(clip, ClipNorm):
        return gradient * min(1.0, clip.limit / (float(np.linalg.norm(gradient)) + 1e-6))
    return gradient
