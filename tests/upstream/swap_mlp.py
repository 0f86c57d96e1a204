"""A plugin of pytest: whoever imports scikit-learn's MLP gets briskmlp's.

    pytest -p swap_mlp --pyargs sklearn.neural_network.tests.test_mlp

It is loaded before the test module, which imports the classes by name.
"""

from __future__ import annotations

import briskmlp
import sklearn.neural_network

sklearn.neural_network.MLPClassifier = briskmlp.MLPClassifier
sklearn.neural_network.MLPRegressor = briskmlp.MLPRegressor
