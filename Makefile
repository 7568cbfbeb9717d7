# Hubgate. `make help` lists the words.
CC      ?= cc
PREFIX  ?= /usr/local
BUILD   ?= build
VERSION := $(shell cat VERSION)
# The commit is a label of the metric hubgate_build_info; a tarball without git says "unknown".
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

# The floors that all servers share; the programs name their own below.
SHARED  := base tls net http web
LIBS    := libevent_core libevent_extra libevent_openssl libssl libcrypto jansson
CTL_LIBS := libcurl libevent_core libwebsockets libssl libcrypto jansson yaml-0.1
HUB_LIBS := libcurl sqlite3 libargon2 yaml-0.1
# sockaddr casts break strict aliasing by design (POSIX), and whole-program optimisation would see it.
DIALECT := -std=c17 -D_GNU_SOURCE -I. -pthread -fno-strict-aliasing
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
           -Wmissing-prototypes -Wvla -Wformat=2 -Werror
HARDEN  := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
OPTIM   ?= -O2 -g
# Whole-program optimisation for the programs; those of the tests link the same objects without it.
LTO     ?= -flto=auto -ffat-lto-objects
CFLAGS  := $(DIALECT) $(WARN) $(OPTIM) $(LTO) $(HARDEN) $(shell pkg-config --cflags $(LIBS) $(HUB_LIBS)) $(EXTRA)
LDFLAGS := -pthread -pie -Wl,-z,relro,-z,now,-z,noexecstack $(EXTRA)
LDLIBS  := $(shell pkg-config --libs $(LIBS)) -lhttp_parser -lm
HUB_LDLIBS := $(shell pkg-config --libs $(HUB_LIBS)) -lpam $(LDLIBS)
CTL_LDLIBS := $(shell pkg-config --libs $(CTL_LIBS)) -lm

# objects FLOORS: what their sources compile to, the programs' own main files left out.
objects  = $(patsubst %.c,$(BUILD)/obj/%.o,$(filter-out %/main.c,$(wildcard $(addsuffix /*.c,$(1)))))
# The proxy calls out by its own means: no libcurl in it.
OBJ     := $(filter-out %/web/fetch.o %/web/multi.o %/web/transport.o,$(call objects,$(SHARED) proxy api))
HUB_OBJ := $(call objects,$(SHARED) kube kubeapi pods login keeper spawner hub) $(BUILD)/obj/hub/pages.o
KEEPER_OBJ := $(call objects,keeper)
CTL_OBJ := $(patsubst %,$(BUILD)/obj/%.o,web/fetch web/multi web/transport) $(call objects,base tls kube kubeapi ctl)
FUZZ    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
# Those of them that need the hub.
HUB_FUZZ := $(addprefix fuzz_,settings profiles kubeconfig watch manifest)
UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
HUB_UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/hub/test_*.c))
CTL_UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/ctl/test_*.c))
PROGRAMS := $(addprefix $(BUILD)/,hubgate configurable-http-proxy hubgate-hub hubgate-keeper hubctl)

.PHONY: all help check unit e2e jupyterhub cluster scale ctl pods browser chart images asan tsan fuzz bench lint format docs install clean
all: $(PROGRAMS) ## build the programs into build/

help: ## print these words
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

$(BUILD)/hubgate: $(OBJ) $(BUILD)/obj/main.o
	$(CC) $(OPTIM) $(LTO) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/configurable-http-proxy: $(BUILD)/hubgate
	ln -sf hubgate $@

$(BUILD)/hubgate-hub: $(HUB_OBJ) $(BUILD)/obj/hub/main.o
	$(CC) $(OPTIM) $(LTO) $(LDFLAGS) -o $@ $^ $(HUB_LDLIBS)

# Beside every local server, so small: libc alone.
$(BUILD)/hubgate-keeper: $(KEEPER_OBJ) $(BUILD)/obj/keeper/main.o
	$(CC) $(OPTIM) $(LTO) $(LDFLAGS) -o $@ $^

$(BUILD)/hubctl: $(CTL_OBJ) $(BUILD)/obj/ctl/main.o
	$(CC) $(OPTIM) $(LTO) $(LDFLAGS) -o $@ $^ $(CTL_LDLIBS)

# The hub's pages, compiled in: one table of names and bytes.
PAGES := $(shell find hub/pages -type f)
$(BUILD)/obj/hub/pages.S: hub/embed $(PAGES)
	@mkdir -p $(@D)
	hub/embed hub/pages >$@
$(BUILD)/obj/hub/pages.o: $(BUILD)/obj/hub/pages.S
	$(CC) -c -o $@ $<

$(BUILD)/obj/%.o: %.c Makefile VERSION
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DHUBGATE_VERSION='"$(VERSION)"' -DHUBGATE_COMMIT='"$(COMMIT)"' -MMD -MP -c -o $@ $<

# An archive: a test links what it uses, and no more.
$(BUILD)/hub.a: $(HUB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/unit/hub/%: tests/unit/hub/%.c $(BUILD)/hub.a | $(BUILD)/hubgate-keeper
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(BUILD)/hub.a $(LDFLAGS) -lcmocka $(HUB_LDLIBS)

$(BUILD)/ctl.a: $(CTL_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/unit/ctl/%: tests/unit/ctl/%.c $(BUILD)/ctl.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(BUILD)/ctl.a $(LDFLAGS) -lcmocka $(CTL_LDLIBS)

# What the tests of pods ask for manifests.
$(BUILD)/pods/manifest: tests/pods/manifest.c $(BUILD)/hub.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(BUILD)/hub.a $(LDFLAGS) $(HUB_LDLIBS)

$(BUILD)/unit/%: tests/unit/%.c $(OBJ)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(OBJ) $(LDFLAGS) -lcmocka $(LDLIBS)

# A program of the cluster tests.
$(BUILD)/cluster/%: tests/cluster/%.c $(BUILD)/hub.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fno-lto -MMD -MP -o $@ $< $(BUILD)/hub.a $(LDFLAGS) $(HUB_LDLIBS)

# A fuzz target over its corpus; with -fsanitize=fuzzer in place of replay.c it is libFuzzer's.
FUZZ_MAIN ?= tests/fuzz/replay.c
$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.h tests/fuzz/replay.c tests/unit/forward_rig.h $(OBJ)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/$*"' -o $@ $< $(FUZZ_MAIN) \
	    $(if $(filter $(HUB_FUZZ),$*),$(BUILD)/hub.a $(LDFLAGS) $(HUB_LDLIBS),$(OBJ) $(LDFLAGS) $(LDLIBS))
$(HUB_FUZZ:%=$(BUILD)/fuzz/%): $(BUILD)/hub.a

unit: $(UNIT) $(HUB_UNIT) $(CTL_UNIT) $(FUZZ) $(BUILD)/pods/manifest ## unit tests (cmocka), fuzz targets over their corpus
	@tests/unit/run $(UNIT) $(HUB_UNIT) $(CTL_UNIT) $(FUZZ)

e2e: all ## end-to-end tests (pytest; ./test sets up what they need)
	tests/e2e/run

jupyterhub: all ## JupyterHub's own tests, with the proxy found as configurable-http-proxy
	tests/jupyterhub/run

ctl: all ## tests of hubctl, against real hubs
	tests/hubctl/run

cluster: all ## tests against a real Kubernetes, built when missing: its API server, then a whole cluster
	tests/cluster/run
	tests/cluster/run-whole

scale: all ## 5 000 users and 2 000 pods on simulated nodes: what the hub costs
	tests/cluster/tool etcd kube-apiserver kube-scheduler kwok >/dev/null
	build/venv/bin/python tests/scale/run

chart: all ## the chart: rendered by helm, held against a real API server
	tests/chart/run

hub: all ## the hub with real and stub single-user servers, behind the proxy
	tests/hub/run

pods: all $(BUILD)/pods/manifest ## pods and claims beside those that KubeSpawner makes
	tests/pods/run

browser: all ## the hub, JupyterHub and JupyterLab in Chromium
	tests/browser/run

check: unit asan e2e hub lint ## everything a change must pass (sanitizers included)

# Archives for `ctr images import` and the like, of the programs as they are built here: no engine, no base image.
REGISTRY ?= registry.example.org
images: $(addprefix $(BUILD)/images/,proxy.tar hub.tar) ## OCI archives of proxy and hub into build/images/
$(BUILD)/images/proxy.tar: $(BUILD)/hubgate
$(BUILD)/images/hub.tar: $(BUILD)/hubgate-hub $(BUILD)/hubctl
$(BUILD)/images/%.tar: deploy/images/%/Dockerfile deploy/images/root deploy/images/pack
	@rm -rf $(@:.tar=)
	@mkdir -p $(@D)
	deploy/images/root $* $(BUILD) $(@:.tar=)
	deploy/images/pack --registry $(REGISTRY) --arg VERSION=$(VERSION) --arg COMMIT=$(COMMIT) $< $(@:.tar=) $@

.PHONY: pins
pins: ## ask the registry whether the Python lists of users' images are good (gigabytes)
	deploy/images/pins

asan: ## unit tests and the programs under address and undefined-behaviour sanitizers
	$(MAKE) BUILD=build/asan OPTIM='-O1 -g -fno-omit-frame-pointer' LTO= HARDEN=-fPIE \
	    EXTRA='-fsanitize=address,undefined -fno-sanitize-recover=all' all unit

tsan: ## unit tests and the programs under the thread sanitizer
	$(MAKE) BUILD=build/tsan OPTIM='-O1 -g' LTO= HARDEN=-fPIE EXTRA='-fsanitize=thread' all unit

fuzz: ## a minute of fuzzing per target (FUZZ_SECONDS; clang)
	tests/fuzz/run

# origin, relay, replay (C alone), wsecho, wsload (libwebsockets), tlsload (OpenSSL): what the benchmark stands on
$(BUILD)/bench/%: bench/%.c bench/samples.h Makefile
	@mkdir -p $(@D)
	$(CC) $(DIALECT) $(WARN) $(OPTIM) -o $@ $< $(if $(filter ws%,$*),-lwebsockets) $(if $(filter tls%,$*),-lssl -lcrypto)

bench: all ## measure beside configurable-http-proxy, nginx, haproxy and caddy
	bench/run

lint: all ## floors, sizes, formatting, names, documents that the programs print
	@tests/lint/run

format: ## put every C file into the house's form
	clang-format -i $$(git ls-files --cached --others --exclude-standard '*.[ch]')

docs: $(BUILD)/hubgate $(BUILD)/hubgate-hub $(BUILD)/hubctl $(BUILD)/pods/manifest ## write what is printed from tables: references, man pages, settings, completion
	@mkdir -p docs/reference
	$(BUILD)/hubgate --print-reference markdown >docs/reference/flags.md
	$(BUILD)/hubgate --print-reference man >docs/hubgate.1
	$(BUILD)/hubgate-hub --print-reference markdown >docs/reference/hub-settings.md
	$(BUILD)/hubgate-hub --print-reference man >docs/hubgate-hub.1
	$(BUILD)/hubgate-hub --print-reference yaml >deploy/hubgate-hub.example.yaml
	$(BUILD)/pods/manifest reference >docs/reference/pods.md
	$(BUILD)/hubctl --print-reference markdown >docs/reference/hubctl.md
	$(BUILD)/hubctl --print-reference man >docs/hubctl.1
	$(BUILD)/hubctl completion bash >deploy/completion/hubctl.bash

UNITS = $(PREFIX)/lib/systemd/system
install: all ## install into PREFIX (DESTDIR respected)
	install -D -m 755 $(BUILD)/hubgate $(DESTDIR)$(PREFIX)/bin/hubgate
	ln -sf hubgate $(DESTDIR)$(PREFIX)/bin/configurable-http-proxy
	install -m 755 $(BUILD)/hubgate-hub $(BUILD)/hubctl $(DESTDIR)$(PREFIX)/bin
	install -D -m 755 $(BUILD)/hubgate-keeper $(DESTDIR)$(PREFIX)/libexec/hubgate/hubgate-keeper
	install -D -m 644 docs/hubgate.1 $(DESTDIR)$(PREFIX)/share/man/man1/hubgate.1
	ln -sf hubgate.1 $(DESTDIR)$(PREFIX)/share/man/man1/configurable-http-proxy.1
	install -m 644 docs/hubgate-hub.1 $(DESTDIR)$(PREFIX)/share/man/man1/hubgate-hub.1
	install -D -m 644 docs/hubctl.1 $(DESTDIR)$(PREFIX)/share/man/man1/hubctl.1
	install -D -m 644 deploy/completion/hubctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/hubctl
	install -d $(DESTDIR)$(UNITS)
	for unit in hubgate.service hubgate.socket hubgate-hub.service hubgate-servers.service; do \
	    sed 's|/usr/local/bin/|$(PREFIX)/bin/|' systemd/$$unit >$(DESTDIR)$(UNITS)/$$unit && \
	    chmod 644 $(DESTDIR)$(UNITS)/$$unit || exit; done
	install -d $(DESTDIR)$(PREFIX)/share/doc/hubgate
	install -m 644 systemd/hubgate.env.example systemd/hub.yaml.example deploy/hubgate-hub.example.yaml \
	    LICENSE $(DESTDIR)$(PREFIX)/share/doc/hubgate

clean: ## remove what make built (the virtual environments stay)
	rm -rf $(addprefix $(BUILD)/,obj unit cluster fuzz bench images hub.a ctl.a asan tsan libfuzzer) $(PROGRAMS)

-include $(OBJ:.o=.d) $(HUB_OBJ:.o=.d) $(CTL_OBJ:.o=.d) $(wildcard $(BUILD)/obj/main.d $(BUILD)/obj/*/main.d) $(UNIT:=.d) $(HUB_UNIT:=.d) $(CTL_UNIT:=.d)
