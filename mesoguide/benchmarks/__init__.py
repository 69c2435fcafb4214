"""Public data sets that the understanding is measured on: readers, metrics, tables; without Rasa."""
