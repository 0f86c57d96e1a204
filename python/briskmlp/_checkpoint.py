"""A callback that saves the network as it learns."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

from ._callbacks import Callback, Training
from ._monitor import Monitor
from ._validate import boolean, positive_int, whole_number

NAME = re.compile(r"epoch-\d{6,}\.npz")


def by_epoch(folder: Path) -> dict[int, Path]:
    """The files by epoch that `Checkpoint` objects wrote there, the latest epoch last."""
    paths = [path for path in folder.iterdir() if NAME.fullmatch(path.name)]
    return dict(sorted((int(path.stem.removeprefix("epoch-")), path) for path in paths))


def latest_in(folder: Path) -> Path | None:
    """The file of the latest epoch that a `Checkpoint` wrote there."""
    return max(by_epoch(folder).items(), default=(0, None))[1]


class Checkpoint(Callback):
    """Saves the network after epochs: the latest ones, and the best.

    Files are whole or absent at any time, also after a power cut, and `briskmlp.load` reads them.
    Those by epoch have the optimizer's state too: ``fit(resume=path)`` goes on from there.

    Parameters
    ----------
    folder
        Where to put ``best.npz`` and ``epoch-000012.npz``, say, by the epochs that the network has
        been trained for. It is made if need be. A ``best.npz`` there is replaced by that of a new
        fit, and left alone by a resumed one until it is bettered.
    every
        Epochs from one file to the next. Default 1.
    keep_last
        How many of this object's files by epoch stay, those of the fit that it resumes among them;
        older ones are deleted. None: all. Default 1.
    keep_best
        Whether to write ``best.npz`` whenever the monitored figure is the best that this object
        has seen. Default True.
    monitor, mode
        As for `EarlyStopping`.
    overwrite
        What to do about files of later epochs than the fit begins at, which `resume` would take
        for the latest of this training: they are another's, or what this one is to redo. True
        deletes them after the first epoch; False, the default, is an error.

    Attributes
    ----------
    latest_path
        The latest file by epoch; None before.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of its range; from `fit`, if there is no such figure.
    FileExistsError
        From `fit`, if the folder has files of later epochs and may not overwrite them.

    Examples
    --------
    >>> import briskmlp as bm
    >>> net = bm.MLP([1, 8, 1], seed=0)
    >>> checkpoint = bm.Checkpoint("run", keep_last=2)
    >>> history = net.fit([[0.0], [1.0]], [1.0, 0.0], epochs=5, callbacks=checkpoint)
    >>> sorted(path.name for path in checkpoint.folder.iterdir())
    ['best.npz', 'epoch-000004.npz', 'epoch-000005.npz']
    >>> bm.load(checkpoint.latest_path).epochs_trained
    5
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every: int = 1,
        keep_last: int | None = 1,
        keep_best: bool = True,
        monitor: str | None = None,
        mode: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.every = positive_int(every, "every")
        self.keep_last = None if keep_last is None else whole_number(keep_last, "keep_last", 0)
        self.keep_best = bool(keep_best)
        self.overwrite = boolean(overwrite, "overwrite")
        self._monitor = Monitor(monitor, mode)
        self._best_cost = math.inf
        self._written: list[Path] = []
        self._outdated: list[Path] = []  # to be deleted

    @property
    def latest_path(self) -> Path | None:
        return self._written[-1] if self._written else None

    def on_fit_begin(self, training: Training) -> None:
        self._monitor.begin(training)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._look_around(training.net.epochs_trained, len(training.history))
        for record in training.history:  # of the fit that this one resumes
            self._best_cost = min(self._best_cost, self._monitor.cost(record))

    def _look_around(self, epoch: int, resumed: int) -> None:
        """Take over the files of the resumed epochs, the last of which is `epoch`."""
        files = by_epoch(self.folder)
        self._outdated = [path for other, path in files.items() if other > epoch]
        if self._outdated and self.keep_last != 0 and not self.overwrite:
            raise FileExistsError(
                f"{self.folder} has {self._outdated[-1].name}, and this training begins after "
                f"epoch {epoch}: go on from there with fit(resume={str(self.folder)!r}), or take "
                f"another folder, or pass Checkpoint(..., overwrite=True) to have what is later "
                f"deleted"
            )
        if resumed and epoch in files:  # else it is resumed from elsewhere
            self._written = [p for other, p in files.items() if epoch - resumed < other <= epoch]

    def on_epoch_end(self, training: Training) -> None:
        while self._outdated and self.keep_last != 0:
            self._outdated.pop().unlink(missing_ok=True)
        if self.keep_last != 0 and len(training.history) % self.every == 0:
            path = self.folder / f"epoch-{training.net.epochs_trained:06}.npz"
            training.save(path)
            self._written = [other for other in self._written if other != path] + [path]
            self._delete_old()
        cost = self._monitor.cost(training.history[-1])
        if self.keep_best and cost < self._best_cost:  # not if it is NaN
            training.net.save(self.folder / "best.npz")
            self._best_cost = cost

    def _delete_old(self) -> None:
        if self.keep_last is None:
            return
        while len(self._written) > self.keep_last:
            self._written.pop(0).unlink(missing_ok=True)
