"""scikit-learn's estimators of multi-layer perceptrons, on the core."""
