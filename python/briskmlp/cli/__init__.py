"""The console command `briskmlp`, and models of tables, which it makes and uses.

`TableModel` is a network with what makes its inputs from columns, for programs:

    from briskmlp.cli import TableModel, read_table
    answers = TableModel.load("model.npz").answer(read_table("data.csv"))
"""

from __future__ import annotations

from ._command import main as main
from ._model import TableModel as TableModel
from ._tables import read_table as read_table

__all__ = ["TableModel", "main", "read_table"]
