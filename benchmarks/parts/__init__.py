"""What `run.py` measures: each part gives records, of which `KEY` names the fields that differ."""

from __future__ import annotations
