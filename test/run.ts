/**
 * Runs test files in processes of their own: `test/run.ts AT_ONCE FILE…`.
 *
 * A file that fails is run once more, alone and after all others. Many tests hold a bound on time or
 * wait for a socket, and on two busy cores one in some thousands misses it. What fails alone as well
 * has failed; what passes then is named at the end, since it may be a race. No test can hold up the
 * others: each has {@link testMs}, and a file whose tests have ended is ended.
 */
import { relative } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { begunFirst } from "./begun-first.ts";

const testMs = 10 * 60_000;
/** More files than this have not failed by chance. */
const mostChances = 5;
const longest = 8;

const [atOnce, ...given] = process.argv.slice(2);
const place = (file: string): number => {
  const at = begunFirst.indexOf(relative("", file));
  return at < 0 ? begunFirst.length : at;
};
const files = given.toSorted((one, other) => place(one) - place(other));

interface Outcome {
  readonly failed: readonly string[];
  readonly seconds: ReadonlyMap<string, number>;
}

/** `failed`: the files with a test that did not pass. `seconds`: how long each file took. */
function runFiles(which: readonly string[], concurrency: number): Promise<Outcome> {
  const failed = new Set<string>();
  const seconds = new Map<string, number>();
  const events = run({
    files: [...which],
    concurrency,
    timeout: testMs,
    forceExit: true,
    execArgv: process.execArgv,
  });
  events.on("test:fail", ({ file, todo, skip }) => {
    if (todo === undefined && skip === undefined) failed.add(relative("", file ?? "?"));
  });
  events.on("test:summary", ({ file, duration_ms }) => {
    if (file !== undefined) seconds.set(relative("", file), duration_ms / 1000);
  });
  const report = events.compose(spec);
  report.pipe(process.stdout);
  return new Promise((done, failedToRun) => {
    report.once("end", () => done({ failed: [...failed], seconds }));
    events.once("error", failedToRun);
  });
}

const first = await runFiles(files, Number(atOnce));
const slow = [...first.seconds].sort(([, one], [, other]) => other - one).slice(0, longest);
console.log(
  `\nThe longest: ${slow.map(([file, took]) => `${file} ${took.toFixed(0)} s`).join(", ")}`,
);
if (first.failed.length > mostChances) process.exitCode = 1;
else if (first.failed.length > 0) {
  console.log(`\nOnce more, alone: ${first.failed.join(", ")}\n`);
  const second = await runFiles(first.failed, 1);
  const byChance = first.failed.filter((file) => !second.failed.includes(file));
  for (const file of second.failed) console.log(`FAILED TWICE: ${file}`);
  for (const file of byChance) console.log(`FAILED ONCE, PASSED ALONE: ${file}`);
  if (second.failed.length > 0) process.exitCode = 1;
}
