"""Networks from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._mlp import MLP

if TYPE_CHECKING:
    from ._files import File
    from ._saving import Saved


def load(file: File) -> MLP:
    """Read a network that `MLP.save` wrote, with this version or an earlier one.

    Parameters
    ----------
    file
        A path; or a binary file, open for reading at any position.

    Returns
    -------
    MLP
        A network with the same parameters, seed, epochs trained and history.

    Raises
    ------
    ValueError
        If the file is not a saved network, is damaged, or was written by a later version in a
        format of its own. Files from strangers are safe to load: nothing in them is executed, and
        they take memory in proportion to their length.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import io
    >>> import briskmlp as bm
    >>> file = io.BytesIO()
    >>> bm.MLP([2, 8, 1], "tanh", seed=0).save(file)
    >>> bm.load(file).activations
    ('tanh', 'identity')
    """
    from ._saving import read

    return from_saved(read(file))


def from_saved(saved: Saved) -> MLP:
    """The network that a file holds."""
    net = MLP.__new__(MLP)
    net.__setstate__(saved.state)
    net.history = saved.history
    return net
