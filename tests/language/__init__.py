"""Tests of the spaCy package in ``language/``: they need spaCy and the built data."""
