SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := shared \
	services/checkout services/webhook services/orchestrator services/model-worker services/notifier services/reports \
	deploy/local deploy/simulators ops
STAMP := $(VENV)/.modelpick-setup
NPM := PATH="$(abspath $(BIN)):$$PATH" npm --prefix web --no-fund
WEB_MODULES := web/node_modules/.modelpick-setup
WEB := web/dist/.modelpick-built
WEB_SOURCES := $(shell find web/src web/public web/scripts web/*.html web/*.ts web/openapi.json -type f 2>/dev/null)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | \
		while IFS=$$'\t' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: $(STAMP) ## make the virtual environment with everything in it

$(STAMP): requirements.lock $(MEMBERS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is missing or older than 3.11: install Python 3.11 or newer," \
			"or name one, as in: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: install its venv module" \
			"(Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the dependencies into $(VENV) (a minute or two, once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		$(MEMBERS:%=-e %)
	@touch $@

.PHONY: lock
lock: $(STAMP) ## resolve the dependencies again and write requirements.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv export --all-packages --all-groups --no-emit-workspace \
		--format requirements-txt --no-annotate --no-header --quiet -o requirements.lock
	$(BIN)/python -m modelpick_local.image_requirements

$(WEB_MODULES): web/package-lock.json web/.npmrc $(STAMP)
	@echo "installing what builds the browser application into web/node_modules (once)"
	@$(NPM) ci --silent
	@touch $@

$(WEB): $(WEB_MODULES) $(WEB_SOURCES)
	@$(NPM) run --silent build >web/node_modules/.modelpick-build.log 2>&1 || { \
		cat web/node_modules/.modelpick-build.log >&2; exit 1; }
	@touch $@

.PHONY: web
web: $(WEB) ## build the browser application into web/dist

.PHONY: api-types
api-types: $(WEB_MODULES) ## write the browser application's types of the services' HTTP interfaces
	$(BIN)/python web/openapi.py
	$(NPM) run --silent api-types

.PHONY: demo
demo: $(WEB) ## the whole story with simulators; KEEP=1 leaves it running, FULL=1 runs 24 x 10 x 3
	@$(BIN)/python -m modelpick_local.demo

.PHONY: up
up: $(WEB) ## start the system in the foreground, on PORT (8080); Ctrl-C stops it
	@exec $(BIN)/modelpick-local up

.PHONY: down
down: $(STAMP) ## stop the system that `make up` started
	@$(BIN)/modelpick-local down

.PHONY: status
status: $(STAMP) ## show every running part with its port, process and health
	@$(BIN)/modelpick status

.PHONY: test
test: $(WEB) ## pass the tests, without the long fault suite
	$(NPM) run --silent test
ifdef ARGS
	$(BIN)/pytest -m "not faults" $(ARGS)
else
	@# Two at a time: operators' commands and whole systems, whose output comes after, and all the rest. Systems last:
	@# the one that most stories share runs until the end.
	@stories=$$(mktemp); set -m; $(BIN)/pytest -m "not faults" ops tests >$$stories 2>&1 & \
		set +m; trap "kill -INT $$! 2>/dev/null || true" INT TERM; \
		failed=0; $(BIN)/pytest -m "not faults" shared services deploy || failed=1; \
		wait $$! || failed=1; cat $$stories; rm -f $$stories; exit $$failed
endif

.PHONY: test-faults
test-faults: $(WEB) ## pass the long fault suite
	$(BIN)/pytest -m faults $(ARGS)

.PHONY: check
check: $(WEB_MODULES) ## lint, types, import boundaries, generated files up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(MEMBERS:%=%/src) benchmarks deploy/grafana/modelpick_dashboards
	$(BIN)/lint-imports
	$(BIN)/python -m modelpick_local.with_postgres -- $(BIN)/python -m modelpick_shared.db.check
	$(BIN)/python -m modelpick_local.access_files --check
	$(BIN)/python -m modelpick_shared.contracts.schemas --check
	PYTHONPATH=deploy/grafana $(BIN)/python -m modelpick_dashboards --check
	$(BIN)/python web/openapi.py --check
	$(NPM) run --silent api-types -- --check
	$(NPM) run --silent check
	$(MAKE) lint-deploy

.PHONY: lint-deploy
lint-deploy: $(WEB_MODULES) ## lint what containers and gateway are made of
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	PATH="$(abspath $(BIN)):$$PATH" web/node_modules/.bin/dclint --quiet --max-warnings 0 docker-compose.yml
	$(BIN)/hadolint deploy/docker/Dockerfile
	$(BIN)/caddy fmt --diff deploy/gateway/Caddyfile >/dev/null
	$(BIN)/python -m modelpick_local.image_requirements --check
	$(BIN)/python -m modelpick_local.manifests --check

.PHONY: fmt
fmt: $(WEB_MODULES) ## format, and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(NPM) run --silent fmt

.PHONY: dashboards
dashboards: $(STAMP) ## write the Grafana dashboards
	PYTHONPATH=deploy/grafana $(BIN)/python -m modelpick_dashboards

.PHONY: schemas
schemas: $(STAMP) ## generate docs/messages/ from the contracts
	$(BIN)/python -m modelpick_shared.contracts.schemas

.PHONY: audit
audit: $(WEB_MODULES) ## ask the registries for known vulnerabilities; status 3 where they do not answer
	@$(BIN)/python -m deploy.supply_chain.audit

.PHONY: licences
licences: $(STAMP) ## write docs/licences.md, the licences of everything that is used
	$(BIN)/python -m deploy.supply_chain.licences

.PHONY: bench
bench: $(WEB) ## the benchmarks, as ratios against their baselines
	$(BIN)/python -m benchmarks

.PHONY: clean
clean: ## remove the virtual environment, the caches and the local data
	@if test -x $(BIN)/modelpick-local; then $(BIN)/modelpick-local clean; fi
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
