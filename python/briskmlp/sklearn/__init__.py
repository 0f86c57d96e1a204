"""scikit-learn's estimators on briskmlp's core: the same, faster, and with more to ask for.

Imported when `briskmlp.MLPClassifier` or `briskmlp.MLPRegressor` is first touched; nothing else in
the package needs scikit-learn.
"""

from __future__ import annotations

try:
    import sklearn as _sklearn  # noqa: F401 - for the message
except ImportError as error:
    raise ImportError(
        "MLPClassifier and MLPRegressor need scikit-learn: pip install scikit-learn"
    ) from error

from ._classifier import MLPClassifier as MLPClassifier
from ._regressor import MLPRegressor as MLPRegressor
