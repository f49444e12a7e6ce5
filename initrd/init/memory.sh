# Whether this PC has the memory that the agent needs.

# The agent's menu takes 95 MiB, a restore up to 170; below this it has no room for what comes in.
needed_mib=160

memory_mib() { echo $(($(sed -n "s/^$1: *\([0-9]*\) kB/\1/p" /proc/meminfo) / 1024)); }

# Further drivers that did not fit are noted: most PCs need none of them. What the agent lacks is said until a key is
# pressed, as the PC may still do for small things.
check_memory() {
  total=$(memory_mib MemTotal) available=$(memory_mib MemAvailable)
  if drivers_lack; then
    milestone "$total MiB of memory: the further drivers did not fit"
    # The kernel gave them half of the memory, and they filled it: what is written later finds room again.
    mount -o remount,size=90% /
  fi
  [ "$available" -lt "$needed_mib" ] || return
  lack="The agent needs $needed_mib MiB, and $available MiB are free."
  milestone "not enough memory: $total MiB. $lack"
  since=$(seconds_up)
  until trouble_screen "Not enough memory: this PC has $total MiB" \
    "" "$lack" \
    "roomcast needs 512 MB; with 1 GB all drivers fit." "" \
    "Check  1. all modules seated? The firmware's setup shows what it sees." \
    "       2. graphics that take their share of the memory: less in the setup" \
    "       3. 512 MB: in the server's configuration [boot] image = \"small\"" \
    "" "R goes on with what there is." && retry_key 1; do :; done
}
