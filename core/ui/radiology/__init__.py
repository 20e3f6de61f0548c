"""The Radiology page: what is open, findings, explanation, study and export."""
