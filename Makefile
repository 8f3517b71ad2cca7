# What a newcomer needs: make help
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install build tools test check demo bench fuzz generate clean

# Node 24 comes with the dependencies, whatever the machine has: nothing here runs with another.
NODE := node_modules/.bin/node
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# `make demo DEMO=once` ends by itself.
export DEMO

# npm writes this file at the end of an install.
INSTALLED := node_modules/.package-lock.json
# tap joins itself with the plugins of .taprc once, and cannot use them in the run that does so.
TAP_BUILT := node_modules/.tap-built

help: ## Lists these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) $(TAP_BUILT) ## Installs the dependencies, Node 24 among them, where they are not there or not up to date

$(INSTALLED): package-lock.json
	@command -v npm >/dev/null 2>&1 || { echo 'error: npm is missing; install Node.js 20 or later with npm (https://nodejs.org). cvmanager brings its own Node 24 then.' >&2; exit 1; }
	npm ci --loglevel=error
	@touch $@

$(TAP_BUILT): $(INSTALLED) .taprc
	@node_modules/.bin/tap build
	@touch $@

build: install ## Makes what is generated, and dist/cvmanager.js, which bin/cvmanager runs
	@$(NODE) scripts/generate.ts
	@$(NODE) scripts/build.ts

generate: install ## Makes crds/ and docs/settings.md from the sources
	@$(NODE) scripts/generate.ts

tools: install ## Builds the control plane, the registry and the AWS stand-in that tests and demo run on, once per user
	@$(NODE) e2e/tools/build.ts

check: install ## Format, lint, types, and whether what is generated is up to date
	@npm run --silent check

test: check tools build ## Everything: check, then all tests, on a real control plane and a real registry
	@npm test --silent

demo: tools build ## A cluster, a registry, an application, a rollout and a rollback to watch (DEMO=once: then exit)
	@$(NODE) e2e/demo.ts

bench: tools build ## The benchmarks, against the floor of the same run
	@$(NODE) bench/run.ts

fuzz: install ## R8: 10,000 malformed answers to every kind of registry, in some minutes (FUZZ_RUNS=1000: fewer)
	@$(NODE) operator/registries/testing/fuzz.ts

clean: ## Removes what was built; not the tools of `make tools`, which other checkouts use
	rm -rf dist .tap
