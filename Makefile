# Everything a contributor or a build machine runs. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BINARY   ?= bin/futakagi
VERSION  ?=
FUZZTIME ?= 30s
WALK     ?= 10m
SCREENS  ?= screens

GOLANGCI_VERSION := v2.15.0
SQLC_VERSION     := v1.31.1
GOLANGCI := .tools/golangci-lint-$(GOLANGCI_VERSION)
SQLC     := .tools/sqlc-$(SQLC_VERSION)

# `make lint` vets. What takes longest begins first, so that nothing is left to wait for at the end.
TEST := go test -vet=off -shuffle=on
LONG := ./internal/testapp ./mfa ./provider ./admin
# The body of SQLite is C in the clothes of Go: the detector finds nothing in it and makes it many times slower. It must be this package
# alone: others of its module share atomic operations with ours, which the detector has to see.
RACE := $(TEST) -race -gcflags=modernc.org/sqlite/lib=-race=false

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the demo: provider, store, My Page and inbox
	go run ./cmd/futakagi demo

.PHONY: binary
binary: ## Build the static release binary
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w$(if $(VERSION), -X main.version=$(VERSION))" -o $(BINARY) ./cmd/futakagi

.PHONY: test
test: ## Run every test: race detector, both databases, real browser (installs what is missing on Debian as root)
	.ci/needs
	FUTAKAGI_TEST_POSTGRES=1 FUTAKAGI_TEST_BROWSER=1 FUTAKAGI_TEST_NODE=1 FUTAKAGI_TEST_ENGINE=postgresql \
		$(RACE) -timeout 30m $(LONG) $$(go list ./... | grep -vE '/(e2e|templates|store)$$')
	# The other half of what runs on both databases, without the detector, which sees the same code of ours on PostgreSQL.
	FUTAKAGI_TEST_ENGINE=sqlite $(TEST) -timeout 20m -skip '^TestI9_Time$$' $(LONG) \
		$$(go list -f '{{.ImportPath}} {{.TestImports}}{{.XTestImports}}' ./... | grep -E 'storetest|internal/testapp' | cut -d' ' -f1 | grep -vE '/(e2e|store|cmd/futakagi)$$')
	FUTAKAGI_TEST_POSTGRES=1 $(RACE) -timeout 20m ./store
	# Pages are rendered by one goroutine here, and by many under the race detector in internal/testapp.
	$(TEST) ./templates
	# What the race detector's own memory and time would blur.
	$(TEST) -run '^TestI29_MemoryStaysWithinBudget$$' ./account
	FUTAKAGI_TEST_POSTGRES=1 $(TEST) -v -run '^TestI9_Time$$' ./internal/testapp
	FUTAKAGI_TEST_POSTGRES=1 FUTAKAGI_TEST_ENGINE=postgresql $(TEST) -run '^TestBadInput$$' ./internal/testapp
	# The browser is what takes time here; the race detector watches the same server in internal/testapp.
	FUTAKAGI_TEST_POSTGRES=1 FUTAKAGI_TEST_BROWSER=1 FUTAKAGI_TEST_NODE=1 $(TEST) -timeout 40m ./e2e
	TZ=Asia/Tokyo FUTAKAGI_TEST_POSTGRES=1 $(TEST) ./store/...

.PHONY: lint
lint: $(GOLANGCI) ## Check format, lint, generated code, modules and the image build
	$(GOLANGCI) fmt --diff
	$(GOLANGCI) run
	go vet ./...
	go fix -diff ./...
	go mod tidy -diff
	@$(MAKE) --no-print-directory gen-check image-check

.PHONY: fix
fix: $(GOLANGCI) ## Format and apply every automatic correction
	$(GOLANGCI) fmt
	go fix ./...
	$(GOLANGCI) run --fix

.PHONY: gen
gen: $(SQLC) ## Generate Go from store/queries and the example configuration
	$(SQLC) generate
	go test ./config -run '^TestExample$$' -update

.PHONY: gen-check
gen-check: $(SQLC)
	$(SQLC) diff

.PHONY: image-check
image-check: ## Run the steps of the Dockerfile without Docker, and the binary in an empty root
	.ci/image-check

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (30s)
	@for dir in $$(grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
		for target in $$(grep -hoE '^func Fuzz[[:alnum:]_]+' $$dir/*_test.go | cut -d' ' -f2); do \
			echo "== $$dir $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$dir; \
		done; \
	done

.PHONY: guides
guides: ## Run the guides' sites in their frameworks: Spring, Next.js, Rails, Laravel (installs what is missing on Debian as root)
	.ci/needs guides
	FUTAKAGI_TEST_GUIDES=1 go test -count=1 -run '^TestGuide' -v ./internal/testapp

.PHONY: walk
walk: ## Let people and thieves wander through the server at random for WALK (10m) on SQLite, a third of it on PostgreSQL
	FUTAKAGI_WALK=$(WALK) FUTAKAGI_TEST_POSTGRES=1 go test ./internal/testapp/walk -count=1 -timeout 0 -v

.PHONY: screens
screens: ## Photograph every screen into SCREENS (ja and en, wide and narrow, light and dark)
	FUTAKAGI_TEST_BROWSER=1 go test ./e2e -count=1 -run '^TestScreens$$' -screens "$(abspath $(SCREENS))"

.PHONY: bench
bench: ## Measure the hot operations on both databases against the targets
	go run ./bench -engine sqlite
	go run ./bench -engine postgres

# One pinned binary per tool: outside go.mod, because each drags in hundreds of
# modules.
.tools/golangci-lint-%:
	GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$*
	mv .tools/golangci-lint $@

.tools/sqlc-%:
	GOBIN=$(CURDIR)/.tools go install github.com/sqlc-dev/sqlc/cmd/sqlc@$*
	mv .tools/sqlc $@
