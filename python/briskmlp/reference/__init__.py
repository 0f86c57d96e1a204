"""The whole library again in plain NumPy: slow, obvious, and what the fast one must agree with.

It is an oracle for tests, a textbook for readers and a baseline for benchmarks. Read `network`
first. `functions`, `activations`, `norms`, `losses`, `optimizers` and `initializers` have an entry
for each kind, and `random` gives the same numbers as the C++ core, so that both start from the same
weights and see the same batches.
"""

from __future__ import annotations

from .activations import ACTIVATIONS as ACTIVATIONS
from .activations import Activation as Activation
from .functions import FUNCTIONS as FUNCTIONS
from .initializers import INITIALIZERS as INITIALIZERS
from .initializers import initial_weights as initial_weights
from .losses import LOSSES as LOSSES
from .losses import Loss as Loss
from .losses import log_softmax as log_softmax
from .losses import logsumexp as logsumexp
from .losses import loss_from as loss_from
from .losses import softmax as softmax
from .network import MLP as MLP
from .norms import BATCH_NORM as BATCH_NORM
from .norms import NORMS as NORMS
from .norms import Norm as Norm
from .optimizers import rule_of as rule_of
from .random import CounterRng as CounterRng
from .random import shuffled as shuffled
