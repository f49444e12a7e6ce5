# Read by the other scripts. POSIX shell, as busybox's ash speaks it.

agent_log=/run/roomcast/agent.log
agent_words=/run/roomcast/agent.stderr
boot_log=/run/roomcast/boot.log

# One line about where the boot is, for the serial line (who watches a PC without its screen) and
# the log.
milestone() {
  { printf 'roomcast: %s\r\n' "$*" >/dev/ttyS0; } 2>/dev/null
  printf '%s %s\n' "$(cut -d ' ' -f 1 /proc/uptime)" "$*" >>"$boot_log"
}

# The value of NAME=VALUE on the kernel's command line; empty if it is not there.
argument() {
  for word in $(cat /proc/cmdline); do
    case $word in "$1="*) printf '%s\n' "${word#*=}" && return ;; esac
  done
}

# The same of every NAME=VALUE that is there, a line each.
arguments() {
  for word in $(cat /proc/cmdline); do
    case $word in "$1="*) printf '%s\n' "${word#*=}" ;; esac
  done
}

# Whether NAME stands on the kernel's command line.
flagged() {
  for word in $(cat /proc/cmdline); do [ "$word" = "$1" ] && return 0; done
  return 1
}

# Whether the drivers of rare hardware did not fit into the memory.
drivers_lack() { [ -e /etc/drivers-begun ] && [ ! -e /var/drivers-complete ]; }

seconds_up() { cut -d . -f 1 /proc/uptime; }

# Loads a driver for each device that has one in the image. A bus driver brings more devices: again
# until nothing new appears. What appears later still is seen to by `hotplug`.
load_drivers() {
  while read -r module; do modprobe -q "$module" 2>/dev/null; done </etc/modules
  seen=/run/roomcast/modalias
  : >$seen
  while :; do
    cat /sys/bus/*/devices/*/modalias 2>/dev/null | sort -u >$seen.now
    # Those of `now` alone.
    sort $seen.now $seen $seen | uniq -u >$seen.new
    [ -s $seen.new ] || break
    cat $seen.new >>$seen
    tr '\n' '\0' <$seen.new | xargs -0 modprobe -a -q -b 2>/dev/null
  done
  rm -f $seen.now $seen.new
}
