"""Mesoguide's Rasa process: quiet start, training, the agent, where actions run."""
