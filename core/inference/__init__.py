"""From an input to an answer: engine and batches, calibration, the outside gate, predictions, and long work as jobs."""
