# Everything a user or a developer does, as one word each. Every target sets up what it needs first (a no-op when
# nothing changed), so that each works on a fresh clone. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= $(shell nproc)
DATA ?= ./varve-data
MINUTES ?= 10
# Of `make bench`; bench/README.md says what they are.
CASE ?=
PEERS ?= influxdb,questdb,duckdb
SCALE ?= 1000
HOURS ?= 12
FIELDS ?= double
ROUNDS ?= 3
COUNT ?= 20
SEED ?= 123
SCALES ?= 100x24,1000x24,4000x24
PYTHON := third_party/venv/bin/python
PYTEST := $(PYTHON) -m pytest -q -p no:cacheprovider

.PHONY: help run build test lint bench dist soak fuzz clean setup release asan

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build, then serve ./varve-data in the foreground (DATA=dir for another folder)
	exec build/varve server --data $(DATA)

build: release ## the program, at build/varve

test: release asan ## all tests; ends with one summary line
	@scripts/store_servers.sh
	@$(PYTHON) scripts/run_tests.py

lint: ## clang-format and clang-tidy over src/; layers and tidy
	@scripts/setup.sh lint
	@cmake --preset release >/dev/null
	@scripts/lint.sh

bench: release ## Varve beside its peers on this machine (CASE=queries PEERS=questdb,duckdb SCALE=1000 HOURS=12)
	@scripts/setup.sh bench
	@$(PYTHON) -m bench $(CASE) --peers "$(PEERS)" --hosts $(SCALE) --hours $(HOURS) --fields $(FIELDS) \
	  --rounds $(ROUNDS) --count $(COUNT) --seed $(SEED) --scales $(SCALES)

dist: release ## a relocatable tar with the program and its libraries, in dist/
	@scripts/dist.sh

soak: release asan ## kill -9 under load, then random writes against a plain map, over and over (MINUTES=10)
	VARVE_SOAK_MINUTES=$(MINUTES) $(PYTEST) -s test/crash
	VARVE_MODEL_MINUTES=$(MINUTES) build/asan/src/varve_engine_test --gtest_filter='*OverwriteModelTest*'

fuzz: asan ## broken SQL against the sanitized parser, broken requests against the sanitized server (MINUTES=10 each)
	VARVE_FUZZ_MINUTES=$(MINUTES) build/asan/src/varve_sql_test --gtest_filter='ParserMutationTest.*'
	VARVE_FUZZ_MINUTES=$(MINUTES) $(PYTEST) -s test/fuzz

clean: ## removes build/ and dist/, but not what was downloaded (third_party/)
	rm -rf build dist

setup:
	@scripts/setup.sh

release: setup
	@$(call configure,release)
	@ninja -C build/release -j $(JOBS) varve
	@ln -sfn release/varve build/varve

asan: setup
	@$(call configure,asan)
	@ninja -C build/asan -j $(JOBS)

# Quiet when it succeeds.
define configure
	mkdir -p build/$(1); cmake --preset $(1) >build/$(1)/configure.log 2>&1 || { cat build/$(1)/configure.log; exit 1; }
endef
