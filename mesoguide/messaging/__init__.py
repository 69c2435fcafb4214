"""Messaging platforms without Rasa: what came in, whether it is theirs, what goes out."""
