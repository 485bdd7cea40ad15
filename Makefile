# Everything that is built for development goes to .cache, which git ignores.
GO       ?= go
FUZZTIME ?= 2m

BIN  := $(CURDIR)/.cache/bin
BUF  := $(BIN)/buf
LINT_VERSION := v2.15.0
LINT := $(BIN)/golangci-lint-$(LINT_VERSION)

# Protos that stay as the users of another project write them.
AS_IS := --exclude-path examples/protosocket/proto/demo

# Generated code, as find sees it.
GENERATED := find . \( -name .cache -o -name node_modules -o -name testdata \) -prune -o \
	\( -name '*.pb.go' -o -name '*.protoway.go' \) -type f
# Folders with a buf.gen.yaml; the protos of tests have their own.
TEMPLATES := $(dir buf.gen.yaml $(shell find wire -name buf.gen.yaml -not -path '*/testdata/*'))
# The browser tests of the examples.
E2E := $(patsubst %/package.json,%/node_modules/.package-lock.json,$(wildcard examples/*/e2e/package.json))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the chat example on http://localhost:8080
	@mkdir -p $(BIN)
	$(GO) build -o $(BIN)/chat ./examples/chat
	@exec $(BIN)/chat

.PHONY: test
test: $(BUF) tools-race tools-browser tools-python tools-postgres $(E2E) ## Run all tests, with the race detector, and the allocation gates without
	BUF=$(BUF) $(GO) test -race -shuffle=on -timeout 15m ./...
	@echo 'once more what opens sockets, with a goroutine for each connection'
	TEST_MODE=goroutine $(GO) test -race -shuffle=on -timeout 10m . ./clients/go ./receivers/authentication
	cd bench && $(GO) test -timeout 5m ./...
	@echo 'allocation gates: the race detector allocates, so they count without it'
	BUF=$(BUF) $(GO) test -run Alloc -count=1 ./...

.PHONY: lint
lint: $(LINT) ## Check the code against .golangci.yml
	$(LINT) run ./...
	cd bench && $(LINT) run ./...

.PHONY: fix
fix: $(LINT) $(BUF) ## Format everything and mend what the linters can mend
	$(BUF) format -w $(AS_IS)
	$(LINT) fmt ./...
	$(LINT) run --fix ./...

.PHONY: generate
generate: $(BUF) ## Generate code from the .proto files
	@set -e; for dir in $(TEMPLATES); do \
		echo "buf generate in $$dir"; (cd $$dir && $(BUF) generate); \
	done

.PHONY: checkgenerate
checkgenerate: $(BUF) ## Fail if generated code or the format of the .proto files is stale
	$(BUF) lint
	$(BUF) format -d --exit-code $(AS_IS)
	@mkdir -p .cache
	@$(GENERATED) -exec sha256sum {} + | sort -k2 > .cache/generated.before
	@$(MAKE) --no-print-directory generate
	@$(GENERATED) -exec sha256sum {} + | sort -k2 > .cache/generated.after
	@diff .cache/generated.before .cache/generated.after > .cache/generated.diff || { \
		echo 'These generated files were stale; they are right now: commit them.' >&2; \
		sed -n 's/^[<>] [0-9a-f]*  /  /p' .cache/generated.diff | sort -u >&2; exit 1; }

.PHONY: breaking
breaking: $(BUF) ## Fail if the .proto files break what main promised
	$(BUF) breaking --against '.git#branch=main'

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (default 2m)
	@grep -r --include='*_test.go' --exclude-dir=testdata --exclude-dir=.cache '^func Fuzz' . | \
	sed 's/^\(.*\)\/[^/]*:func \(Fuzz[A-Za-z0-9_]*\).*/\1 \2/' | { failed=0; while read -r dir target; do \
		echo "== $$dir $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$dir" </dev/null || failed=1; \
	done; exit $$failed; }

.PHONY: bench
bench: ## Measure the gateway beside other servers, and write docs/performance.md (an hour, on two idle processors)
	cd bench && $(GO) run ./harness -doc ../docs/performance.md

SOAKTIME ?= 3m

.PHONY: soak
soak: ## Abuse a server for SOAKTIME (default 3m) in each mode, and check that it owes nobody an answer and keeps nothing
	cd bench && $(GO) run ./soak -mode event -duration $(SOAKTIME)
	cd bench && $(GO) run ./soak -mode goroutine -duration $(SOAKTIME)

.PHONY: microbench
microbench: ## Run the benchmarks of Go
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: clean
clean: ## Remove what this Makefile built or installed in the tree
	rm -rf .cache $(dir $(E2E))

.PHONY: tools
tools: $(BUF) $(LINT) ## Build buf and golangci-lint, once per version (minutes)

# Without make: go tool -modfile=tools/go.mod buf
$(BUF): tools/go.mod tools/go.sum
	@echo 'building buf, which takes about two minutes, once'
	@mkdir -p $(BIN)
	$(GO) build -modfile=tools/go.mod -o $@ github.com/bufbuild/buf/cmd/buf
	@touch $@

$(LINT):
	@echo 'building golangci-lint, which takes about four minutes, once'
	@mkdir -p $(BIN)
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(BIN)/golangci-lint $@

.PHONY: tools-race
tools-race: # the race detector needs a C compiler
	@.ci/need gcc gcc libc6-dev

# The Python client that the tests of transport speak to, and the Django that
# those of auth/django compare with.
PYTHON := .cache/python/pyvenv.cfg
DJANGO := auth/django/testdata/requirements.txt

.PHONY: tools-python
tools-python: $(PYTHON) ## Install the Python client and the Django of the tests

$(PYTHON): transport/testdata/python.sh transport/testdata/requirements.txt $(DJANGO)
	@echo 'installing the Python packages websockets and django'
	transport/testdata/python.sh .cache/python
	.cache/python/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(DJANGO)
	@touch $@

# Debian has the server of PostgreSQL in a folder of its version, not on the path.
.PHONY: tools-postgres
tools-postgres: ## Install PostgreSQL for the tests if it is missing (Debian)
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || .ci/need postgres postgresql

.PHONY: fixtures
fixtures: tools-python tools-postgres ## Write the fixtures of auth and auth/django anew, with Django
	$(GO) test -count=1 -run '^TestUpdate$$' ./auth/django -update

.PHONY: tools-browser
tools-browser: ## Install chromium for the browser tests if it is missing (Debian)
	@.ci/need /usr/bin/chromium chromium

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund
	@mkdir -p $(@D) && touch $@
