# Ottla: what can be made. `make help` prints the lines with two hashes.
SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
GOLANGCI_VERSION ?= v2.15.0
IMAGE    ?= ottla:dev
FUZZTIME ?= 30s
BENCH    ?= .
OLDER    ?= 3.9.1
MANY     ?= 0

UNIT = $$($(GO) list ./... | grep -v '/integration')

.PHONY: build demo test bench lint fuzz soak docs verify image help

build: ## the binary, in bin/ottla
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/ottla ./cmd/ottla

demo: build ## a Kafka, a repository and an agent on this machine, with Go alone
	./bin/ottla demo

test: ## everything that proves the product; what a machine lacks is named and skipped (OTTLA_REQUIRE_REAL=1: fails)
	mkdir -p dist
	@echo "== unit, and the laws on a Kafka in the process"
	@failed=0; \
	$(GO) test -json -vet=off -race $(UNIT) | $(GO) run ./integration/totals dist/test-unit.json || failed=1; \
	echo "== on real components"; \
	$(GO) test -json -vet=off -race -p 1 -timeout 25m ./integration/... | $(GO) run ./integration/totals dist/test-integration.json || failed=1; \
	$(GO) run ./integration/totals -sum dist/test-unit.json dist/test-integration.json || failed=1; \
	echo "full output: dist/test-unit.json dist/test-integration.json"; \
	exit $$failed

bench: ## a table of ratios to the bare requests on a real Kafka, then the Go benchmarks (MANY=10000: that many topics too)
	$(GO) test -tags bench -count 1 -v -run TestBench -timeout 60m ./integration/bench -many $(MANY)
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem $$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n1 dirname | sort -u)

lint: ## golangci-lint with the rules of .golangci.yml
	@command -v golangci-lint >/dev/null || { \
	  echo "golangci-lint is missing: $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)"; exit 1; }
	golangci-lint run

fuzz: ## every fuzzer for FUZZTIME (30s)
	@for package in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for name in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
	    echo "== $$package $$name"; \
	    $(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package; \
	  done; \
	done

soak: ## the long ones: everything on an older Kafka (OLDER=3.9.1), ten minutes of chaos, backups of a Kafka that changes, and a real forge
	OTTLA_KAFKA_VERSION=$(OLDER) $(GO) test -count 1 -p 1 -timeout 40m ./integration
	OTTLA_SOAK=1 $(GO) test -count 1 -v -run Soak -timeout 60m ./integration
	$(GO) test -count 1 -v -tags soak -run Gitea -timeout 40m ./integration/gitservers

docs: ## write the generated pages anew
	OTTLA_WRITE_DOCS=1 $(GO) test -count 1 -run ReferencePages ./cmd/ottla

verify: docs ## fails if a generated page, the formatting or go.mod is not as committed
	test -z "$$(gofmt -l .)"
	$(GO) mod verify
	git diff --exit-code

image: ## a container image, by whichever builder is there (IMAGE=name:tag)
	deploy/container/build $(IMAGE)

help: ## this
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' Makefile
