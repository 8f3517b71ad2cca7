# Run "make help" for the list of targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install build tools test check demo bench fuzz chaos generate image deploy undeploy e2e-kind clean

# Node 24 comes with the dependencies. Everything here runs with it, whatever Node the machine has.
NODE := node_modules/.bin/node
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# `make demo DEMO=once` exits at the end.
export DEMO
# `make chaos SEED=42`, `make chaos SEEDS=100`, and `make chaos SEEDS=20 PROCESSES=1`.
export SEED SEEDS PROCESSES
# `make image IMAGE=registry.example.com/cvmanager:v1`, `make deploy KIND_CLUSTER=test`, and the bases of the Dockerfile.
export IMAGE KIND_CLUSTER BUILD_IMAGE RUNTIME_IMAGE DOCKER_BUILD_ARGS HELM_ARGS KIND_IMAGE

# npm writes this file at the end of an installation.
INSTALLED := node_modules/.package-lock.json
# tap has to build the plugins of .taprc once before it can use them.
TAP_BUILT := node_modules/.tap-built

help: ## Lists these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) $(TAP_BUILT) ## Installs the dependencies, including Node 24, unless they are up to date

$(INSTALLED): package-lock.json
	@command -v npm >/dev/null 2>&1 || { echo 'error: npm is missing; install Node.js 20 or later with npm (https://nodejs.org). cvmanager then installs its own Node 24.' >&2; exit 1; }
	@case $$(npm --version) in 9.[0-5].*) echo "error: npm $$(npm --version), as of Debian and Ubuntu, cannot read the overrides of package.json; run: npm install --global npm@11" >&2; exit 1 ;; esac
	npm ci --loglevel=error
	@touch $@

$(TAP_BUILT): $(INSTALLED) .taprc
	@node_modules/.bin/tap build
	@touch $@

build: install ## Generates what `make generate` does, and builds dist/cvmanager.js, which bin/cvmanager runs
	@$(NODE) scripts/generate.ts
	@$(NODE) scripts/build.ts

generate: install ## Generates crds/, deploy/ and parts of the chart, docs/settings.md, docs/reference/ and the list of packages in docs/dependencies.md
	@$(NODE) scripts/generate.ts

tools: install ## Downloads or builds the control plane, the registry and the AWS stand-in, once for each user
	@$(NODE) e2e/tools/build.ts

check: install ## Checks format, lint, types, and that generated files are up to date
	@npm run --silent check

# Each process of the tests lives for a short time: they compile each file once for all, bundle the program once for all, and
# their Go programs have memory enough to collect garbage less often.
test: check tools ## Runs check, then all tests, on a real control plane and a real registry
	@$(NODE) scripts/build.ts
	@NODE_COMPILE_CACHE=$(CURDIR)/.tap/compiled E2E_BUNDLE=$(CURDIR)/dist/cvmanager.js GOGC=400 npm test --silent

demo: build ## Shows a rollout and a rollback on a real control plane (DEMO=once: then exits)
	@$(NODE) e2e/tools/build.ts demo
	@$(NODE) e2e/demo.ts

bench: tools build ## Runs the benchmarks, against the floor of the same run
	@$(NODE) bench/run.ts

fuzz: install ## R8: tests every kind of registry with 10,000 malformed answers, in some minutes (FUZZ_RUNS=1000: fewer)
	@$(NODE) operator/registries/testing/fuzz.ts

chaos: tools ## R1, R2: plays seeded faults and moves (SEED=42: that one; SEEDS=100: so many from SEED on; PROCESSES=1: real processes)
	@$(NODE) e2e/chaos.ts

image: install ## Builds the container image cvmanager:dev (IMAGE=name:tag)
	@$(NODE) scripts/image.ts

deploy: install ## Builds the image, and installs it with the chart in a kind cluster (KIND_CLUSTER=kind)
	@$(NODE) scripts/deploy.ts

undeploy: install ## Removes from the kind cluster what `make deploy` has put there, the ContainerVersions too
	@$(NODE) scripts/undeploy.ts

e2e-kind: tools ## Tests image, chart and rollouts on a real kind cluster with real pods (Linux, root)
	@$(NODE) e2e/kind/run.ts

clean: ## Removes what was built, except the tools of `make tools`, which other checkouts use
	rm -rf dist .tap
