"""What was measured on the evaluation questions: figures, the report, changes. No Rasa in here."""
