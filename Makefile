# Runs on a bare Debian 12 that has make: what else is missing is installed first (as root).
NODE := node_modules/.bin/node
# Is there when node_modules has what checks and tests need, and not only what a server runs with.
DEV := node_modules/typescript
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# What Node has compiled once, no later process of the demo, the tests and the benches compiles again.
export NODE_COMPILE_CACHE := $(CURDIR)/build/cache/node

.DEFAULT_GOAL := help
.PHONY: help start demo room screens page initrd deb docs secure-boot-image test test-unit test-page test-net test-room test-kill-room test-campus test-resume test-reset test-personal test-package test-boot test-mok test-small-pc test-volumes test-disks test-fit test-kill kernel sim lab building fuzz bench bench-quick bench-product bench-product-quick bench-lab bench-campus bench-busy bench-order bench-store bench-tftp storm bench-capture bench-restore check packages boot-image-after-packages test-vlan bench-session

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

start: node_modules initrd page ## the lab server: make start IFACE=eth1
	@test -n "$(IFACE)" || { echo "say which interface the lab is on: make start IFACE=eth1" >&2; exit 2; }
	$(NODE) server/main.ts serve --interface $(IFACE)

demo: packages initrd ## a virtual room: capture a master, restore three PCs (root, Debian 12)
	$(NODE) test/room/demo.ts

PCS ?= 4
room: packages initrd ## a virtual room that stays: make room PCS=4
	$(NODE) test/room/room.ts --pcs $(PCS)

screens: packages initrd ## the pictures of the documents, taken anew; some minutes (root, Debian 12)
	$(NODE) test/page/pictures.ts
	$(NODE) test/room/screens.ts

page: node_modules ## the page for browsers, into build/page
	$(NODE) client/page/build.ts

initrd: node_modules ## the boot image, into build/boot
	$(NODE) initrd/build/main.ts

deb: node_modules initrd ## packages for Debian, into build/deb
	@command -v dpkg-deb >/dev/null || { echo "make deb needs dpkg-deb, which every Debian has" >&2; exit 2; }
	$(NODE) package/main.ts

docs: $(DEV) ## the documents as a site that works from the disk, into build/docs (root, Debian 12)
	@python3 -c "import sphinx, myst_parser" 2>/dev/null || \
	{ apt-get update && apt-get install -y --no-install-recommends python3-sphinx python3-myst-parser; }
	$(NODE) package/docs/main.ts

SERVER ?=
KEY ?=
GATE ?=
DATA ?=
ARGUMENTS ?=
secure-boot-image: initrd ## kernel, initrd and boot line as one program that the site signs: make secure-boot-image SERVER=http://10.77.0.1:8080 (root)
	@$(NODE) initrd/secure-boot/main.ts --server "$(SERVER)" --key "$(KEY)" --gate "$(GATE)" --arguments "$(ARGUMENTS)" $(if $(DATA),--data "$(DATA)")

kernel: node_modules ## another kernel for the boot menu: make kernel NAME=6.12 FROM=linux-image-… (or a folder)
	@test -n "$(NAME)" -a -n "$(FROM)" || { echo "say which: make kernel NAME=6.12 FROM=PACKAGE, or FROM=FOLDER" >&2; exit 2; }
	$(NODE) initrd/build/main.ts --kernel "$(NAME)" --from "$(FROM)"

UNIT_TESTS = $$(find test/core test/imaging test/server test/client test/initrd test/package test/security test/sim test/lab test/*.test.ts -name '*.test.ts' $(BUT))
PAGE_TESTS = $$(find test/page -name '*.test.ts' ! -name load.test.ts)
NET_TESTS = $$(find test/net -name '*.test.ts' $(BUT))
ROOM_TESTS = $$(find test/room -name '*.test.ts' $(BUT))
# Kills at random, and PCs with Secure Boot or a TPM, take too long for each change. They run by targets of their own.
LONG_TESTS = kill kills campus-faults secure-boot trouble-and-tpm
# What the browser takes is measured by itself.
page-load = $(NODE) test/run.ts 1 test/page/load.test.ts

# What waits for clocks, sockets and browsers leaves the processors to what computes; so do apt and dpkg.
test: BUT = $(LONG_TESTS:%=! -name %.test.ts)
test: $(DEV) ## what is tested with each change, all but what takes longest; some 25 minutes (root, Debian 12)
	@$(MAKE) --jobs=3 --output-sync=target check page boot-image-after-packages
	$(NODE) --import ./test/property.ts test/run.ts 4 $(UNIT_TESTS) $(PAGE_TESTS) $(NET_TESTS) test/room/master.test.ts
	$(page-load)
	$(NODE) test/run.ts 2 $(ROOM_TESTS)

test-unit: packages ## machines, codecs, store, screens, simulated rooms and labs; all of them
	$(NODE) --import ./test/property.ts test/run.ts 3 $(UNIT_TESTS)

test-page: packages page ## the page in a browser, with the real server and a scripted one; two minutes
	$(NODE) test/run.ts 2 $(PAGE_TESTS)
	$(page-load)

test-net: packages ## agents and server with real sockets in network namespaces; all tests
	$(NODE) test/run.ts 3 $(NET_TESTS)

test-room: packages initrd ## PCs in QEMU, from power-on to their own disk; all tests
	$(NODE) test/run.ts 2 $(ROOM_TESTS)

test-kill: $(DEV) ## the image store killed at KILLS=100 random moments; two minutes
	KILLS=$(KILLS) SEED=$(SEED) $(NODE) --test --test-reporter=spec test/server/store/kill.test.ts

test-resume: packages ## what PCs and servers that come back cost the wire, delta, two rooms at once; two minutes
	$(NODE) --test --test-reporter=spec test/cast/resume.test.ts

test-reset: packages initrd ## a PC that loses its power in mid-restore and comes back; five minutes
	$(NODE) test/room/reset.ts

test-personal: packages initrd ## two clones as themselves, the same ones after each further restore; some fifteen minutes
	$(NODE) test/room/personal.ts

test-package: packages initrd ## the packages on a Debian of their own: installed, set up, a PC booted, upgraded, purged; some fifteen minutes
	$(NODE) test/room/package.ts

test-mok: packages initrd ## the site's certificate, handed over at a running agent and confirmed at the next start; some three minutes
	$(NODE) test/room/mok.ts

test-small-pc: packages initrd ## a restore on a PC with 512 MB, and what memory it takes; some two minutes
	$(NODE) test/room/small-pc.ts

test-volumes: packages initrd ## a Linux in logical volumes, captured by a PC and restored to one with a larger disk
	$(NODE) test/room/volumes.ts

test-vlan: packages initrd ## a server on a cable with VLANs, in a guest that has 802.1Q; some ten minutes
	$(NODE) test/room/vlan.ts

ROWS ?=
test-boot: packages ## every firmware, NIC and disk from power-on to the menu, with times; some 20 minutes; ROWS=text takes some
	$(NODE) test/room/boot-matrix.ts --rows "$(ROWS)"

test-disks: packages ## clones on every kind of disk, larger ones too, disks that must not be touched, disks that erase themselves; some 40 minutes; ROWS=text takes some
	$(NODE) test/room/disk-matrix.ts --rows "$(ROWS)"

test-fit: packages ## every layout on smaller and larger disks, Debians started from both, 20 kills; some 25 minutes; ROWS=text takes some
	SEED=$(SEED) $(NODE) test/room/fit-matrix.ts --rows "$(ROWS)"

KILLS ?= 100
test-kill-room: packages ## kills server and agents in mid-session, KILLS=100 times; some 15 minutes
	KILLS=$(KILLS) SEED=$(SEED) $(NODE) --test --test-reporter=spec test/net/kills.test.ts

test-campus: KILLS := 50
test-campus: packages ## three servers of a campus whose database, storage and processes fail, KILLS=50 kills; some 20 minutes
	KILLS=$(KILLS) SEED=$(SEED) $(NODE) --test --test-reporter=spec test/net/campus-faults.test.ts

SEED ?=
SEEDS ?= 2000
sim: $(DEV) ## simulated rooms by the thousand; SEED=n replays one
	SEED=$(SEED) SEEDS=$(SEEDS) $(NODE) --test --test-reporter=spec test/sim/seeds.test.ts

lab: SEEDS := 10000
lab: $(DEV) ## whole labs by the thousand: server, journal, store, agents, operators, faults; two minutes or three; SEED=n replays one
	SEED=$(SEED) SEEDS=$(SEEDS) $(NODE) test/lab/main.ts

building: SEEDS := 1
building: $(DEV) ## an hour of a whole building, 2000 PCs in 60 rooms, as one lab; a minute; SEED=n replays one, SEEDS=n takes so many
	SEED=$(SEED) SEEDS=$(SEEDS) $(NODE) test/lab/building-main.ts

fuzz: $(DEV) ## a million inputs each for DHCP and TFTP, then the property tests with other cases; SEED=n replays
	$(NODE) test/fuzz/main.ts 1000000 $(or $(SEED),$(shell date +%s))
	SEED=$(or $(SEED),$(shell date +%s)) $(MAKE) test-unit

storm: packages initrd ## 50 PCs switched on at once, with the real boot image; some minutes (root, Debian 12)
	$(NODE) test/storm/main.ts

bench-tftp: packages ## roomcast's TFTP beside dnsmasq's; a minute (root, Debian 12)
	$(NODE) test/bench/tftp.ts

bench: $(DEV) ## roomcast's cast beside udpcast, every row; some 20 minutes (root, Debian 12)
	@$(NODE) test/packages.ts udpcast ethtool
	$(NODE) test/bench/main.ts --out docs/bench

bench-quick: $(DEV) ## the same for the five most telling rows; 3 minutes
	@$(NODE) test/packages.ts udpcast ethtool
	$(NODE) test/bench/main.ts --quick

bench-product: packages ## a room restored by roomcast as it is, and by what would be run instead, every row; some 25 minutes; ROWS=text takes some
	@$(NODE) test/packages.ts udpcast ethtool aria2 mktorrent
	$(NODE) test/bench/product/main.ts --rows "$(ROWS)" --out docs/bench

bench-product-quick: packages ## the same for the most telling rows; some minutes
	@$(NODE) test/packages.ts udpcast ethtool aria2 mktorrent
	$(NODE) test/bench/product/main.ts --quick

bench-lab: $(DEV) ## 500, 1000 and 2000 PCs that come to one server at once, and ten sessions; six minutes
	$(NODE) test/bench/lab.ts --out docs/bench

bench-order: packages ## from an order to the first packet of an image of 40 GB, for one PC and four; three minutes (root)
	$(NODE) test/bench/first-order.ts

bench-session: $(DEV) ## what one PC's event costs in a session of 50, 500 and 2000 PCs; seconds
	$(NODE) test/bench/session-events.ts

bench-busy: $(DEV) ## status calls while five images come to one server at once; half a minute, 3 GB in /tmp
	$(NODE) test/bench/busy.ts --out docs/bench

bench-campus: packages ## a campus of twenty servers and a thousand rooms on one database, and what three servers ask of a storage; ten minutes (root)
	$(NODE) test/bench/campus.ts --out docs/bench
	$(NODE) test/bench/campus-costs.ts --out docs/bench

bench-store: $(DEV) ## how long a store of 300 images of 100 GB takes to open, to sweep, and to close amid that; some 20 minutes, 5 GB in /tmp
	$(NODE) test/bench/store.ts

bench-capture: packages ## a capture beside partclone and dd through zstd -1; 5 minutes (root, Debian 12)
	$(NODE) test/bench/capture.ts

bench-restore: $(DEV) ## how fast a PC inflates, hashes and writes what it has received; a minute
	$(NODE) test/bench/restore.ts

check: $(DEV) ## types, lint, format
	tsc -p core && tsc -p . && tsc -p client/page && tsc -p test/page && biome check .

# One after the other: both read the lists of apt.
boot-image-after-packages: packages
	@$(MAKE) initrd

packages: $(DEV) ## what the demo, the tests and the benches need beside, from npm and Debian
	@$(NODE) test/packages.ts

npm = npm ci --ignore-scripts --no-audit --no-fund

node_modules: package-lock.json
	@$(bring-npm)
	$(npm) --omit=dev
	@$(NODE) package/join-modules.ts
	@touch node_modules

$(DEV): package-lock.json
	@$(bring-npm)
	$(npm)
	@$(NODE) package/join-modules.ts
	@touch node_modules $(DEV)

bring-npm = command -v npm >/dev/null || { apt-get update && apt-get install -y --no-install-recommends npm; }
