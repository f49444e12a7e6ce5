/** What bash and zsh complete, made of the command line itself; PCs, rooms and images are asked of the server. */
import type { Command, Option } from "commander";
import { shownCommands, wholeProgram, withPaths } from "./commands.ts";
import type { PackedFile } from "./deb.ts";

export function completionFiles(): PackedFile[] {
  const text = bashCompletion(wholeProgram());
  return [
    { path: "usr/share/bash-completion/completions/roomcast", content: { text } },
    { path: "usr/share/zsh/vendor-completions/_roomcast", content: { text: zshCompletion(text) } },
  ];
}

/** What a value is, as `roomcast complete` lists it, or a file; null: something that only the caller knows. */
type Value = "pcs" | "rooms" | "images" | "sessions" | "servers" | "files" | null;

const valueNames: Readonly<Record<string, Value>> = {
  ...{ PC: "pcs", R: "rooms", ROOM: "rooms", I: "images", IMAGE: "images", S: "sessions" },
  ...{ SERVER: "servers", FILE: "files", DIR: "files", F: "files" },
};

/** A value by the name that the help gives it: of PC|N, what comes first. */
const kindOf = (name: string): Value =>
  valueNames[name.replace(/\.\.\.$/, "").split("|")[0] ?? ""] ?? null;

function optionValue(option: Option): string | null {
  const [, name] = /[<[]([^>\]]+)[>\]]/.exec(option.flags) ?? [];
  if (name === undefined) return null;
  if (option.argChoices !== undefined) return `=${option.argChoices.join(" ")}`;
  return (option.long === "--seat" ? null : kindOf(name)) ?? "none";
}

/** A function that both shells source: it fills COMPREPLY from COMP_WORDS and COMP_CWORD. Of the names that zsh keeps for itself it has none. */
export function bashCompletion(program: Command): string {
  const all = withPaths(program);
  return `# bash completion for roomcast, made of its command line.

_roomcast_values() {
  # What follows: a kind of thing on the server, words after a =, or files.
  case "$1" in
    "="*) COMPREPLY=($(compgen -W "\${1#?}" -- "$2")) ;;
    files) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$2")) ;;
    none) COMPREPLY=() ;;
    *) COMPREPLY=($(compgen -W "$(roomcast "\${place[@]}" complete "$1" 2>/dev/null)" -- "$2")) ;;
  esac
}

_roomcast() {
  local current="\${COMP_WORDS[COMP_CWORD]}" chain="" below switches positions word value="" index
  local -a place=()
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$value" in
      ?*)
        value=""
        continue
        ;;
    esac
    case "$word" in
      --data | --server | --token-file | --ca | --pin | --server-name)
        place+=("$word" "\${COMP_WORDS[index + 1]}")
        value=global
        ;;
      -*) ;;
      *)
        case "$chain/$word" in
${descents(all)}
        esac
        ;;
    esac
  done
  _roomcast_command "$chain"
  # The word before is an option with a value, or the one that goes on.
  for ((index = COMP_CWORD - 1; index > 0; index--)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in
      -*)
        value="$(_roomcast_option "$chain" "$word")"
        case "$value" in
          +*) _roomcast_values "\${value#+}" "$current" && return ;;
          ?*) [ "$index" -eq $((COMP_CWORD - 1)) ] && { _roomcast_values "$value" "$current"; return; } ;;
        esac
        break
        ;;
    esac
  done
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$switches ${optionWords(program)}" -- "$current")) ;;
    *)
      if [ -n "$below" ]; then
        COMPREPLY=($(compgen -W "$below" -- "$current"))
      elif [ -n "$positions" ]; then
        _roomcast_values "$(_roomcast_position $positions)" "$current"
      fi
      ;;
  esac
}

# Of the values that a command takes one after the other, that of the word to complete.
_roomcast_position() {
  local count=0 index word depth
  depth=$(set -- $chain; echo $#)
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in
      -*) case "$(_roomcast_option "$chain" "$word")" in ?*) ((index++)) ;; esac ;;
      *) ((count++)) ;;
    esac
  done
  count=$((count - depth + 1))
  while [ "$count" -gt 1 ] && [ $# -gt 1 ]; do
    shift
    ((count--))
  done
  case "$count:$1" in
    1:* | *:*+) echo "\${1%+}" ;;
    *) echo none ;;
  esac
}

_roomcast_command() {
  case "$1" in
${all.map(commandCase).join("\n")}
  esac
}

# What an option of a command is followed by; with a + before it, by several.
_roomcast_option() {
  case "$1:$2" in
${all.flatMap(optionCases).join("\n")}
${program.options.flatMap((each) => optionCase("*", each)).join("\n")}
  esac
}

complete -F _roomcast roomcast
`;
}

/** From a command's path and a word to the path below. */
const descents = (all: ReturnType<typeof withPaths>): string =>
  all
    .filter(({ path }) => path !== "")
    .map(({ path }) => {
      const words = path.split(" ");
      const above = words.slice(0, -1).join(" ");
      return `          "${above}/${words.at(-1)}") chain="${path}" ;;`;
    })
    .join("\n");

function commandCase({
  path,
  command,
}: {
  readonly path: string;
  readonly command: Command;
}): string {
  const words = shownCommands(command).map((each) => each.name());
  const positions = command.registeredArguments.map(
    (each) => `${kindOf(each.name()) ?? "none"}${each.variadic ? "+" : ""}`,
  );
  return `    "${path}") below="${words.join(" ")}" switches="${optionWords(command)}" positions="${positions.join(" ")}" ;;`;
}

const optionWords = (command: Command): string =>
  [...command.options.filter(({ hidden }) => !hidden).map(({ long }) => long), "--help"].join(" ");

const optionCases = ({
  path,
  command,
}: {
  readonly path: string;
  readonly command: Command;
}): string[] =>
  path === "" ? [] : command.options.flatMap((each) => optionCase(`"${path}"`, each));

function optionCase(path: string, option: Option): string[] {
  const value = optionValue(option);
  if (value === null) return [];
  return [`    ${path}:${option.long}) echo "${option.variadic ? "+" : ""}${value}" ;;`];
}

/** zsh runs bash's function by its own bashcompinit. */
const zshCompletion = (bash: string): string => `#compdef roomcast
autoload -U +X bashcompinit && bashcompinit

${bash.replace(/\ncomplete -F [^\n]*\n$/, "\n")}
complete -F _roomcast roomcast
_bash_complete -F _roomcast
`;
