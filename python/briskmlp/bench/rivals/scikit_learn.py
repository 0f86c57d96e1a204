"""scikit-learn's MLPClassifier and MLPRegressor."""

from __future__ import annotations

import numpy as np

from ..contestant import (
    BETAS,
    EPSILON,
    LEARNING_RATE,
    AfterEpoch,
    Array,
    Contestant,
    Task,
    UnsupportedError,
)


class Rival(Contestant):
    """An estimator without penalty or early stopping, one `partial_fit` an epoch."""

    title = "scikit-learn"
    modules = ("sklearn.neural_network",)
    distributions = ("scikit-learn", "scipy")
    epsilon_hat = True

    def __init__(self, task: Task) -> None:
        import sklearn
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        outputs = task.workload.sizes[-1]
        if task.classifies and outputs == 2:
            raise UnsupportedError("it gives two classes one logistic output, not two")
        sklearn.set_config(assume_finite=True)
        # Its squared error is half of ours for the sake of a shorter derivative, which it adds up
        # over the outputs, where ours is a mean. Adam does not care, epsilon aside.
        gradient_factor = 1 if task.classifies else outputs / 2
        self.loss_factor = 1 if task.classifies else 2
        self.task = task
        self.model = (MLPClassifier if task.classifies else MLPRegressor)(
            hidden_layer_sizes=task.workload.sizes[1:-1],
            alpha=0.0,
            batch_size=task.workload.batch_size,
            learning_rate_init=LEARNING_RATE,
            beta_1=BETAS[0],
            beta_2=BETAS[1],
            epsilon=EPSILON * gradient_factor,
            tol=0.0,
            n_iter_no_change=10**9,
            random_state=np.random.RandomState(task.seed),
        )
        self.y = task.y if task.classifies or outputs > 1 else task.y[:, 0]
        self.classes = {"classes": np.arange(outputs)} if task.classifies else {}
        # It makes its parameters when it first sees data, and its optimizer when it has none.
        first = slice(task.workload.batch_size)
        self.model.partial_fit(task.X[first], self.y[first], **self.classes)
        for mine, given in zip(self.model.coefs_, task.weights, strict=True):
            mine[...] = given
        for mine, given in zip(self.model.intercepts_, task.biases, strict=True):
            mine[...] = given
        del self.model._optimizer

    def train(self) -> float:
        """One epoch; returns its loss."""
        self.model.partial_fit(self.task.X, self.y, **self.classes)
        return float(self.model.loss_) * self.loss_factor

    def fit(
        self, epochs: int, *, shuffle: bool = True, after_epoch: AfterEpoch | None = None
    ) -> list[float]:
        self.model.shuffle = shuffle
        losses = []
        for _ in range(epochs):
            losses.append(self.train())
            if after_epoch is not None and after_epoch():
                break
        return losses

    def predict(self, X: Array) -> Array:
        X = np.atleast_2d(X)
        predict = self.model.predict_proba if self.task.classifies else self.model.predict
        predictions: Array = predict(X)
        return predictions.reshape(len(X), -1)
