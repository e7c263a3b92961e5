# Every target makes the environment it needs; VENV and PYTHON may be set from outside.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BENCH ?=
# A test module stays in one process, so that what its tests share is made once.
PYTEST_WORKERS := -n auto --maxprocesses 4 --dist loadscope
# sqlfluff knows select statements better than DuckDB's DDL: there, the rules that fit it.
DDL_RULES := capitalisation,LT04,LT12,LT13

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test nightly lint lint-sql types docs site cookbook bench format clean

help:
	@echo 'make demo    simulate a small cohort, load it, build every model, print what is found'
	@echo 'make test    run the tests'
	@echo 'make nightly run the slow tests: calibration, power and many random worlds, an hour and more'
	@echo 'make lint    ruff and sqlfluff'
	@echo 'make types   mypy --strict'
	@echo 'make docs    write the page of models, columns and lineage (DB=demo/demo.duckdb)'
	@echo 'make site    write the documentation site to build/site, warnings as errors'
	@echo 'make cookbook  write the pages of the notebooks anew'
	@echo 'make bench   time the V2G models (BENCH="--help" shows the options)'
	@echo 'make clean   remove the environments, caches and outputs'

# -qq: a package index that is not there is pip's affair as long as another one answers.
$(INSTALLED): pyproject.toml
	@echo 'making $(VENV)' >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq -e '.[dev]'
	@touch $@

demo: $(INSTALLED)
	@$(BIN)/varhouse demo

test: $(INSTALLED)
	@$(BIN)/python -m pytest $(PYTEST_WORKERS)

nightly: $(INSTALLED)
	@$(BIN)/python -m pytest -m slow

lint-sql: $(INSTALLED)
	@$(BIN)/sqlfluff lint --disable-progress-bar models sql/checks
	@$(BIN)/sqlfluff lint --disable-progress-bar --rules $(DDL_RULES) sql/schema sql/functions

lint: lint-sql
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(INSTALLED)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(INSTALLED)
	@$(BIN)/mypy

# DB=... documents another warehouse; the demo's is made when it is not there.
DB ?= demo/demo.duckdb

demo/demo.duckdb: | $(INSTALLED)
	@$(BIN)/varhouse demo

docs: $(INSTALLED) $(DB)
	@$(BIN)/varhouse docs --db $(DB)

# The answers in it are those of the demo.
cookbook: $(INSTALLED) demo/demo.duckdb
	@$(BIN)/python docs/generate/cookbook.py demo/demo.duckdb > docs/cookbook.md
	@MPLBACKEND=agg $(BIN)/python docs/generate/notebooks.py v2g_of_a_lead rare_variants_in_cells

# The extra banner of mkdocs-material tells of its successor, not of this site.
site: $(INSTALLED)
	@$(BIN)/python -m pip install -qq -e '.[docs]'
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

bench: $(INSTALLED)
	@$(BIN)/python -m pip install -qq -e '.[bench]'
	@$(BIN)/python benchmarks/v2g.py $(BENCH)

clean:
	rm -rf .venv .venv-ci .venv-dbt target build dist demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
