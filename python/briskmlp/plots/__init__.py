"""Pictures of networks, of their training and of their predictions.

Each function draws on the axes that it is given, or on those of a new figure, and returns them.
Nothing is shown or saved: ``plt.show()`` or ``ax.figure.savefig("plot.pdf")`` do that. Colours are
those of Okabe and Ito (2008), which colour-blind readers can tell apart; line styles and markers
differ too, for prints without colours.

Needs matplotlib: ``pip install "briskmlp[plot]"``.
"""

from __future__ import annotations

from ._network import activations as activations
from ._network import network as network
from ._network import weights as weights
from ._predictions import calibration as calibration
from ._predictions import decision_regions as decision_regions
from ._predictions import residuals as residuals
from ._training import history as history
from ._training import rate_test as rate_test

__all__ = [
    "activations",
    "calibration",
    "decision_regions",
    "history",
    "network",
    "rate_test",
    "residuals",
    "weights",
]
