"""Speed compared: our networks beside those of other libraries, each at its best.

`workloads` names the networks, `ours` and `rivals/` know one library each, `worker` runs one of
them in a process of its own, `harness` lets the processes take turns, `check` decides who did the
work, `table` and `command` are what `python -m briskmlp bench` shows. Nothing here is imported by
`import briskmlp`, and an optional package is imported only in the process of its rival.
"""

from __future__ import annotations
