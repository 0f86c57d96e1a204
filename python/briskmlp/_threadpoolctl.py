"""What threadpoolctl sees and limits; imported only where threadpoolctl is loaded already.

Importing it registers the controller, so that happens once. See `_runtime.meet_threadpoolctl`.
"""

from __future__ import annotations

import threadpoolctl

from . import _briskmlp_core as core


class Controller(threadpoolctl.LibController):  # type: ignore[misc] # it has no types
    """The team of threads, which ``threadpool_limits(1)`` limits as it does a BLAS's."""

    user_api = "briskmlp"
    internal_api = "briskmlp"
    filename_prefixes = ("_briskmlp_core",)

    def get_num_threads(self) -> int:
        """As `briskmlp.get_num_threads` says."""
        return core.num_threads()

    def set_num_threads(self, num_threads: int) -> None:
        """For the whole process, as `briskmlp.set_num_threads` does."""
        core.set_num_threads(num_threads)

    def get_version(self) -> str:
        """The package's."""
        return core.__version__


if hasattr(threadpoolctl, "register"):  # from 3.2 on
    threadpoolctl.register(Controller)
