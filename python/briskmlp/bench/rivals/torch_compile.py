"""PyTorch compiled: a whole training step, gradient and Adam included, is one graph."""

from __future__ import annotations

from typing import Any

from ..contestant import BETAS, EPSILON, LEARNING_RATE, Task
from . import torch_eager


class Rival(torch_eager.Rival):
    """The step as a compiled function, which takes many seconds to compile.

    Prediction stays eager: compiled, it is no faster for many rows and slower for one.
    """

    title = "PyTorch compiled"
    measures = ("train",)
    by_default = False

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        torch = self.torch
        torch._inductor.config.cpp_wrapper = True  # a step is then one call from Python
        self.parameters = dict(self.model.named_parameters())
        moments = [torch.zeros_like(p) for p in self.parameters.values()]
        self.moments = moments, [m.clone() for m in moments]
        self.steps = torch.zeros((), dtype=getattr(torch, task.dtype))
        self.compiled_step = torch.compile(self.whole_step, dynamic=False)

    def whole_step(self, rows: Any) -> Any:
        """Gather, forward, backward, Adam; returns the loss."""
        torch = self.torch

        def loss_of(parameters: Any, X: Any, y: Any) -> Any:
            return self.loss(torch.func.functional_call(self.model, parameters, (X,)), y)

        gradient_and_loss = torch.func.grad_and_value(loss_of)
        gradients, loss = gradient_and_loss(self.parameters, self.X[rows], self.y[rows])
        self.steps += 1
        rate = LEARNING_RATE / (1 - BETAS[0] ** self.steps)
        scale = (1 - BETAS[1] ** self.steps).sqrt()
        for name, m, v in zip(self.parameters, *self.moments, strict=True):
            g = gradients[name]
            m.lerp_(g, 1 - BETAS[0])
            v.lerp_(g * g, 1 - BETAS[1])
            self.parameters[name].sub_(rate * m / (v.sqrt() / scale + EPSILON))
        return loss

    def step(self, rows: Any) -> Any:
        with self.torch.no_grad():
            return self.compiled_step(rows)
