# `make check` is what CI runs. It needs Go, make and a C compiler (race detector);
# where npm exists it runs the conformance suites too, which CI=true requires.

GO ?= go
LINT = $(GO) tool -modfile=.ci/go.mod golangci-lint

# The official SDKs against the emulator, scripted servers against wpsbench.
CONFORMANCE = wire/emulator/conformance
SDKS = $(CONFORMANCE)/node_modules/.package-lock.json
BROWSER = report/browser

.PHONY: check fmt vet lint test cross hostile growth fuzz truth proof bench bars memory build conformance browser-check

check: fmt vet cross lint test hostile growth fuzz

build:
	$(GO) build -o wpsbench ./cmd/wpsbench

fmt:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not gofmt-ed:"; echo "$$out"; exit 1; }

vet:
	$(GO) vet ./...

# The other platforms build; vet also type-checks their tests.
cross:
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	GOOS=windows GOARCH=amd64 $(GO) vet ./...

lint:
	$(LINT) run ./...

# The suites of the SDKs watch real time pass, so nothing runs beside them.
test: $(if $(CI),,$(if $(shell command -v npm),$(SDKS)))
	$(GO) test -race -shuffle=on $$($(GO) list ./... | grep -v '/conformance$$')
	$(GO) test -count=1 ./$(CONFORMANCE)

conformance: $(SDKS)
	$(GO) test -race -count=1 -v ./$(CONFORMANCE)

# What the suites need, once. Without a registry they are skipped; in CI they
# install it themselves, or fail.
$(SDKS): $(CONFORMANCE)/package-lock.json
	-npm ci --prefix $(CONFORMANCE)

# What only a browser can judge: the report and the log-stream page in Debian's
# Chromium. Node reads the files itself, so a change of them needs no rebuild.
browser-check: build
	npm ci --loglevel=error --prefix $(BROWSER)
	cd $(BROWSER) && $(if $(SCREENSHOTS),SCREENSHOTS=$(abspath $(SCREENSHOTS))) WPSBENCH=$(CURDIR)/wpsbench node --test *.test.mjs

# 10,000 hostile connections and what they leave, without the race detector.
hostile:
	$(GO) test -count=1 -v -run '^TestHostileConnectionsLeaveNothing$$' ./wire/emulator

# What a run keeps by the second, over a simulated hour, without the race detector.
growth:
	$(GO) test -count=1 -v -run '^TestMemoryByTheSecond$$' ./scenario/runner

# A bounded search beyond the committed corpus: each target for so many inputs. A
# count, since the Go tool reports the end of a time as a failure now and then.
FUZZTIME ?= 5000x
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "fuzz $$pkg $$f"; \
			out=$$($(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$pkg 2>&1) || \
				{ echo "$$out"; exit 1; }; \
		done; \
	done

# benchstat-ready: go install golang.org/x/perf/cmd/benchstat@latest. First the bars:
# wpsbench in a process of its own against the bare loop of wire/internal/bare, which
# wants the machine to itself, what its clock is worth, and what ten minutes take; then
# the parts. The figures of all come, whichever bar is missed.
BENCH_COUNT ?= 10
bench:
	@missed=; for bar in bars truth memory; do $(MAKE) $$bar || missed="$$missed $$bar"; done; \
	$(GO) test -run '^$$' -bench . -benchmem -count $(BENCH_COUNT) $$($(GO) list ./... | grep -v '/internal/bare$$'); \
	test -z "$$missed" || { echo "bars missed in:$$missed"; exit 1; }

BARS_COUNT ?= 1
bars:
	$(GO) test -run '^$$' -bench '^Benchmark(Idle|Message|Order|TLS|Throughput|Sessions)$$' -benchtime 1x -count $(BARS_COUNT) -timeout 1h ./wire/internal/bare

# What a run takes after one minute and after ten: twelve minutes, and little of the machine.
memory:
	$(GO) test -run '^$$' -bench '^BenchmarkMemory$$' -benchtime 1x -timeout 15m ./wire/internal/bare

# What the harness adds to latencies that are known otherwise: needs an idle machine.
truth:
	WPSBENCH_TRUTH=1 $(GO) test -count=1 -run '^TestTruth' -v ./scenario/runner

# What the checker is worth: fifty million deliveries over 200 resets and 10 storms, by
# simulation, and 2,000 of 10,000 real sessions reset at once, without a false alarm.
# Three minutes of one core, and half a minute of two, which should do nothing else.
proof:
	WPSBENCH_PROOF=1 $(GO) test -count=1 -timeout 1h -run '^TestProof' -v ./scenario/runner ./cmd/wpsbench
