"""The console command `briskmlp`, and models of tables, which it makes and uses.

`TableModel` is a network with what makes its inputs from columns, for programs:

    from briskmlp.cli import TableModel, read_table
    model = TableModel.load("model.npz")
    answers = model.answer(read_table("data.csv", as_text=model.text_columns))
"""

from __future__ import annotations

from ._command import main as main
from ._model import TableModel as TableModel
from ._tables import read_table as read_table

__all__ = ["TableModel", "main", "read_table"]
