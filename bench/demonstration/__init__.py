"""The parts of `./run demo`: a light HTTP client, what analysts and officers decide, the comparison, the tables."""
