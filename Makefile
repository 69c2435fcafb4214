# `make` alone prints the targets. Each prepares what it needs first, once.
.DEFAULT_GOAL := help
PYTHON ?= python3
RUN := @$(PYTHON) bootstrap.py
SECONDS ?= 60
TARGETS ?=

.PHONY: help setup chat web channels test fast check lint train eval diff bench tune fuzz

help: ## print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: ## prepare everything: packages, language package, trained model
	$(RUN) setup

chat: ## talk to Mesoguide in this terminal
	$(RUN) chat

web: ## serve the website chat; open the address that it prints
	$(RUN) web

channels: ## check the credentials of the messaging channels; sends nothing
	$(RUN) channels

test: ## prepare, then run all tests
	$(RUN) test

fast: ## run the tests that need neither Rasa nor a model (seconds)
	$(RUN) test --fast

check: ## check the knowledge, the training data and the settings
	$(RUN) check

lint: ## ruff and mypy
	$(RUN) lint

train: ## build and train again although nothing changed
	$(RUN) setup --force

eval: ## measure on the evaluation questions (evals/), write evals/report.html
	$(RUN) eval

diff: ## which evaluation questions my changes since the last commit answer otherwise
	$(RUN) diff

bench: ## measure time and memory beside stock Rasa
	$(RUN) bench

tune: ## tune the encoder on safety/examples (fetches torch, half an hour)
	$(RUN) tune

fuzz: ## give the parsers odd bytes (fetches atheris; SECONDS=60 for each of TARGETS)
	$(RUN) --help > /dev/null
	@PATH="$$PATH:.tools/bin" uv run --quiet --no-project --isolated --python .venv/bin/python \
	  --with atheris==2.3.0 --with 'pyyaml>=6' --with 'slack-sdk>=3.20' --with 'twilio>=8.2,<9' \
	  python tests/fuzz/run.py --seconds $(SECONDS) $(TARGETS)
