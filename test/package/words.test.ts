/** Man pages and completion: made of the command line, read by the programs that users read them with. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { wholeProgram, withPaths } from "../../package/commands.ts";
import { bashCompletion, completionFiles } from "../../package/completion.ts";
import { manPages } from "../../package/man.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-words-"));
after(() => rmSync(folder, { recursive: true }));
const pages = manPages({ version: "9.8.7", epoch: 1_000_000_000 });
const page = (name: string): string => {
  const path = join(folder, name);
  writeFileSync(path, pages.find((each) => each.name === name)?.text ?? "");
  const env = { ...process.env, MANWIDTH: "200", LC_ALL: "C.UTF-8", MAN_KEEP_FORMATTING: "" };
  const { status, stdout, stderr } = spawnSync("man", ["--warnings", "-l", path], {
    encoding: "utf8",
    env,
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "", name);
  return stdout;
};

test("every command that is shown has a page, and man renders it without a warning", () => {
  const names = wholeProgram().commands.map((each) => each.name());
  for (const name of names.filter((each) => each !== "complete"))
    assert(
      pages.some((each) => each.name === `roomcast-${name}.1`),
      name,
    );
  assert(!pages.some(({ name }) => name.includes("complete")));
  for (const { name } of pages) assert(page(name).length > 400, name);
});

test("a page has its commands, their options and their examples", () => {
  const text = page("roomcast-pc.1");
  assert.match(text, /^ +pc wipe$/m);
  assert.match(text, /--method <METHOD>/);
  assert.match(text, /\$ roomcast pc wipe lab1-A3 lab1-A4/);
  const main = page("roomcast.1");
  assert.match(main, /roomcast-restore\(1\)/);
  assert.match(main, /NO_COLOR/);
});

/** What a shell offers for the last word of a line, with a server that has these names. */
function offered(line: string, shell: "bash" | "zsh" = "bash"): string[] {
  const words = line.split(" ");
  const script = `
    PATH="${join(folder, "bin")}:$PATH"
    ${shell === "zsh" ? "autoload -U +X compinit bashcompinit; compinit -D; bashcompinit; setopt ksharrays shwordsplit" : ""}
    source "${join(folder, "completion")}"
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")})
    COMP_CWORD=${words.length - 1}
    _roomcast
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync(
    shell,
    shell === "zsh" ? ["-fc", script] : ["--norc", "-c", script],
    {
      encoding: "utf8",
      cwd: folder,
    },
  );
  assert.equal(status, 0, stderr);
  // zsh itself leaves away what does not begin as the word does.
  const begun = words.at(-1) ?? "";
  return stdout
    .split("\n")
    .filter((word) => word !== "" && word.startsWith(begun))
    .sort();
}

before(() => {
  writeFileSync(join(folder, "completion"), bashCompletion(wholeProgram()));
  mkdirSync(join(folder, "bin"));
  const asked = `case "$*" in
    *"complete pcs") echo pc01; echo pc02 ;;
    *"complete rooms") echo lab1; echo "at $*" >>"${join(folder, "asked")}" ;;
    *"complete images") echo win11 ;;
  esac`;
  writeFileSync(join(folder, "bin/roomcast"), `#!/bin/sh\n${asked}\n`);
  chmodSync(join(folder, "bin/roomcast"), 0o755);
  writeFileSync(join(folder, "lab.csv"), "");
});

const cases: readonly (readonly [line: string, offers: readonly string[]])[] = [
  ["roomcast resto", ["restore", "restore-backup"]],
  ["roomcast pc w", ["wake", "wipe"]],
  ["roomcast --data /srv pc sho", ["show"]],
  ["roomcast pc show pc", ["pc01", "pc02"]],
  ["roomcast pc set pc01 --room ", ["lab1"]],
  ["roomcast pc wake pc01 ", ["pc01", "pc02"]],
  ["roomcast restore ", ["win11"]],
  ["roomcast restore win11 --pc pc01 pc", ["pc01", "pc02"]],
  ["roomcast restore win11 --verify ", ["written", "read-back"]],
  ["roomcast restore win11 --dry", ["--dry-run"]],
  ["roomcast room import lab1 la", ["lab.csv"]],
  ["roomcast image step li", ["list"]],
  ["roomcast image step list ", ["win11"]],
  ["roomcast room create ", ["lab1"]],
  ["roomcast pc show pc01 ", []],
  ["roomcast comp", []],
];
for (const [line, offers] of cases) {
  test(`bash: ${line}`, () => assert.deepEqual(offered(line), [...offers].sort()));
}

test("zsh runs the same function", () => {
  for (const [line, offers] of cases.slice(0, 4))
    assert.deepEqual(offered(line, "zsh"), [...offers].sort(), line);
  const zsh = completionFiles().find(({ path }) => path.endsWith("/_roomcast"));
  assert(zsh !== undefined && "text" in zsh.content);
  writeFileSync(join(folder, "_roomcast"), zsh.content.text);
  const { status, stderr } = spawnSync("zsh", ["-n", join(folder, "_roomcast")], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
});

test("every command is in the function, and none is there twice", () => {
  const text = bashCompletion(wholeProgram());
  for (const { path } of withPaths(wholeProgram()))
    assert.equal(text.split(`\n    "${path}") below=`).length, 2, path);
});

test("`complete` lists what the server has, and gives up after half a second", async () => {
  const data = join(folder, "data");
  mkdirSync(data);
  let isSlow = false;
  await using server = createServer((request, response) => {
    if (isSlow) return;
    const rooms = [{ name: "lab1" }, { name: "$(reboot)" }, { name: "two words" }];
    response.end(JSON.stringify(request.url === "/api/v1/campus/rooms" ? rooms : []));
  });
  await new Promise<void>((resolve) => server.listen(join(data, "roomcast.sock"), resolve));
  const main = join(import.meta.dirname, "../../bin/roomcast.js");
  const words = [
    "--disable-warning=ExperimentalWarning",
    main,
    "--data",
    data,
    "complete",
    "rooms",
  ];
  const complete = (): Promise<string> =>
    promisify(execFile)(process.execPath, words).then(({ stdout }) => stdout);
  assert.equal(await complete(), "lab1\n");
  isSlow = true;
  assert.equal(await complete(), "");
  server.closeAllConnections();
});
