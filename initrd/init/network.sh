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
      if ! ask_for_address "$name"; then
        say_once "no DHCP answer on $name"
        no_answer "$name"
      elif leads_to_server "$name" $interfaces; then
        interface=$name
        mac=$(cat "/sys/class/net/$name/address")
        milestone "network $name $(sed -n 's/^ip=//p' /run/roomcast/net)"
        return
      else
        say_once "no answer of the server through $name"
        no_server "$name"
        let_go "$name"
      fi
    done
    # An adapter that was just switched on has its link in a moment: no second is to be lost.
    if [ $(($(seconds_up) - since)) -lt 5 ]; then
      sleep 0.2
    elif retry_key 1; then
      renew_links $interfaces
    fi
  done
}

# As if the cables had been pulled and put in: the adapters settle with the switch anew.
renew_links() {
  for name; do ip link set "$name" down; done
  since=$(seconds_up)
  said=
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

# The interface the PC booted from alone for a minute, then all, it first: the cable may have been moved since.
preferred() {
  others=
  for name; do
    if [ "$(cat "/sys/class/net/$name/address")" = "$boot_mac" ]; then echo "$name"; else others="$others $name"; fi
  done
  boot_interface_known "$@" && [ $(($(seconds_up) - since)) -lt 60 ] && return
  for name in $others; do echo "$name"; done
}

boot_interface_known() {
  for name; do [ "$(cat "/sys/class/net/$name/address")" = "$boot_mac" ] && return 0; done
  return 1
}

# Whether the server answers through this interface, which alone has an address; the others follow it. The only one, and
# the one the PC booted from, are taken as they are; after two minutes any is, for the agent can say more of a server that
# does not answer.
leads_to_server() {
  [ $# = 2 ] || [ -z "$server" ] || boot_interface_known "$1" ||
    [ $(($(seconds_up) - since)) -ge 120 ] || [ -n "$(ask_server)" ]
}

# What the server says of itself by plain HTTP, in lines; nothing when it does not answer.
ask_server() {
  address=${server#http://}
  address=${address%%/*}
  host=${address%:*} port=${address##*:}
  [ "$host" = "$address" ] && port=80
  printf 'HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$address" |
    timeout 10 nc -w 5 "$host" "$port" 2>/dev/null | tr -d '\r'
}

ask_for_address() {
  # Once somebody did not answer, what to check stays on the screen.
  case $said in
    "no DHCP answer"*) no_answer "$1" ;;
    "no answer of the server"*) ;;
    *) printf '\033[H\033[J\n  roomcast\n\n  Asking for an address on %s\n' "$(described "$1")" ;;
  esac
  request_address "$1"
}

# Stays in the background afterwards and renews the lease: a cast may outlast it. Ends the one before it, whose
# adapter may be gone.
request_address() {
  rm -f /run/roomcast/net
  end_lease "$1"
  udhcpc -i "$1" -n -t 4 -T 2 -A 1 -V roomcast -s /roomcast/lease \
    -p "/run/roomcast/udhcpc.$1.pid" >>"$boot_log" 2>&1 </dev/null && [ -s /run/roomcast/net ]
}

end_lease() { kill "$(cat "/run/roomcast/udhcpc.$1.pid" 2>/dev/null)" 2>/dev/null; }

# Its address and its routes go, so that another one is asked in its place.
let_go() {
  end_lease "$1"
  ip -4 addr flush dev "$1"
}

# An adapter for USB that lost its plug for a moment comes back down and without an address. Brings it up again for as
# long as it runs, and says nothing on the screen, which is the agent's.
keep_network_up() {
  while sleep 2; do
    [ -e "/sys/class/net/$interface" ] || continue
    network_is_up "$interface" && continue
    ip link set "$interface" up
    has_link "$interface" && request_address "$interface" && milestone "network $interface is back"
  done
}

described() { echo "$1 ($(cat "/sys/class/net/$1/address"))"; }

no_adapter() {
  # Drivers are still being loaded.
  [ $(($(seconds_up) - since)) -lt 5 ] && return
  say_once "no network adapter"
  more=
  drivers_lack && more="       4. more memory: below 1 GB, drivers of rare adapters do not fit"
  trouble_screen "No network adapter that this boot image has a driver for" \
    "" "Adapters on the PCI bus:" "$(pci_devices 0x02)" "" \
    "Check  1. is the adapter switched on in the firmware's setup?" \
    "       2. listed here: restart, press m, choose another kernel (the server's" \
    "          administrator makes one with: make kernel)" \
    "       3. an adapter for USB works with most PCs" "$more"
}

# Devices of a class, as sysfs has it: its driver, or that there is none.
pci_devices() {
  found=
  for path in /sys/bus/pci/devices/*; do
    case $(cat "$path/class") in
      "$1"*)
        found=yes
        driver=$(readlink "$path/driver") || driver=NONE
        echo "  ${path##*/}  $(cut -c 3- "$path/vendor"):$(cut -c 3- "$path/device")  driver ${driver##*/}"
        ;;
    esac
  done
  [ -n "$found" ] || echo "  none"
}

no_link() {
  [ $(($(seconds_up) - since)) -lt 5 ] && return
  say_once "no link"
  trouble_screen "No link: nothing answers at the other end of the network cable" \
    "" "$(for name; do echo "  $(described "$name")"; done)" "" \
    "Check  1. the cable, at both ends; try another one" \
    "       2. the lamps beside the socket: dark means no link" \
    "       3. the switch: on? its port not disabled? (it may still be starting)" \
    "It goes on by itself as soon as there is a link."
}

no_answer() {
  trouble_screen "No address: no DHCP server answers on $(described "$1")" \
    "" "There is a link. Asking again and again." "" \
    "Check  1. a switch port with spanning tree is deaf for up to a minute after" \
    "          power-on: wait, and make it an edge port (portfast)" \
    "       2. the roomcast server: on, serve running, in this network (VLAN)?" \
    "       3. the other DHCP server, where roomcast only answers beside one" \
    "       4. a port that wants a login (802.1X) or knows only some MACs"
}

no_server() {
  trouble_screen "The roomcast server does not answer through $(described "$1")" \
    "" "Its address is $(sed -n 's/^ip=//p' /run/roomcast/net), the server's $server." \
    "Each adapter with a link is tried, again and again." "" \
    "Check  1. the roomcast server: on, serve running?" \
    "       2. the cable: is one of this PC's sockets in the lab's network (VLAN)?"
}
