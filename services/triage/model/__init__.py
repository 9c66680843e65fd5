"""The statistical part of triage's decision: hashed features, a linear model over them, and how it is trained."""
