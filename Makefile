# What a newcomer would guess: make run, make test, make lint, make bench.  `make` alone lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

LOWEST := .venv-lowest
AHEAD := $(if $(SHIFT_DAYS),$(VENV)/clock-ahead.so)

unexport PYTHONDONTWRITEBYTECODE  # hundreds of processes start in the tests: each would compile everything anew

.DEFAULT_GOAL := help
.PHONY: help run test test-lowest coverage lint format docs site screenshots bench soak dist deb deb-pins clean

help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16
	@echo "  PYTHON=...    the interpreter to use, 3.11 or later (now: $(PYTHON))"
	@echo "  SHIFT_DAYS=400  run the tests with a clock that is so many days ahead"
	@echo "  ARGS=...      further arguments, such as: make test ARGS='-k return_path'"

run: $(VENV)/.installed-run ## See the whole thing work on this machine, nothing to set up; Ctrl-C ends it
	$(BIN)/bounced demo $(ARGS)

test: $(VENV)/.installed-dev $(AHEAD) ## Run all tests but the long ones
	$(if $(SHIFT_DAYS),LD_PRELOAD=$(abspath $(AHEAD)) BOUNCED_TEST_DAYS_AHEAD=$(SHIFT_DAYS)) $(BIN)/pytest -n 2 --dist worksteal $(ARGS)

test-lowest: $(LOWEST)/.installed ## Run the tests of the core, the store and the edges with the lowest versions promised
	$(LOWEST)/bin/pytest -n 2 --dist worksteal tests/core tests/store tests/edges tests/client \
	  tests/acceptance/test_main_job.py $(ARGS)

coverage: $(VENV)/.installed-dev ## Print what the tests of the core, the store, the jobs and the edges leave out, line and branch; it may not fall
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report term tests/core tests/store tests/jobs tests/edges tests/config \
	  tests/deliver tests/follow tests/learning tests/web/hooks tests/web/test_acting.py tests/web/test_unsubscribe.py tests/docs/test_names_page.py \
	  tests/properties/test_logs.py tests/test_pipeline.py tests/test_ingest.py tests/test_unread.py tests/test_unsubscribe_paths.py \
	  $(addprefix tests/cli/test_,erase.py events.py explain.py failing.py lookup.py night.py recover.py simulate.py status.py times.py unknown.py) $(ARGS)

lint: $(VENV)/.installed-dev ## Check style, format, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.installed-dev ## Put the code in order, as far as a program can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-dev ## Write what is generated: the example, pages taken from the code, the manual page
	$(BIN)/python -m docs.generate

site: $(VENV)/.installed-dev ## Build the pages of docs/ as a site into site/, and check their links
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet $(ARGS)

screenshots: $(VENV)/.installed-dev ## Take the pictures of pages and terminal anew, with the Chromium of tests/install-programs
	$(BIN)/python -m docs.screenshots
	$(BIN)/python -m docs.terminal

bench: $(VENV)/.installed-dev ## Measure, beside other servers, with everything on; ARGS=--quick tries it
	$(BIN)/python -m benchmarks.run $(ARGS)

soak: $(VENV)/.installed-dev ## Run the long tests: floods, kills, hours
	$(BIN)/pytest -n 0 -m soak --timeout 0 $(ARGS)

dist: $(VENV)/.installed-dev ## Build the wheel and the source archive into dist/
	$(BIN)/python -m hatchling build

deb: $(VENV)/.installed-dev ## Build the Debian package into dist/, for this Debian's own Python (docs/debian.md)
	$(BIN)/python -m deb.build $(ARGS)

deb-pins: $(VENV)/.installed-dev ## Take the newest libraries into the Debian package: deb/requirements.txt
	sed -n '/^[^#]/q; p' deb/requirements.txt >deb/requirements.new
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  $(addprefix --extra ,daemon deliver dns embedded fast follow web) pyproject.toml >>deb/requirements.new
	mv deb/requirements.new deb/requirements.txt

clean: ## Remove everything that was made
	rm -rf $(VENV) $(LOWEST) build dist site .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each is installed once, and again when pyproject.toml changes.  What developers have includes what `make run` needs.

$(VENV)/.installed-run: pyproject.toml | $(VENV)/.created
	@echo "Installing bounced into $(VENV), once."
	$(PIP) --editable '.[daemon,deliver,embedded,fast,web]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.created
	@echo "Installing bounced and its tools into $(VENV), once."
	$(PIP) --editable '.[dev]'
	@touch $(VENV)/.installed-run $@

$(LOWEST)/.installed: pyproject.toml tests/lowest.txt $(VENV)/.installed-dev
	@echo "Installing bounced with the lowest versions into $(LOWEST), once."
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST) --constraint tests/lowest.txt --editable '.[dev]'
	@touch $@

$(VENV)/clock-ahead.so: tests/support/clock.c | $(VENV)/.created
	$(CC) -shared -fPIC -O2 -Wall -Wextra -Werror -o $@ $<

$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here.  Debian, Ubuntu: apt install python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed; $(PYTHON) is `$(PYTHON) --version 2>&1`."; \
	  echo "Debian 12, Ubuntu 24.04 and later: apt install python3.  Another one: make PYTHON=python3.12 run"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv or pip is missing.  Debian, Ubuntu: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
