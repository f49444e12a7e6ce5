#!/bin/bash
# Runs in the virtual server of `make test-package`, once at its start. Each step's line on the serial console says OK, or
# what came instead; the last one is DONE.
exec >/dev/ttyS0 2>&1
set -u
# Of an image that cannot be packed: at the rate below some six minutes on the wire, and so in its middle when a slow
# machine has unpacked the packages.
image_bytes=200M
rate=5Mbit/s
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
mark() { echo "STEP $*"; }
check() {
  local what="$1"
  shift
  local said
  if said="$("$@" 2>&1)"; then mark "$what: OK $(tail -n 1 <<<"$said")"; else mark "$what: NOT $(tail -n 3 <<<"$said" | tr '\n' '|')"; fi
}
exposure() { systemd-analyze security roomcast.service | grep -o 'exposure level.*'; }
main_pid() { systemctl show -p MainPID --value roomcast; }
# Of the first object of a JSON list: first FIELD COMMAND...
first() {
  local field="$1"
  shift
  roomcast --json "$@" | grep -o "\"$field\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}
# 10 minutes at most.
wait_until() {
  for _ in $(seq 300); do
    "$@" && return 0
    sleep 2
  done
  return 1
}
pc_is_idle() { [ "$(first state pc list)" = idle ]; }
session_is() { [ "$(first state session list)" = "$1" ]; }
serves() { systemctl is-active --quiet roomcast; }
# Of the session and the service, to the second.
ended_after_start() {
  [ "$(date -d "$(first endedAt session list)" +%s)" -gt "$(date -d "$(systemctl show --timestamp=unix -p ActiveEnterTimestamp --value roomcast)" +%s)" ]
}
restarted() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ] && serves; }
image() { head -c "$image_bytes" /dev/urandom >/root/noise.raw && roomcast image import --raw /root/noise.raw noise; }

check "installed" dpkg -i /root/one/roomcast-boot.deb /root/one/roomcast.deb
check "not started before it is set up" bash -c '! systemctl is-active --quiet roomcast'
check "dry run" roomcast setup --dry-run --interface eth0
check "set up" roomcast setup --interface eth0 --dhcp server --yes
printf '\n[cast]\nrate = "%s"\n' "$rate" >>/etc/roomcast/roomcast.toml
systemctl restart roomcast
check "active" wait_until serves
systemctl is-active --quiet roomcast || journalctl -u roomcast --no-pager | tail -n 40
check "enabled" systemctl is-enabled roomcast
check "runs as" bash -c '[ "$(stat -c %U /proc/"$(systemctl show -p MainPID --value roomcast)")" = roomcast ]'
check "its folder" bash -c '[ "$(stat -c "%U %a" /var/lib/roomcast)" = "roomcast 700" ]'
check "security" exposure
check "answers" roomcast status
roomcast room create lab1
mark "PC NOW"
check "a PC is idle" wait_until pc_is_idle
before="$(main_pid)"
kill -9 "$before"
check "started again after a kill" wait_until restarted "$before"
check "backed up" roomcast backup /root/backup
check "an image" image
check "the PC is there again" wait_until pc_is_idle
check "a restore" roomcast restore noise --pc "$(first id pc list)" --yes
check "it casts" wait_until session_is casting
check "upgraded in the middle of it" dpkg -i /root/two/roomcast-boot.deb /root/two/roomcast.deb
check "newer" bash -c 'roomcast --version | grep -Fx 99.0.0'
check "the newer one serves" wait_until serves
check "and says so" bash -c 'roomcast status | grep -o "roomcast 99.0.0"'
check "the state stays" roomcast room show lab1
check "it ends well" wait_until session_is done
check "the newer one ended it" ended_after_start
check "the PC is verified" bash -c "roomcast --json session show '$(first id session list)' | grep -o '\"result\":\"verified\"'"
check "removed" dpkg -r roomcast
check "data after removal" test -f /var/lib/roomcast/state.db
check "configuration after removal" test -f /etc/roomcast/roomcast.toml
check "purged" dpkg -P roomcast
check "data after a purge that could not ask" test -f /var/lib/roomcast/state.db
check "no configuration" test ! -e /etc/roomcast
check "installed once more" dpkg -i /root/two/roomcast.deb
echo "roomcast roomcast/erase-data boolean true" | debconf-set-selections
check "purged with a yes" dpkg -P roomcast
check "no data" test ! -e /var/lib/roomcast
check "the user" getent passwd roomcast
mark DONE
systemctl poweroff
