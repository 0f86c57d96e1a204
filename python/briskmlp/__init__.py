"""The fastest way to train and run multi-layer perceptrons from NumPy on a CPU.

>>> import numpy as np
>>> import briskmlp as bm
>>> X = np.linspace(-1, 1, 200)[:, np.newaxis]
>>> net = bm.MLP([1, 32, 1], "tanh", seed=0)
>>> history = net.fit(X, X**2, epochs=100, batch_size=20, optimizer=bm.Adam(0.01))
>>> bool(history["loss"][-1] < 0.01)
True
>>> net.predict(X).shape
(200, 1)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

try:
    from ._briskmlp_core import __version__ as __version__
except ModuleNotFoundError as error:
    if error.name != f"{__name__}._briskmlp_core":
        raise
    raise ImportError(
        "briskmlp's compiled part is missing. Install the package, with `pip install .` in its "
        "source folder, and do not run Python from inside that folder's python/."
    ) from error

from . import schedules as schedules
from ._callbacks import Callback as Callback
from ._callbacks import Training as Training
from ._errors import DivergenceError as DivergenceError
from ._history import Evaluation as Evaluation
from ._history import History as History
from ._lbfgs import LBFGS as LBFGS
from ._mlp import MLP as MLP
from ._mlp import load as load
from ._optimizer import ClipNorm as ClipNorm
from ._optimizer import ClipValue as ClipValue
from ._optimizer import Optimizer as Optimizer
from ._optimizer import ParameterGroups as ParameterGroups
from ._optimizers import SGD as SGD
from ._optimizers import Adagrad as Adagrad
from ._optimizers import Adam as Adam
from ._optimizers import AdamW as AdamW
from ._optimizers import Lion as Lion
from ._optimizers import NAdam as NAdam
from ._optimizers import RAdam as RAdam
from ._optimizers import RMSprop as RMSprop
from ._runtime import get_num_threads as get_num_threads
from ._runtime import set_num_threads as set_num_threads
from ._runtime import show_config as show_config
from ._runtime import threads as threads

if TYPE_CHECKING:
    from . import plots as plots
    from . import reference as reference
    from ._checkpoint import Checkpoint as Checkpoint
    from ._loggers import CSVLogger as CSVLogger
    from ._loggers import JSONLinesLogger as JSONLinesLogger
    from ._loggers import TensorBoard as TensorBoard
    from ._stopping import EarlyStopping as EarlyStopping

# What loads when first touched: submodules, and names by the module that has them.
_ON_DEMAND = {
    "plots": None,
    "reference": None,
    "CSVLogger": "_loggers",
    "Checkpoint": "_checkpoint",
    "EarlyStopping": "_stopping",
    "JSONLinesLogger": "_loggers",
    "TensorBoard": "_loggers",
}


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _ON_DEMAND[name]
    module = importlib.import_module(f"{__name__}.{home or name}")
    return module if home is None else getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_DEMAND})
