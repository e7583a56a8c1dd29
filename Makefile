# The tasks of this repository. `make` alone lists them.
#
# Go and a POSIX system are enough for run, build, check, fuzz and fmt; `make
# doctor` says what the rest needs. What is downloaded or cached is in .build.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO ?= go
# Without the stamp of the version control system, a build depends on its sources alone.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

LINTER_VERSION := v2.15.0
LINTER := .build/bin/golangci-lint
TFLINT_VERSION := v0.64.0
TFLINT := .build/bin/tflint
VULNCHECK_VERSION := v1.9.0
VULNCHECK := .build/bin/govulncheck
VERSION := $(shell git describe --always --dirty 2>/dev/null)

# The services that run on AWS: one Lambda function each. Their archives are for
# the architecture ARCH, arm64 or amd64.
LAMBDAS := $(patsubst services/%/lambda/main.go,%,$(wildcard services/*/lambda/main.go))
ARCH ?= arm64
LAMBDA_BUILD := CGO_ENABLED=0 $(GO) build -trimpath -tags lambda.norpc -ldflags "-s -w"

FUZZTIME ?= 30s
ARGS ?=

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

.PHONY: run
run: ## Start everything on this machine, at http://localhost:8080 (ARGS="--addr ... --data ...")
	@echo "Building bin/smsqueue. The first time takes about a minute, because SQLite is compiled from Go source."
	@$(MAKE) --no-print-directory bin/smsqueue
	@exec bin/smsqueue serve $(ARGS)

.PHONY: build
build: bin/smsqueue $(LAMBDAS:%=bin/%/bootstrap) dist/digests.tfvars.json ## Build bin/smsqueue with its licences, bin/<service>/bootstrap and dist/<service>.zip (ARCH=arm64 or amd64)

# The go command itself finds out what is out of date, so it always runs.
.PHONY: FORCE
FORCE:

bin/smsqueue: FORCE
	@CGO_ENABLED=0 $(GO) build -trimpath $(if $(VERSION),-ldflags "-X main.version=$(VERSION)") -o $@ ./services/smsqueue
	@$(GO) run ./tools/licensefile -o $@.licenses.txt $@

bin/%/bootstrap: FORCE
	@$(LAMBDA_BUILD) -o $@ ./services/$*/lambda

# GOAMD64 and GOARM64 are fixed so that the archive does not depend on who builds it.
.PRECIOUS: .build/lambda/$(ARCH)/%/bootstrap
.build/lambda/$(ARCH)/%/bootstrap: FORCE
	@GOOS=linux GOARCH=$(ARCH) GOAMD64=v1 GOARM64=v8.0 $(LAMBDA_BUILD) -o $@ ./services/$*/lambda

dist/%.zip: .build/lambda/$(ARCH)/%/bootstrap
	@$(GO) run ./tools/lambdazip -o $@ $<

# For a release in a bucket: see package_digests in terraform/README.md.
dist/digests.tfvars.json: $(LAMBDAS:%=dist/%.zip)
	@$(GO) run ./tools/lambdazip -digests $@ $^

# The Terraform root of the deployment. Its variables come from terraform.tfvars in that
# folder, or from ARGS="-var ...".
DEPLOYMENT := terraform/deployment

.PHONY: deploy
deploy: $(LAMBDAS:%=dist/%.zip) ## Build the functions and provision AWS; variables in terraform/deployment/terraform.tfvars
	@terraform -chdir=$(DEPLOYMENT) init -input=false
	@terraform -chdir=$(DEPLOYMENT) apply $(ARGS)

.PHONY: destroy
destroy: $(LAMBDAS:%=dist/%.zip) ## Remove what deploy created, including all records; settings of the account stay
	@$(DEPLOYMENT)/destroy.sh $(ARGS)

.PHONY: emulate
emulate: ## Run the whole deployment here, applied to ministack: no AWS account, no container (2 minutes)
	@exec $(GO) run ./tools/emulate

# See terraform/live-test.md. With EMULATE=1 it needs no account and no number.
.PHONY: live-test
live-test: .build/bin/livetest ## Check our assumptions about AWS, on the deployment (NUMBER=+49... MAX_USD=0.80, or EMULATE=1)
	@exec .build/bin/livetest $(if $(EMULATE),--emulate) $(if $(NUMBER),--number "$(NUMBER)") $(if $(MAX_USD),--max-usd $(MAX_USD)) $(ARGS)

.build/bin/livetest: FORCE
	@$(GO) build -o $@ ./tools/livetest

.PHONY: check
check: .build/bin/runtests ## Vet and test with Go alone, without the engines: under a minute once built
	@$(GO) vet work
	@exec .build/bin/runtests -engines=none -race=false -shuffle=off -short

.PHONY: test
test: build .build/bin/runtests ## Test everything, on the engines (ARGS="-run Pattern ./shared/...")
	@exec .build/bin/runtests $(ARGS)

.build/bin/runtests: FORCE
	@$(GO) build -o $@ ./tools/runtests

.PHONY: soak
soak: build .build/bin/runtests ## Run long test campaigns, then each fuzz target for 10 minutes; takes hours
	@SMSQUEUE_SOAK=1 .build/bin/runtests -timeout=3h $(ARGS)
	@$(MAKE) --no-print-directory fuzz FUZZTIME=10m

.PHONY: bench
bench: build ## Run the benchmarks, on the engines
	@$(GO) run ./tools/withengines $(GO) test -run '^$$' -bench . -benchmem $(or $(ARGS),work)

.PHONY: fuzz
fuzz: ## Fuzz every parser for FUZZTIME (30s by default)
	@grep -rEo --include='*_test.go' '^func Fuzz\w+' services shared test tools | while IFS=: read -r file func; do \
		echo "$${file%/*} $${func#func }"; \
		$(GO) test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) "./$${file%/*}" </dev/null; \
	done

.PHONY: lint
lint: lint-terraform $(LINTER)-$(LINTER_VERSION) ## Check format and style; the first time builds golangci-lint and tflint, about 6 minutes
	@unformatted=$$(gofmt -l services shared test tools); \
		if [[ -n $$unformatted ]]; then echo "not formatted, run make fmt:" $$unformatted; exit 1; fi
	@$(LINTER) run $$($(GO) list -f '{{.Dir}}/...' -m)

# golangci-lint is built outside the workspace, so that its requirements do not become ours.
$(LINTER)-$(LINTER_VERSION):
	@echo "Building golangci-lint $(LINTER_VERSION), about 2 minutes, once."
	@GOWORK=off GOBIN=$(CURDIR)/.build/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTER_VERSION)
	@touch $@

.PHONY: lint-terraform
lint-terraform: $(TFLINT)-$(TFLINT_VERSION) # checkov runs in `make test`
	@for dir in terraform $(DEPLOYMENT) $(wildcard terraform/modules/* terraform/examples/*); do \
		$(TFLINT) --chdir=$$dir --config=$(CURDIR)/terraform/.tflint.hcl || exit; \
	done

$(TFLINT)-$(TFLINT_VERSION):
	@GOWORK=off GOBIN=$(CURDIR)/.build/bin $(GO) install github.com/terraform-linters/tflint@$(TFLINT_VERSION)
	@touch $@

# The vulnerabilities come from vuln.go.dev on the internet, or from the database in
# ARGS="-db file:///...".
.PHONY: vulncheck
vulncheck: $(VULNCHECK)-$(VULNCHECK_VERSION) ## Look for known vulnerabilities in the modules that the code calls; needs vuln.go.dev
	@$(VULNCHECK) $(ARGS) ./... ./test/...

$(VULNCHECK)-$(VULNCHECK_VERSION):
	@GOWORK=off GOBIN=$(CURDIR)/.build/bin $(GO) install golang.org/x/vuln/cmd/govulncheck@$(VULNCHECK_VERSION)
	@touch $@

.PHONY: fmt
fmt: ## Format the Go files
	@gofmt -l -w services shared test tools

.PHONY: doctor
doctor: ## List the tools that are needed: the version found, what each is for, how to get it
	@$(GO) run ./tools/doctor

.PHONY: clean
clean: ## Remove what was built, and the downloads; data/ stays
	@rm -rf bin dist .build
