"""Custom actions, for Rasa's action server and for the embedded default alike.

``rasa run actions`` finds them here by name; each is a thin adapter over ``mesoguide``.
"""
