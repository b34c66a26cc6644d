# Everything a newcomer types. `make` alone lists the targets; each target sets up what it needs, once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON ?= python3
VENV := .venv
UV_VERSION := 0.13.9
OUT ?= demo-out
DIR ?= gallery-out
SHARED ?= ../shared
PORT ?= 8765
WORKERS ?= 3

# What WeasyPrint takes from the system: Pango lays text out, HarfBuzz makes the small fonts that a PDF embeds.
SYSTEM_PACKAGES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation2

# What reads scans and photos; without it they are left to a person, which is said.
SCAN_PACKAGES := tesseract-ocr tesseract-ocr-fra

# What the tests look at the playground with; without it they say that they skip it.
BROWSER_PACKAGES := chromium fonts-noto-color-emoji

STAMPS := $(VENV)/.stamps
BIN := $(CURDIR)/$(VENV)/bin
SYNC := UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy $(BIN)/uv sync --quiet --frozen --inexact --no-default-groups

# $(call debian,PACKAGES): installs those that are missing, or names the one line to type and stops.
# A system without dpkg is left alone: `comptoir check` says what WeasyPrint misses there.
define debian
if command -v dpkg-query >/dev/null; then \
  missing=""; \
  for package in $(1); do \
    dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
  done; \
  if [ -n "$$missing" ]; then \
    if [ "$$(id -u)" = 0 ]; then as_root=""; \
    elif sudo -n true 2>/dev/null; then as_root="sudo -n"; \
    else echo "Type this, then make again: sudo apt-get update && sudo apt-get install -y$$missing" >&2; exit 1; fi; \
    echo "Installing$$missing"; \
    $$as_root apt-get -qq update </dev/null; \
    $$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$missing \
      </dev/null >/dev/null; \
  fi; \
fi
endef

.PHONY: help demo play test test-long test-real lint gallery score bench clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | while IFS=$$'\t' read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done

demo: $(STAMPS)/demo ## The whole circuit on real input; writes to OUT (demo-out)
	@$(BIN)/comptoir demo --out "$(OUT)"

play: $(STAMPS)/demo ## The desk on a page of this machine to play with, at PORT (8765); Ctrl-C ends it
	@$(BIN)/comptoir demo --serve --port $(PORT)

test: $(STAMPS)/test ## The tests, on SQLite and PostgreSQL
	@$(BIN)/pytest -m "not long and not real" -n $(WORKERS) --dist loadgroup

test-long: $(STAMPS)/test ## The proofs that take minutes
	@$(BIN)/pytest -m "long and not real" -n $(WORKERS) --dist loadgroup

test-real: $(STAMPS)/test ## The mail tests against a real dovecot, which it installs when it can
	@if ! command -v dovecot >/dev/null; then ($(call debian,dovecot-imapd)) || true; fi; \
	if command -v dovecot >/dev/null || [ -x /usr/sbin/dovecot ]; then $(BIN)/pytest -m real; \
	else echo "test-real skipped: dovecot is not installed here and could not be installed"; fi

lint: $(STAMPS)/dev ## Style, types and the layers of the packages
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

gallery: $(STAMPS)/demo ## Every paper in its main variants, as PDF and pictures; writes to DIR (gallery-out)
	@$(BIN)/comptoir gallery --out "$(DIR)"

score: $(STAMPS)/test ## How well orders are read: our own case sets, and the shared samples where they are present
	@PYTHONPATH=. $(BIN)/python tests/intake/cases/measure.py
	@if [ -f $(SHARED)/samples/intake/score.py ]; then \
	  $(BIN)/python $(SHARED)/samples/intake/score.py "$(BIN)/comptoir" $(SHARED)/samples/intake/stationery; \
	else echo "$(SHARED)/samples/intake is not here"; fi

bench: $(STAMPS)/test ## How fast and how right we read and print, each figure beside a plain reference
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.calibration

clean: ## Removes what make made
	@rm -rf $(VENV) demo-out gallery-out test-artefacts dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. A stamp is older than uv.lock or pyproject.toml exactly when the environment must be brought up to date.

$(STAMPS)/venv: Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Comptoir needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; exit 1; }
	@packages="$(SYSTEM_PACKAGES)"; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || packages="python3-venv $$packages"; \
	$(call debian,$$packages)
	@if command -v dpkg-query >/dev/null && ! command -v tesseract >/dev/null; then \
	  ($(call debian,$(SCAN_PACKAGES))) || echo "Scans and photos will not be read: tesseract could not be installed" >&2; \
	fi
	@[ -x $(VENV)/bin/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/demo: $(STAMPS)/venv pyproject.toml uv.lock
	@$(SYNC)
	@touch $@

$(STAMPS)/test: $(STAMPS)/venv pyproject.toml uv.lock
	@if command -v dpkg-query >/dev/null && ! command -v chromium >/dev/null; then \
	  ($(call debian,$(BROWSER_PACKAGES))) || echo "The playground will not be tested: chromium could not be installed" >&2; \
	fi
	@$(SYNC) --group test
	@touch $(STAMPS)/demo $@

$(STAMPS)/dev: $(STAMPS)/venv pyproject.toml uv.lock
	@$(SYNC) --group dev
	@touch $(STAMPS)/demo $(STAMPS)/test $@
