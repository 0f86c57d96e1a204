"""The network of an estimator, and the lists of arrays by which scikit-learn's users know it."""

from __future__ import annotations

from itertools import chain
from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._losses import plain
from .._mlp import MLP
from .._validate import Array, array_of
from ._initial import Kind, network, views


class HoldsNetwork:
    """`coefs_` and `intercepts_` are views of the network's parameters, or what replaced them.

    What the user puts in their place counts, in every later call, as it does in scikit-learn.
    """

    coefs_: list[Array]
    intercepts_: list[Array]
    n_layers_: int
    _net: MLP  # absent before the first fit
    _views: tuple[Array, ...]  # what coefs_ and intercepts_ held when they were ours
    _kind: Kind  # of _net

    @property
    def network_(self) -> MLP:
        """The network itself, for all else that `briskmlp.MLP` can do; not a copy."""
        check_is_fitted(self)
        return self._current()

    def _hold(self, net: MLP) -> None:
        """Let the attributes show a network."""
        self._net = net
        self.coefs_, self.intercepts_ = views(net)
        self._views = (*self.coefs_, *self.intercepts_)
        self._kind = Kind([*net.activations], plain(net.loss), net.norm, net.residual)
        self.n_layers_ = len(net.sizes)

    def _current(self) -> MLP:
        """The network with the parameters that the attributes have."""
        return self._net if self._shows_views() else self._taken_over()

    def _shows_views(self) -> bool:
        """Whether the attributes are still the network's views."""
        shown, given = self.__dict__.get("_views", ()), (*self.coefs_, *self.intercepts_)
        if len(shown) != len(given):
            return False
        for array, view in zip(given, shown, strict=True):  # noqa: SIM110 - sooner than all()
            if array is not view:
                return False
        return True

    def _taken_over(self) -> MLP:
        """The network with parameters that have been put in place of the views."""
        sizes = [len(self.coefs_[0]), *(len(biases) for biases in self.intercepts_)]
        features = getattr(self, "n_features_in_", sizes[0])
        if sizes[0] != features:
            raise ValueError(f"coefs_[0] has {sizes[0]} rows, expected {features}: one a feature")
        if "_net" not in self.__dict__ or [*self._net.sizes] != sizes:
            kind = self.__dict__.get("_kind") or self._described(len(sizes) - 2)
            self._net = network(sizes, kind, self.coefs_[0].dtype)
            self._views = tuple(chain(*views(self._net)))
            self.__dict__.pop("_optimizer", None)  # its network is another one
        for array, view in zip((*self.coefs_, *self.intercepts_), self._views, strict=True):
            if array is not view:
                view[...] = array_of(array, "coefs_ or intercepts_", view.shape, view.dtype)
        return self._net

    def _described(self, hidden_layers: int) -> Kind:
        """The kind of network by the estimator's parameters."""
        raise NotImplementedError

    def _take_up(self) -> MLP:
        """The current network, the attributes being its views again: before training goes on."""
        net = self._current()
        if not self._shows_views():
            self._hold(net)
        return net

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()  # type: ignore[assignment]
        return {name: state[name] for name in state if name not in ("_net", "_views")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        if "_kind" in state:
            self._take_up()
            if "_optimizer" in state:
                self._optimizer = state["_optimizer"].moved_to(self._net._network)
