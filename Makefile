# make run        a complete world on http://localhost:8080 (needs only Go)
# make test       everything: Go with the race detector, PostgreSQL, relying parties, browser, SDKs
# make check      format, vet, staticcheck, the architecture, generated code
# make bench      rates and CPU, each beside its limit measured in the same run
# make bench-risk how often honest people are asked again for each share of attackers caught; ARGS='-csv FILE'
# make screenshots  every page, narrow and wide, light and dark

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

export CGO_ENABLED ?= 0
# The race detector watches our code; over SQLite's C and the hash it costs forty times the time and finds nothing of ours.
# No more than these: a package that instantiates atomics or sync.Map without the detector hides their order from all others.
RACE := -race -gcflags='modernc.org/sqlite/lib=-race=false' -gcflags='modernc.org/libc/...=-race=false' -gcflags='golang.org/x/crypto/...=-race=false'
TOOL := go tool -modfile=tools/go.mod
comma := ,
NODE := node --test --test-concurrency=1 --test-timeout=180000

# Tests that drive the binary are never cached: Go cannot see that it changed.
# A part of the tests: its name, its command, and the seconds it took.
define part
	@printf '\n=== %s\n' '$(1)'; start=$$SECONDS; $(2); printf '=== %s: %d s\n' '$(1)' $$((SECONDS-start))
endef

.PHONY: build run test test-go test-sdk-go test-pg test-rp test-web test-sdk setup check bench bench-risk screenshots clean

build:
	go build -trimpath -o bin/intelliauth ./cmd/intelliauth

run: build
	bin/intelliauth dev

setup:
	$(call part,setup,test/setup.sh)

test: export INTELLIAUTH_TEST = all
test: setup test-go test-sdk-go test-pg test-rp test-web test-sdk
	@printf '\nAll parts passed.\n'

test-go: export CGO_ENABLED = 1
test-go:
	$(call part,go: unit and end to end with the race detector,go test $(RACE) -timeout 6m $$(go list ./... | grep -v internal/store$$))

test-sdk-go: export CGO_ENABLED = 1
test-sdk-go:
	$(call part,sdk: Go,cd sdk/go && go test -race -timeout 3m ./...)
	$(call part,sdk: the example API in Go,cd examples/go-api && go build -o /dev/null .)

test-pg: export CGO_ENABLED = 1
test-pg:
	$(call part,pg: the store on SQLite and on a real PostgreSQL,test/postgres.sh go test $(RACE) -timeout 10m ./internal/store/...)

test-rp: build
	$(call part,rp: strict relying parties in Node,cd test && $(NODE) relying-parties/)
	$(call part,rp: strict relying parties in Go and hostile clients,cd test && go test -count=1 -timeout 10m ./...)

test-web: build
	$(call part,web: Chromium,cd test && $(NODE) browser/)

test-sdk: build
	$(call part,sdk: npm packages,test/setup.sh npm)
	$(call part,sdk: build$(comma) types$(comma) packaging and sizes,cd sdk && npm run --silent check)
	$(call part,sdk: Node$(comma) React and Chromium with the real server,cd sdk && $(NODE) test/*.test.mjs)

check:
	$(call part,gofumpt,out=$$($(TOOL) gofumpt -l $$(git ls-files '*.go' | grep -v /sqlc/)); [ -z "$$out" ] || { printf 'not formatted (run: make fmt):\n%s\n' "$$out"; exit 1; })
	$(call part,vet,go vet ./...)
	$(call part,vet: sdk/go,cd sdk/go && go vet ./...)
	$(call part,vet: examples/go-api,cd examples/go-api && go vet ./...)
	$(call part,staticcheck,$(TOOL) staticcheck ./...)
	$(call part,architecture,go test .)
	$(call part,the configuration reference,go test ./cmd/intelliauth/configdoc)
	$(call part,modules,go mod tidy -diff)
	$(call part,modules: sdk/go,cd sdk/go && go mod tidy -diff)
	$(call part,modules: examples/go-api,cd examples/go-api && go mod tidy -diff)

fmt:
	$(TOOL) gofumpt -w $$(git ls-files '*.go' | grep -v /sqlc/)

bench: build
	cd test && go run ./bench

bench-risk:
	cd test && go run ./risk $(ARGS)

screenshots: build setup
	cd test && node screenshots/run.mjs

clean:
	rm -rf bin test/out
