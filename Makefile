# Fleetserve from a checkout: `make run` starts it, `make help` lists the rest.
#
# Everything is installed into .venv at the versions of requirements.lock, on first use and after
# a change. What decides how, by environment or on the command line:
#   PYTHON           the interpreter to make .venv with: 3.11 or 3.12
#   TORCH            auto (a GPU that nvidia-smi sees: cuda, else cpu), cpu or cuda
#   TORCH_INDEX_URL  one more package index to find torch on, such as PyTorch's own for CPU or for
#                    a CUDA version; without it torch comes from where pip looks, where a wheel in
#                    a folder that pip is set up with (PIP_FIND_LINKS) wins
#   CODECS           0 leaves PyAV out, which reads m4a, webm and the like and writes aac, and whose
#                    wheels hold FFmpeg with codecs under the GPL (docs/api/endpoints/audio.md)
#   CTRANSLATE2      1 takes CTranslate2 in, which hears by Whisper's files for it (146 MB)
#   PORT, BIND, FLEETSERVE_HOME and the rest of config.yaml's keys are the fleet's own
#
# All paths are relative, since make can't hold a path with spaces.

PYTHON ?= $(or $(shell command -v python3.11 2>/dev/null),$(shell command -v python3 2>/dev/null),python3)
TORCH ?= auto
TORCH_INDEX_URL ?=
CODECS ?= 1
CTRANSLATE2 ?= 0
ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

COMMA := ,
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PROJECTS := $(sort $(wildcard */pyproject.toml))
LEAN := $(filter 0 false no off,$(CODECS))
QUICK := $(filter 1 true yes on,$(CTRANSLATE2))
EXTRAS := $(if $(LEAN),,[codecs])$(if $(QUICK),[ctranslate2])
EDITABLE := $(patsubst ./audio-svc,./audio-svc$(subst ][,$(COMMA),$(EXTRAS)),$(PROJECTS:%/pyproject.toml=-e ./%))

ifeq ($(TORCH),auto)
KIND := $(if $(shell command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null),cuda,cpu)
else
KIND := $(TORCH)
endif

# Stamps. A virtual environment holds absolute paths: in a checkout that was moved or copied it is
# made anew.
VENV := .venv/.made
TORCHED := .venv/.torch-$(KIND)
RUNTIME := .venv/.runtime$(if $(LEAN),-lean)$(if $(QUICK),-quick)
DEV := .venv/.dev
ifneq ($(shell cat $(VENV) 2>/dev/null),$(CURDIR))
STALE := FORCE
endif

.PHONY: help run test lint fix bench docs lock clean FORCE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

# Where setpriv is, the fleet also ends when make itself is killed.
run: $(RUNTIME) ## Start the whole fleet as local processes; the gateway listens on PORT (8000)
	@tie=$$(setpriv --pdeathsig TERM printf '%s' 'setpriv --pdeathsig TERM' 2>&1) || tie=; \
	exec $$tie $(BIN)/fleetserve up $(ARGS)

# Each worker reads all tests: half of that time is saved where what pytest made of them is kept.
# A worker that a hanging test has ended is not replaced: pytest-xdist would then wait for ever.
test: $(DEV) ## Run the tests; ARGS goes to pytest, such as ARGS='tests/unit -k clock'
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest $(or $(ARGS),-q -n 3 --dist loadfile --max-worker-restart 0)

lint: $(DEV) ## Check style, types and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(DEV) ## Format, and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

BENCH ?= overhead

bench: $(DEV) ## Measure what a request costs; BENCH=idle: an idle fleet, BENCH=peers: beside its peers
	@$(BIN)/python -m benchmarks.$(BENCH) $(ARGS)

docs: $(RUNTIME) ## Write the generated parts of docs/api, from the fleet that runs (or ARGS=URL)
	@$(BIN)/python -m docs.generate $(ARGS)

lock: $(DEV) ## Write requirements.lock from the folders' pyproject.toml; ARGS=--upgrade renews all
	$(BIN)/python .ci/lock.py $(ARGS)

clean: ## Remove .venv and caches; a fleet's data (.fleetserve) stays
	rm -rf .venv .bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -rf */src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV): $(STALE)
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || { \
	  echo "Fleetserve needs Python 3.11 or 3.12; $(PYTHON) is not. Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>&1 || { \
	  echo "$(PYTHON) can't make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making .venv; the first time takes a minute or two."
	@"$(PYTHON)" -m venv --clear .venv
	@$(PIP) install -c requirements.lock pip setuptools
	@pwd -P > $@

# Another KIND is another build of the same version, which pip alone would not take for a change.
# torch warns of numpy, which comes after it.
$(TORCHED): $(VENV) requirements.lock
	@for other in .venv/.torch-*; do \
	  case "$$other" in $@ | '.venv/.torch-*') ;; *) $(PIP) uninstall -y torch; rm "$$other" ;; esac; done
	@$(PIP) install $(if $(TORCH_INDEX_URL),--extra-index-url "$(TORCH_INDEX_URL)") -c requirements.lock torch
	@$(BIN)/python -W ignore -c 'import torch; has = "cuda" if torch.version.cuda else "cpu"; \
	  print("torch", torch.__version__, "" if has == "$(KIND)" else \
	  "(for " + has + ", not $(KIND); TORCH_INDEX_URL can name an index that has it)")'
	@touch $@

$(RUNTIME): $(TORCHED) $(PROJECTS) requirements.lock
	@rm -f .venv/.runtime .venv/.runtime-*
	@$(if $(LEAN),$(PIP) uninstall -y av)
	@$(PIP) install --no-build-isolation -c requirements.lock $(EDITABLE)
	@touch $@

$(DEV): $(RUNTIME) pyproject.toml
	@$(PIP) install -c requirements.lock --group dev
	@touch $@

# With containers instead of processes. Settings come from config.yaml and .env; for a GPU:
# make up COMPOSE='docker compose -f docker-compose.yml -f docker-compose.gpu.yml'
COMPOSE ?= docker compose

.PHONY: up down test-docker

up: ## Build and start the whole fleet as containers; returns when it can serve
	$(COMPOSE) up -d --build --wait

down: ## Stop and remove the containers; models, logs and data stay in their volumes
	$(COMPOSE) down

# The first of these tests builds the images, which takes minutes.
test-docker: $(DEV) ## Run the tests that need a Docker Engine; ARGS goes to pytest
	@$(BIN)/python -m pytest -o faulthandler_timeout=900 -m 'docker and not soak' tests/e2e $(ARGS)

.PHONY: soak test-gpu

soak: $(DEV) ## Run the long campaigns, such as Redis away for 10 s under load; ARGS goes to pytest
	@$(BIN)/python -m pytest -m soak $(ARGS)

test-gpu: $(DEV) ## Run the tests that need a CUDA GPU and a CUDA build of torch (TORCH=cuda)
	@$(BIN)/python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' || { \
	  echo "make test-gpu needs an NVIDIA GPU with its driver, and torch for CUDA: TORCH=cuda make test-gpu" >&2; exit 1; }
	@$(BIN)/python -m pytest -m gpu $(ARGS)
