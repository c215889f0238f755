# The commands that a contributor needs; CONTRIBUTING.md tells more. Nothing here is needed to build: `go build ./cmd/...` does.

LDFLAGS = -s -w -X walkabout/internal/version.stamped=$$(git describe --tags --always --dirty 2>/dev/null)

.PHONY: help build ui demo test bench bench-collector bench-scale bench-alert bench-store bench-pages fuzz soak torture dashboards lint clean

help:
	@echo 'make build   both programs, into bin/'
	@echo 'make ui      the pages: web/dist from web/ui, by Node and npm; the result is committed, so that nothing else needs them'
	@echo 'make demo    agent, two simulated switches, collector and alerts in this terminal; ARGS="--once 30s" for scripts'
	@echo 'make test    every check; as root it installs what is missing, else it says what to install'
	@echo 'make lint    the linters, and the proof that the dependency rules work'
	@echo 'make bench   the benchmarks; BENCH=regexp COUNT=n'
	@echo 'make bench-scale   1,001 interfaces, 5,000 connections, 10,000 routes, beside Net-SNMP; ARGS="-alone" without; some minutes'
	@echo 'make bench-alert  from the end of a cable to the webhook, with notifications and without; what 48 interfaces cost'
	@echo 'make bench-store  what the store writes and reads a second, its memory and disk, and what the pages of 5,000 devices take at the server; some minutes; ARGS="-devices 1000"'
	@echo 'make bench-pages  those pages in a browser, Chromium; ARGS="-shots FOLDER" keeps pictures'
	@echo 'make bench-collector  CPU of the collector a poll of a 48-port switch, at 100, 1,000 and 5,000 of them, beside others; some minutes; ARGS="-devices 100 -v3"'
	@echo 'make fuzz    each fuzzer for FUZZTIME=30s; FUZZ=regexp'
	@echo 'make soak    a million hostile messages to one agent; CASES=n'
	@echo 'make torture ten minutes of faults between polls and InfluxDB, kill -9 among them; FOR=1m'
	@echo 'make dashboards  Grafana dashboards, into dashboards/grafana, after a change of package dashboards'
	@echo 'make clean   removes what these made, .cache excepted'

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "$(LDFLAGS)" -o bin/ ./cmd/...

ui:
	@scripts/ui

demo: build
	@bin/snmpcollect demo $(ARGS)

test:
	@scripts/test

lint:
	@scripts/test setup lint

bench:
	@scripts/bench

bench-scale:
	@go run ./internal/bench/scale $(ARGS)

bench-alert:
	@go test -tags interop -count=1 -v -run TestCableToWebhook ./internal/e2e | grep -E 'webhook|its end|FAIL|^ok'
	@go test -run '^$$' -bench Observe48 ./alert

bench-store:
	go test -run '^$$' -bench . -benchtime 2s ./store
	go test -run '^$$' -bench 'Fleet|Device' -benchtime 2s ./web
	go run ./internal/bench/storememory $(ARGS)

bench-pages:
	go run ./internal/bench/pages $(ARGS)

bench-collector:
	go run ./internal/bench/collectorcpu $(ARGS)

fuzz:
	@scripts/fuzz

soak:
	go test -count=1 -timeout 2h -v -run '^TestSoak$$' ./cmd/snmpd -args -soak.cases $(or $(CASES),1000000)

torture:
	go test -count=1 -timeout 2h -v -tags interop -run '^TestTorture$$' ./internal/e2e -args -torture $(or $(FOR),10m)

dashboards:
	go run ./tools/dashboards $(ARGS)

clean:
	rm -rf bin .cache/cross .cache/logs
