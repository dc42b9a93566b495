"""The classes of the fraud example, and whose risk an answer states."""

from evals.scorers.labels.labels import label_scorer

fraud_labels = label_scorer("fraud_labels", ("fraud", "legitimate"), risk_of="fraud")
