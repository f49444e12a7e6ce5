import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import type { WriteStream } from "node:tty";
import type { ConsoleEvent } from "../../../client/console/api.ts";
import { runConsole } from "../../../client/console/main.ts";
import { FakeTerminal } from "../../core/node/fake-terminal.ts";
import { FakeLab, memberOf, pcOf, sessionOf } from "./fake-lab.ts";

const pcCount = 200;
const updatesPerSecond = 4;
/** Of one core, with the parsing of what the server sends. */
const cpuLimit = 0.25;
const warmUpMs = 1000;
const measuredMs = 3000;

for (const [view, keys] of [
  ["list", "\t\t"],
  ["map", "\t\tt"],
] as const)
  test(`a ${view} of ${pcCount} PCs that change ${updatesPerSecond} times a second costs under a quarter of a core`, async (t) => {
    const { input } = new FakeTerminal(200, 50);
    let pictures = 0;
    const sink = new Writable({
      write: (_part, _encoding, done) => {
        pictures++;
        done();
      },
    });
    const output = Object.assign(sink, { isTTY: true, columns: 200, rows: 50 });
    const lab = new FakeLab();
    const ended = runConsole(lab, {
      input,
      output: output as unknown as WriteStream,
      term: "xterm-256color",
    });
    const numbers = Array.from({ length: pcCount }, (_, index) => index + 1);
    lab.connect({ pcs: numbers.map((number) => pcOf(number)) });
    // As on the socket: JSON, one text an event.
    const rounds = Array.from({ length: 8 }, (_, round) => [
      ...numbers.map((number) => {
        const pc = pcOf(number, { state: "receiving", ip: `10.0.${round}.${number}` });
        return JSON.stringify({ type: "pc", pc });
      }),
      JSON.stringify({
        type: "session",
        session: sessionOf(
          numbers.map((number) =>
            memberOf(number, {
              bytesWritten: number * 1e7 + round * 3e9,
              writeBps: 9e7 + round * 1e6,
            }),
          ),
        ),
      }),
    ]);
    // Spread over time, as by a server that says each change when it happens.
    const parts = 10;
    let tick = 0;
    const feed = setInterval(
      () => {
        const texts = rounds[Math.floor(tick / parts) % rounds.length] ?? [];
        const share = Math.ceil(texts.length / parts);
        const from = (tick++ % parts) * share;
        for (const text of texts.slice(from, from + share))
          lab.push(JSON.parse(text) as ConsoleEvent);
      },
      1000 / updatesPerSecond / parts,
    );
    input.emit("data", Buffer.from(keys));
    await new Promise((resolve) => setTimeout(resolve, warmUpMs));
    const before = { cpu: process.cpuUsage(), at: performance.now(), pictures };
    await new Promise((resolve) => setTimeout(resolve, measuredMs));
    const { user, system } = process.cpuUsage(before.cpu);
    const elapsedUs = (performance.now() - before.at) * 1000;
    const shown = pictures - before.pictures;
    clearInterval(feed);
    input.emit("data", Buffer.from("\u0003"));
    await ended;
    const cpu = (user + system) / elapsedUs;
    t.diagnostic(`${(cpu * 100).toFixed(1)} % of a core, ${shown} writes to the terminal`);
    assert.ok(cpu < cpuLimit, `${cpu} of a core`);
    // 40 batches of changes a second became some eight pictures: smooth, and no more than that.
    assert.ok(
      shown >= (measuredMs / 1000) * 4 && shown <= (measuredMs / 1000) * 9,
      `${shown} pictures`,
    );
  });
