"""Mesoguide: a truthful, safe, offline FAQ bot about mesotherapy for hair.

A message goes through the rooms in this order:

``cleaning``  any text becomes safe to handle
``language/`` (the package en_mesoguide)  spelling, names, possible questions, vectors
``components``  the same as steps of Rasa's NLU pipeline (config.yml)
``rejection``, ``understanding``  what is asked, and when that is not known
``actions/``  Rasa's custom action, which calls
``reply``, with ``answer`` and ``follow_up``  one whole reply, from
``knowledge``  statements with their sources, topics and fixed texts (knowledge/)
``website``, ``messaging``  what comes in from a browser or a platform, and goes out to it
``rasa_host``  the process around it: quiet and lean start, training, terminal, server, stores, ``ask``
``measuring``, ``benchmarks``  what came out on the project's own questions and on public data sets

Only ``components``, ``rasa_host`` and ``actions`` import Rasa.
"""
