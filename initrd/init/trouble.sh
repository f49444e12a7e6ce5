# What is the matter, what to check and which keys there are, on the screen of the PC.

# Lines of words; the first is the heading. `since` is when the waiting began, in seconds of uptime.
trouble_screen() {
  printf '\033[H\033[J\n  \033[1mroomcast\033[0m\n\n  \033[1m%s\033[0m\n' "$1"
  shift
  for line; do printf '%s\n' "$line" | sed 's/^/  /'; done
  waited=$(($(seconds_up) - since))
  printf '\n  R: try again   S: a shell   Ctrl-Alt-Del: restart   (waiting for %s s)\n' "$waited"
}

# Waits so many seconds at most for a key. True when it is R; S leads to the shell's screen.
retry_key() {
  if [ -t 0 ]; then
    key=
    read -r -s -n 1 -t "$1" key
  else
    sleep "$1"
  fi
  case $key in
    r | R) return 0 ;;
    s | S) chvt 2 ;;
  esac
  return 1
}

# Says on the serial line and in the log what the trouble is, each once.
say_once() {
  [ "$said" = "$1" ] || milestone "$1"
  said=$1
}
