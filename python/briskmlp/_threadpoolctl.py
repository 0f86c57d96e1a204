"""What threadpoolctl sees and limits: the team of threads, as if it were a BLAS's."""

from __future__ import annotations

from functools import cache

from . import _briskmlp_core as core


@cache
def register() -> None:
    """Tell threadpoolctl of the team, once; only where it is loaded already."""
    import threadpoolctl

    class Controller(threadpoolctl.LibController):  # type: ignore[misc] # it has no types
        user_api = "briskmlp"
        internal_api = "briskmlp"
        filename_prefixes = ("_briskmlp_core",)

        def get_num_threads(self) -> int:
            return core.num_threads()

        def set_num_threads(self, num_threads: int) -> None:
            core.set_num_threads(num_threads)

        def get_version(self) -> str:
            return core.__version__

    if hasattr(threadpoolctl, "register"):  # from 3.2 on
        threadpoolctl.register(Controller)
