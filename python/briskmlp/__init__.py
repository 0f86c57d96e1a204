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

from . import _matmul
from ._errors import DivergenceError as DivergenceError
from ._functions import cross_entropy as cross_entropy
from ._functions import cross_entropy_backward as cross_entropy_backward
from ._functions import elu as elu
from ._functions import elu_backward as elu_backward
from ._functions import erf as erf
from ._functions import erf_backward as erf_backward
from ._functions import exp as exp
from ._functions import exp_backward as exp_backward
from ._functions import expm1 as expm1
from ._functions import expm1_backward as expm1_backward
from ._functions import gelu as gelu
from ._functions import gelu_backward as gelu_backward
from ._functions import gelu_tanh as gelu_tanh
from ._functions import gelu_tanh_backward as gelu_tanh_backward
from ._functions import leaky_relu as leaky_relu
from ._functions import leaky_relu_backward as leaky_relu_backward
from ._functions import log as log
from ._functions import log1p as log1p
from ._functions import log1p_backward as log1p_backward
from ._functions import log_backward as log_backward
from ._functions import log_softmax as log_softmax
from ._functions import logsigmoid as logsigmoid
from ._functions import logsigmoid_backward as logsigmoid_backward
from ._functions import logsumexp as logsumexp
from ._functions import mish as mish
from ._functions import mish_backward as mish_backward
from ._functions import mse as mse
from ._functions import mse_backward as mse_backward
from ._functions import relu as relu
from ._functions import relu_backward as relu_backward
from ._functions import selu as selu
from ._functions import selu_backward as selu_backward
from ._functions import sigmoid as sigmoid
from ._functions import sigmoid_backward as sigmoid_backward
from ._functions import silu as silu
from ._functions import silu_backward as silu_backward
from ._functions import softmax as softmax
from ._functions import softplus as softplus
from ._functions import softplus_backward as softplus_backward
from ._functions import tanh as tanh
from ._functions import tanh_backward as tanh_backward
from ._history import Evaluation as Evaluation
from ._history import History as History
from ._loading import load as load
from ._matmul import linear as linear
from ._matmul import linear_backward as linear_backward
from ._matmul import matmul as matmul
from ._matmul import vecdot as vecdot
from ._mlp import MLP as MLP
from ._runtime import get_num_threads as get_num_threads
from ._runtime import meet_threadpoolctl as _meet_threadpoolctl
from ._runtime import set_num_threads as set_num_threads
from ._runtime import show_config as show_config
from ._runtime import threads as threads

if TYPE_CHECKING or hasattr(_matmul, "matvec"):  # NumPy has them from 2.2 on
    from ._matmul import matvec as matvec
    from ._matmul import vecmat as vecmat
if TYPE_CHECKING:
    from . import plots as plots
    from . import reference as reference
    from . import schedules as schedules
    from ._augment import mixup as mixup
    from ._callbacks import Callback as Callback
    from ._callbacks import Training as Training
    from ._checkpoint import Checkpoint as Checkpoint
    from ._lbfgs import LBFGS as LBFGS
    from ._loggers import CSVLogger as CSVLogger
    from ._loggers import JSONLinesLogger as JSONLinesLogger
    from ._loggers import TensorBoard as TensorBoard
    from ._loss_settings import CrossEntropy as CrossEntropy
    from ._loss_settings import Focal as Focal
    from ._loss_settings import Huber as Huber
    from ._loss_settings import Loss as Loss
    from ._loss_settings import Quantile as Quantile
    from ._loss_settings import Tweedie as Tweedie
    from ._optimizer import ClipNorm as ClipNorm
    from ._optimizer import ClipValue as ClipValue
    from ._optimizer import Optimizer as Optimizer
    from ._optimizer import ParameterGroups as ParameterGroups
    from ._optimizers import SGD as SGD
    from ._optimizers import Adagrad as Adagrad
    from ._optimizers import Adam as Adam
    from ._optimizers import AdamW as AdamW
    from ._optimizers import Lion as Lion
    from ._optimizers import Muon as Muon
    from ._optimizers import NAdam as NAdam
    from ._optimizers import RAdam as RAdam
    from ._optimizers import RMSprop as RMSprop
    from ._stopping import EarlyStopping as EarlyStopping
    from .sklearn import MLPClassifier as MLPClassifier
    from .sklearn import MLPRegressor as MLPRegressor

_meet_threadpoolctl()

# What loads when first touched, so that the import is short: submodules, and names by their module.
_SUBMODULES = ("plots", "reference", "schedules")
_HOMES = {
    name: module
    for module, names in {
        "_augment": ["mixup"],
        "_callbacks": ["Callback", "Training"],
        "_checkpoint": ["Checkpoint"],
        "_lbfgs": ["LBFGS"],
        "_loggers": ["CSVLogger", "JSONLinesLogger", "TensorBoard"],
        "_loss_settings": ["CrossEntropy", "Focal", "Huber", "Loss", "Quantile", "Tweedie"],
        "_optimizer": ["ClipNorm", "ClipValue", "Optimizer", "ParameterGroups"],
        "_optimizers": [
            "SGD",
            "Adagrad",
            "Adam",
            "AdamW",
            "Lion",
            "Muon",
            "NAdam",
            "RAdam",
            "RMSprop",
        ],
        "_stopping": ["EarlyStopping"],
        "sklearn": ["MLPClassifier", "MLPRegressor"],
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *_HOMES})


_OTHERS = {"annotations", "importlib", "TYPE_CHECKING", "Any"}
# Without those that need scikit-learn, which `import *` is not to ask for.
__all__ = [
    name
    for name in (*globals(), *_HOMES)
    if not name.startswith("_") and name not in _OTHERS and _HOMES.get(name) != "sklearn"
]
