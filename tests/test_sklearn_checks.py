"""scikit-learn's own checks of estimators, all of them, with no failure expected."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("sklearn")

import briskmlp as bm
from sklearn.exceptions import ConvergenceWarning, SkipTestWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

ESTIMATORS = [bm.MLPClassifier(), bm.MLPRegressor()]

with warnings.catch_warnings():
    warnings.simplefilter("ignore", SkipTestWarning)
    marked = parametrize_with_checks(ESTIMATORS)
CASES = [*marked.args[1]]  # early versions have an iterator here


@pytest.mark.filterwarnings("ignore")  # checks provoke warnings; those that matter they look for
@pytest.mark.parametrize("estimator,check", CASES, ids=marked.kwargs["ids"])  # noqa: PT006
def test_check(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)


def values(case) -> tuple:
    """The arguments of a case, which early versions wrap in pytest's."""
    return getattr(case, "values", case)


def test_there_are_as_many_checks_as_there_were():
    """1.9 has 74 for the classifier and 66 for the regressor; the earliest version fewer."""
    names = [type(case[0]).__name__ for case in map(values, CASES)]
    assert names.count("MLPClassifier") > 50
    assert names.count("MLPRegressor") > 45
