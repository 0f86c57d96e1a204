"""What differs between the versions of scikit-learn, from 1.5 on: asked for by feature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["HAS_CALLBACKS", "CallbackSupportMixin", "validate_data", "with_callbacks"]

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # before 1.6 it is a method

    def validate_data(estimator: Any, *arrays: Any, **options: Any) -> Any:
        """Check arrays for an estimator, which learns or knows their columns."""
        return estimator._validate_data(*arrays, **options)


try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    HAS_CALLBACKS = True
except ImportError:  # before 1.9
    HAS_CALLBACKS = False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Leave the method as it is."""
        return method
