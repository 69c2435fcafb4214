"""The tests: one file a module, and each docstring is the claim that its test proves.

``test_*.py``  fast: PyYAML, pytest and hypothesis are enough, on Python 3.10 to 3.13
``language/``  slow: they need spaCy and the built language package
``samples.py``  the real knowledge, and short ways to ask about it
"""
