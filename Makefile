# Every target does its own set-up; `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Version data goes in through the linker, so that a clone owned by somebody
# else, or a tarball without .git, builds the same way.
export GOFLAGS := $(strip $(filter-out -buildvcs%,$(GOFLAGS)) -buildvcs=false)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo none)
DATE    ?= $(shell git log -1 --format=%cI 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)

STACK := go run ./daemon/internal/devstack/withstack --

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/inboxd and bin/inboxctl (static, reproducible).
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/inboxd ./cmd/inboxctl

.PHONY: demo
demo: build ## Run everything locally with simulated Meta traffic and `inboxctl top`.
	.ci/setup.sh demo
	bin/inboxd dev --demo

.PHONY: test
test: ## Run every test against real servers; installs what is missing.
	.ci/setup.sh test
	CGO_ENABLED=1 $(STACK) go test -race -timeout 8m ./...

.PHONY: lint
lint: ## Run golangci-lint (pinned, installed into .bin/ when missing).
	.ci/lint.sh

.PHONY: bench
bench: ## Measure inboxd beside its peers; rewrites docs/benchmarks.md (QUICK=1: four minutes, into bench/out/).
	.ci/setup.sh bench
	go -C bench run . -commit $(VERSION) -cache .cache $(if $(QUICK),-quick -out out,-out ../docs) $(BENCH)

.PHONY: micro
micro: ## Run the Go benchmarks of every package (BENCH=regexp).
	.ci/setup.sh test
	$(STACK) .ci/bench.sh

.PHONY: faults
faults: ## Kill, freeze and cut off everything for half an hour; writes docs/faults.md (FAULT_ROUNDS=3).
	.ci/setup.sh test
	INBOXD_FAULT_TABLE=$(CURDIR)/docs/faults.md go test -count=1 -timeout 60m -parallel 8 -v -run TestFaultsAtLength ./daemon/faultstest
	INBOXD_FAULT_ROUNDS=$${FAULT_ROUNDS:-3} CGO_ENABLED=1 $(STACK) \
		go test -race -count=1 -timeout 20m -run 'Crash|Fault|Kill' ./daemon

.PHONY: prometheus
prometheus: ## Let a real Prometheus with our rules watch slow agents for a minute or two.
	.ci/setup.sh test
	INBOXD_TEST_PROMETHEUS=$$(command -v prometheus) CGO_ENABLED=1 $(STACK) \
		go test -count=1 -timeout 15m -v -run TestPrometheusSees ./daemon

.PHONY: fuzz
fuzz: ## Run every fuzz target for a while (FUZZTIME=30s).
	.ci/setup.sh test
	$(STACK) .ci/fuzz.sh

.PHONY: clean
clean: ## Remove what the other targets built.
	rm -rf bin dist .bin
