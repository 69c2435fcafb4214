"""Thin adapters that put Mesoguide's steps into Rasa's NLU pipeline (see config.yml).

Each file is one component. What they decide is decided in modules that never import Rasa.
"""
