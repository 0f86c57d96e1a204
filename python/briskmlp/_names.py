"""What to say when a name is not one of the known ones: the nearest that is."""

from __future__ import annotations

from collections.abc import Iterable


def unknown_name(what: str, name: object, known: Iterable[str]) -> str:
    """Say that there is no `what` called `name`, and which of the `known` names is nearest.

    >>> unknown_name("activation", "rleu", ["relu", "tanh"])
    "unknown activation 'rleu'; did you mean 'relu'? Known: relu, tanh"
    >>> unknown_name("column", "Age", ["flag", "Age ", "income"])
    "unknown column 'Age'; did you mean 'Age '? Known: flag, Age , income"
    >>> unknown_name("activation", 7, ["relu", "tanh"])
    'unknown activation 7; known: relu, tanh'
    """
    import difflib  # not needed as long as nothing is wrong

    known = list(known)
    plain = {one.strip().lower(): one for one in reversed(known)}
    nearest = difflib.get_close_matches(str(name).strip().lower(), plain, n=1, cutoff=0.5)
    if nearest:
        meant = plain[nearest[0]]
        return f"unknown {what} {name!r}; did you mean {meant!r}? Known: {', '.join(known)}"
    return f"unknown {what} {name!r}; known: {', '.join(known)}"
