/**
 * Runs test files: `test/run.ts AT_ONCE FILE…`. So many processes are at work at once; short files share one
 * (`processes.ts`).
 *
 * A file that fails is run once more, alone and after all others. Many tests hold a bound on time or
 * wait for a socket, and on two busy cores one in some thousands misses it. What fails alone as well
 * has failed; what passes then is named at the end, since it may be a race. No test can hold up the
 * others: each has {@link testMs}, and a process whose tests have ended is ended.
 */
import { existsSync, globSync, mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";
import { processesOf, type TestProcess } from "./processes.ts";
import { processorSeconds, tookIn } from "./processors.ts";

const testMs = 10 * 60_000;
/** More than so many have not failed by chance. */
const mostChances = 5;
const longest = 10;
/**
 * Node joins its threads at an exit: one that compiles and waits for a collection then waits for ever, and the
 * process with it (nodejs/node#54918).
 */
const compilesByItself = ["--no-concurrent-recompilation", "--no-concurrent-sparkplug"];

/**
 * Tests of disks touch much memory for the first time, which is a third of what they take of the processors where the
 * kernel gives it by 4 KiB. (A tunable of glibc 2.35 and later; without transparent huge pages it does nothing.)
 */
const byHugePages = "glibc.malloc.hugetlb=1";

const [atOnce, ...given] = process.argv.slice(2);
process.env.GLIBC_TUNABLES ??= byHugePages;
const cache = join(import.meta.dirname, "../build/cache");
const folder = join(cache, `tests-${process.pid}`);
const processors = pathToFileURL(join(import.meta.dirname, "processors.ts")).href;
// What was stopped by a signal has left its own.
for (const name of globSync("tests-*", { cwd: cache })) {
  if (!existsSync(`/proc/${name.slice("tests-".length)}`))
    rmSync(join(cache, name), { recursive: true, force: true });
}

interface Outcome {
  /** Each a file with a test that did not pass, or the files of a process that broke off. */
  readonly failed: readonly (readonly string[])[];
  /** How long each file took. */
  readonly seconds: ReadonlyMap<string, number>;
}

function runProcesses(processes: readonly TestProcess[], concurrency: number): Promise<Outcome> {
  const failed = new Map<string, readonly string[]>();
  const seconds = new Map<string, number>();
  const filesOf = new Map(processes.map(({ path, files }) => [path, files]));
  const events = run({
    files: processes.map(({ path }) => path),
    concurrency,
    timeout: testMs,
    forceExit: true,
    execArgv: [
      ...process.execArgv,
      ...compilesByItself,
      "--import",
      `${processors}?${new URLSearchParams({ folder })}`,
    ],
  });
  const took = (file: string, ms: number) => void seconds.set(file, ms / 1000);
  for (const type of ["test:pass", "test:fail"] as const) {
    events.on(type, ({ file, name, details, todo, skip }) => {
      const path = relative("", file ?? "?");
      const files = filesOf.get(path) ?? [path];
      // Of a process with several, each is a suite by its name.
      const which = files.length > 1 && files.includes(name) ? [name] : files;
      if (which !== files) took(name, details.duration_ms);
      if (type === "test:fail" && todo === undefined && skip === undefined)
        failed.set(which.join(), which);
    });
  }
  events.on("test:summary", ({ file, duration_ms }) => {
    const path = relative("", file ?? "");
    if (filesOf.get(path)?.length === 1) took(path, duration_ms);
  });
  const report = events.compose(spec);
  report.pipe(process.stdout);
  return new Promise((done, failedToRun) => {
    report.once("end", () => done({ failed: [...failed.values()], seconds }));
    events.once("error", failedToRun);
  });
}

/** What processes took of the processors, by the files that they ran. */
function usedMost(processes: readonly TestProcess[]): string {
  const filesOf = new Map(processes.map(({ path, files }) => [resolve(path), files]));
  return tookIn(folder)
    .filter(({ path }) => filesOf.has(path))
    .sort((one, other) => other.seconds - one.seconds)
    .slice(0, longest)
    .map(({ path, seconds }) => {
      const [first, ...others] = filesOf.get(path) ?? [];
      const more = others.length === 0 ? "" : ` and ${others.length} more`;
      return `${first}${more} ${seconds.toFixed(0)} s`;
    })
    .join(", ");
}

try {
  mkdirSync(folder, { recursive: true });
  const processes = processesOf(given, folder);
  const first = await runProcesses(processes, Number(atOnce));
  const slow = [...first.seconds].sort(([, one], [, other]) => other - one).slice(0, longest);
  const named = slow.map(([file, took]) => `${file} ${took.toFixed(0)} s`).join(", ");
  console.log(`\nThe longest: ${named}`);
  console.log(`The most of the processors: ${usedMost(processes)}`);
  const [worked, passed] = [processorSeconds(), performance.now() / 1000];
  const part = (100 * worked) / passed / availableParallelism();
  console.log(
    `${passed.toFixed(0)} s, in which ${worked.toFixed(0)} s of processors were used: ${part.toFixed(0)} %`,
  );
  if (first.failed.length > mostChances) process.exitCode = 1;
  else if (first.failed.length > 0) {
    const again = first.failed.flat();
    console.log(`\nOnce more, alone: ${again.join(", ")}\n`);
    const alone = again.map((path) => ({ path, files: [path] }));
    const failedTwice = (await runProcesses(alone, 1)).failed.flat();
    const byChance = again.filter((file) => !failedTwice.includes(file));
    for (const file of failedTwice) console.log(`FAILED TWICE: ${file}`);
    for (const file of byChance) console.log(`FAILED ONCE, PASSED ALONE: ${file}`);
    if (failedTwice.length > 0) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
