#!/bin/bash
# Runs in the virtual server of `make test-package`, once at its start. Each step's line on the serial console says OK, or
# what came instead; the last one is DONE.
exec >/dev/ttyS0 2>&1
set -u
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
mark() { echo "STEP $*"; }
check() {
  local what="$1"
  shift
  local said
  if said="$("$@" 2>&1)"; then mark "$what: OK $(tail -n 1 <<<"$said")"; else mark "$what: NOT $(tail -n 3 <<<"$said" | tr '\n' '|')"; fi
}
active() { systemctl is-active roomcast; }
mode() { stat -c '%U %a' /var/lib/roomcast; }
exposure() { systemd-analyze security roomcast.service | grep -o 'exposure level.*'; }
main_pid() { systemctl show -p MainPID --value roomcast; }

check "installed" dpkg -i /root/one/roomcast-boot.deb /root/one/roomcast.deb
check "not started before it is set up" bash -c '! systemctl is-active --quiet roomcast'
check "dry run" roomcast setup --dry-run --interface eth0
check "set up" roomcast setup --interface eth0 --dhcp server --yes
check "active" active
systemctl is-active --quiet roomcast || journalctl -u roomcast --no-pager | tail -n 40
check "enabled" systemctl is-enabled roomcast
check "runs as" bash -c '[ "$(stat -c %U /proc/"$(systemctl show -p MainPID --value roomcast)")" = roomcast ]'
check "its folder" bash -c '[ "$(stat -c "%U %a" /var/lib/roomcast)" = "roomcast 700" ]'
check "security" exposure
check "answers" roomcast status
roomcast room create lab1
mark "PC NOW"
for _ in $(seq 300); do
  roomcast --json pc list | grep -q '"state":"idle"' && break
  sleep 2
done
check "a PC is idle" bash -c "roomcast --json pc list | grep -o '\"state\":\"idle\"'"
before="$(main_pid)"
kill -9 "$before"
for _ in $(seq 150); do
  [ "$(main_pid)" != "$before" ] && [ "$(main_pid)" != 0 ] && systemctl is-active --quiet roomcast && break
  sleep 2
done
check "started again after a kill" active
check "backed up" roomcast backup /root/backup
check "upgraded" dpkg -i /root/two/roomcast-boot.deb /root/two/roomcast.deb
check "newer" bash -c 'roomcast --version | grep -Fx 99.0.0'
for _ in $(seq 150); do
  systemctl is-active --quiet roomcast && break
  sleep 2
done
check "the newer one serves" bash -c 'roomcast status | grep -o "roomcast 99.0.0"'
check "the state stays" roomcast room show lab1
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
check "no user" bash -c '! getent passwd roomcast'
mark DONE
systemctl poweroff
