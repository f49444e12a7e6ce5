# Brings the network up on the screen it is called from, and does not give up: a switch port with
# spanning tree is deaf for most of a minute, a lab's switch may still be starting itself.

# Sets `interface` and `mac`, with an address of its own; /run/roomcast/net says the same.
bring_up_network() {
  boot_mac=$(argument BOOTIF | cut -c 4- | tr 'A-Z-' 'a-z:')
  since=$(seconds_up)
  said=
  while :; do
    interfaces=$(ethernet_interfaces)
    for name in $interfaces; do ip link set "$name" up 2>/dev/null; done
    ready=
    for name in $(preferred $interfaces); do has_link "$name" && ready="$ready $name"; done
    if [ -z "$interfaces" ]; then
      no_adapter
    elif [ -z "$ready" ]; then
      no_link $interfaces
    fi
    for name in $ready; do
      if ask_for_address "$name"; then
        interface=$name
        mac=$(cat "/sys/class/net/$name/address")
        milestone "network $name $(sed -n 's/^ip=//p' /run/roomcast/net)"
        return
      fi
      say_once "no DHCP answer on $name"
      no_answer "$name"
    done
    sleep 1
  done
}

# Whether the interface is still there with an address.
network_is_up() { ip -4 addr show dev "$1" 2>/dev/null | grep -q ' inet '; }

ethernet_interfaces() {
  for path in /sys/class/net/*; do
    # ARPHRD_ETHER, and a device behind it: no loopback, no bridge.
    [ "$(cat "$path/type")" = 1 ] && [ -e "$path/device" ] && echo "${path##*/}"
  done
}

has_link() { [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]; }

# The interface the PC booted from alone for half a minute, then all, it first: the cable may have
# been moved since.
preferred() {
  others=
  for name; do
    if [ "$(cat "/sys/class/net/$name/address")" = "$boot_mac" ]; then echo "$name"; else others="$others $name"; fi
  done
  boot_interface_known "$@" && [ $(($(seconds_up) - since)) -lt 30 ] && return
  for name in $others; do echo "$name"; done
}

boot_interface_known() {
  for name; do [ "$(cat "/sys/class/net/$name/address")" = "$boot_mac" ] && return 0; done
  return 1
}

# Stays in the background afterwards and renews the lease: a cast may outlast it.
ask_for_address() {
  # Once nobody answered, what to check stays on the screen.
  case $said in
    "no DHCP answer"*) no_answer "$1" ;;
    *) status_screen "Asking for an address on $(described "$1")" ;;
  esac
  rm -f /run/roomcast/net
  udhcpc -i "$1" -n -t 4 -T 2 -A 1 -V roomcast -s /roomcast/lease \
    -p "/run/roomcast/udhcpc.$1.pid" >>"$boot_log" 2>&1 </dev/null && [ -s /run/roomcast/net ]
}

described() { echo "$1 ($(cat "/sys/class/net/$1/address"))"; }

no_adapter() {
  say_once "no network adapter"
  status_screen "This PC shows no network adapter that this image has a driver for." \
    "" "Adapters seen on the PCI bus:" "$(pci_adapters)" "" \
    "Check: is the adapter switched on in the firmware's setup? If it is listed" \
    "here, its driver is to be added to the boot image."
}

pci_adapters() {
  for path in /sys/bus/pci/devices/*; do
    case $(cat "$path/class") in
      0x02*) echo "  ${path##*/}  vendor $(cat "$path/vendor") device $(cat "$path/device")" ;;
    esac
  done
}

no_link() {
  # An adapter that was just switched on takes a few seconds.
  [ $(($(seconds_up) - since)) -lt 5 ] || say_once "no link"
  status_screen "Waiting for a link: no cable answers on this PC's network adapter." \
    "" "$(for name; do echo "  $(described "$name")"; done)" "" \
    "Check: the cable at both ends; the lamps beside the socket; that the switch" \
    "is on and its port is not disabled. It goes on by itself once there is one."
}

no_answer() {
  status_screen "No DHCP server answers on $(described "$1"). Asking again." \
    "" "Check: that the roomcast server runs and is on this network (VLAN); that" \
    "the switch port needs no login (802.1X). A switch port with spanning tree" \
    "stays deaf for up to a minute after power-on: make it an edge port."
}

say_once() {
  [ "$said" = "$1" ] || milestone "$1"
  said=$1
}

# A heading, what is the matter, and how long it has been.
status_screen() {
  printf '\033[H\033[J\n  roomcast\n\n'
  for line; do printf '%s\n' "$line" | sed 's/^/  /'; done
  printf '\n  %s s. Ctrl-Alt-F2: a shell. Ctrl-Alt-Del: restart.\n' $(($(seconds_up) - since))
}
