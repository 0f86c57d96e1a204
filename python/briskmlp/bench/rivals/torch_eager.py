"""PyTorch as most people run it: an eager loop over minibatches of tensors in memory."""

from __future__ import annotations

from typing import Any

from ..contestant import BETAS, EPSILON, LEARNING_RATE, AfterEpoch, Array, Contestant, Task


class Rival(Contestant):
    """A Sequential of Linear and ReLU, with the fused Adam."""

    title = "PyTorch eager"
    modules = ("torch",)
    distributions = ("torch",)

    def __init__(self, task: Task) -> None:
        import torch

        torch.set_num_threads(task.threads)
        torch.manual_seed(task.seed)
        self.torch, self.task = torch, task
        layers: list[Any] = []
        for W, b in zip(task.weights, task.biases, strict=True):
            K, N = W.shape
            linear = torch.nn.Linear(K, N, dtype=getattr(torch, task.dtype))
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(W.T.copy()))
                linear.bias.copy_(torch.from_numpy(b))
            layers += [linear, torch.nn.ReLU()]
        self.model = torch.nn.Sequential(*layers[:-1])
        self.loss = torch.nn.CrossEntropyLoss() if task.classifies else torch.nn.MSELoss()
        self.X, self.y = torch.from_numpy(task.X), torch.from_numpy(task.y)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), LEARNING_RATE, BETAS, EPSILON, fused=True
        )

    def step(self, rows: Any) -> Any:
        """One minibatch, by row numbers; returns its loss."""
        loss = self.loss(self.model(self.X[rows]), self.y[rows])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    def fit(
        self, epochs: int, *, shuffle: bool = True, after_epoch: AfterEpoch | None = None
    ) -> list[float]:
        rows, size = len(self.X), self.task.workload.batch_size
        losses = []
        for _ in range(epochs):
            order = self.torch.randperm(rows) if shuffle else self.torch.arange(rows)
            batches = order.split(size)
            means = self.torch.stack([self.step(batch) for batch in batches])
            counts = self.torch.tensor([len(batch) for batch in batches])
            losses.append(float(means @ counts.to(means.dtype)) / rows)
            if after_epoch is not None and after_epoch():
                break
        return losses

    def predict(self, X: Array) -> Array:
        with self.torch.inference_mode():
            z = self.model(self.torch.from_numpy(X))
            predictions: Array = (z.softmax(-1) if self.task.classifies else z).numpy()
        return predictions
