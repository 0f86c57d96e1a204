"""What a network is, apart from what it does: layers, parameters, copies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from . import _briskmlp_core as core
from . import _validate
from ._history import History
from ._layers import LayerArrays, assign, describe, runs, split
from ._losses import loss_of
from ._state import network_from, state_of
from ._validate import Array

if TYPE_CHECKING:
    from ._files import File
    from ._loss_settings import Loss


class Network:
    """The core's network with its parameters in sight. `MLP` adds the computing."""

    _network: core.Network
    seed: int
    init: str
    epochs_trained: int
    history: History | None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs, width of each hidden layer, number of outputs."""
        return tuple(self._network.sizes)

    @property
    def activations(self) -> tuple[str, ...]:
        """The name of each layer's activation, the output layer's last."""
        return tuple(self._network.activations)

    @property
    def norm(self) -> str | None:
        """The norm of each hidden layer's outputs: "layer" or None."""
        return self._network.norm

    @property
    def residual(self) -> bool:
        """Whether hidden layers with as many units as the hidden layer before add its sums."""
        return self._network.residual

    @property
    def loss(self) -> Loss:
        """The loss: its name, or its settings where they are not the defaults."""
        return loss_of(self._network.loss, self._network.loss_settings)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the parameters, of all computing and of all results."""
        return self._network.dtype

    @property
    def num_parameters(self) -> int:
        """P, the number of weights and biases together."""
        return self._network.parameters.size

    @property
    def parameters(self) -> Array:
        """All weights and biases, (P,): a view, so that writing to it changes the network.

        Layer after layer, the weights (K, N) row by row and then the biases (N,). Assigning to the
        attribute copies into the view.

        >>> import briskmlp as bm
        >>> net = bm.MLP([2, 1], seed=0)
        >>> net.parameters = [1, 2, 3]
        >>> net.parameters *= 10
        >>> net.predict([1, 1])
        array([60.], dtype=float32)
        """
        return self._network.parameters

    @parameters.setter
    def parameters(self, values: ArrayLike) -> None:
        view = self._network.parameters
        view[...] = _validate.array_of(values, "parameters", view.shape, view.dtype)

    @property
    def weights(self) -> LayerArrays:
        """Each layer's weights, (K, N) for K inputs and N outputs: views like `parameters`."""
        return split(self.parameters, self.sizes)[0]

    @weights.setter
    def weights(self, values: Sequence[ArrayLike]) -> None:
        assign(self.weights, values, "weights")

    @property
    def biases(self) -> LayerArrays:
        """Each layer's biases, (N,): views like `parameters`."""
        return split(self.parameters, self.sizes)[1]

    @biases.setter
    def biases(self, values: Sequence[ArrayLike]) -> None:
        assign(self.biases, values, "biases")

    def split(self, flat: ArrayLike) -> tuple[LayerArrays, LayerArrays]:
        """Weights and biases as views of a flat array (P,), such as a gradient.

        >>> import briskmlp as bm
        >>> net = bm.MLP([2, 3, 1], seed=0)
        >>> loss, gradient = net.gradients([[1, 2]], [3])
        >>> d_weights, d_biases = net.split(gradient)
        >>> [W.shape for W in d_weights], [b.shape for b in d_biases]
        ([(2, 3), (3, 1)], [(3,), (1,)])
        """
        flat = np.asarray(flat)
        if flat.shape != (self.num_parameters,):
            raise ValueError(f"the array has shape {flat.shape}, expected ({self.num_parameters},)")
        return split(flat, self.sizes)

    def copy(self) -> Self:
        """A network of its own with the same parameters, seed and number of epochs.

        >>> import briskmlp as bm
        >>> net = bm.MLP([1, 1], seed=0)
        >>> twin = net.copy()
        >>> twin.parameters[:] = 0
        >>> bool(net.parameters.any())
        True
        """
        twin = type(self).__new__(type(self))
        twin.__setstate__(self.__getstate__())
        return twin

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.copy()

    def save(self, file: File) -> None:
        """Write the network to a file that `briskmlp.load` reads, for ever.

        Parameters
        ----------
        file
            A path, used as it is, say ``"net.npz"``; or a binary file, open for writing. What
            stands at the path is replaced at once or, after an error, stays.

        Raises
        ------
        ValueError
            If a parameter is not finite.
        OSError
            If the file cannot be written.

        Notes
        -----
        The file is in NumPy's format ``.npz``, holds no pickle, and is the same for the same
        network. Besides layers and parameters it keeps `seed`, `init`, `epochs_trained` and
        `history`. A subclass's own attributes are not kept.

        Examples
        --------
        >>> import briskmlp as bm
        >>> net = bm.MLP([2, 8, 1], seed=0)
        >>> net.save("net.npz")
        >>> twin = bm.load("net.npz")
        >>> bool((twin([1, 2]) == net([1, 2])).all())
        True
        >>> np.load("net.npz")["parameters"].shape
        (33,)
        """
        from ._saving import save

        save(self, file)

    def __getstate__(self) -> dict[str, Any]:
        return state_of(self._network, self.seed, self.init, self.epochs_trained)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._network, outline = network_from(state)
        self.seed, self.init = outline.seed, outline.init
        self.epochs_trained = outline.epochs_trained
        self.history = None

    def __repr__(self) -> str:
        """The layers and their numbers of parameters.

        >>> import briskmlp as bm
        >>> bm.MLP([784, 128, 10], loss="cross_entropy")
        MLP([784, 128, 10], loss='cross_entropy', dtype='float32')
          784 -> 128  relu      100,480 parameters
          128 -> 10   identity    1,290
          together              101,770

        Layers that are alike are told of once:

        >>> bm.MLP([2, *[32] * 50, 1])
        MLP([2, *[32] * 50, 1], loss='mse', dtype='float32')
          2 -> 32   relu          96 parameters
          32 -> 32  relu      1,056 x 49
          32 -> 1   identity      33
          together            51,873
        """
        settings = [f"loss={self.loss!r}", f"dtype='{self.dtype}'"]
        if self.norm is not None:
            settings.append(f"norm={self.norm!r}")
        if self.residual:
            settings.append("residual=True")
        sizes = [
            f"*[{self.sizes[at]}] * {count}" if count > 1 else str(self.sizes[at])
            for at, count in runs(self.sizes, least=6)
        ]
        head = f"{type(self).__name__}([{', '.join(sizes)}], {', '.join(settings)})"
        names = describe(self._network)
        maps = [f"{K} -> {N}" for K, N in pairwise(self.sizes)]
        counts = [f"{(K + 1) * N:,}" for K, N in pairwise(self.sizes)]
        total = f"{self.num_parameters:,}"
        first = max(map(len, maps))
        second = max(map(len, names))
        lines = [
            f"  {maps[at]:<{first}}  {names[at]:<{second}}  {counts[at]:>{len(total)}}"
            + (f" x {count}" if count > 1 else "")
            for at, count in runs(list(zip(maps, names, strict=True)))
        ]
        lines[0] += " parameters"
        together = f"  {'together':<{first + 2 + second}}  {total}"
        return "\n".join([head, *lines, together])
