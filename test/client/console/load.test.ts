/** What a busy room costs the console: work counted, on a clock of the test's own. */
import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { WriteStream } from "node:tty";
import { runConsole } from "../../../client/console/main.ts";
import { FakeTerminal } from "../../core/node/fake-terminal.ts";
import { FakeLab, memberOf, pcOf, sessionOf } from "./fake-lab.ts";

const pcCount = 200;
const updatesPerSecond = 4;
/** Changes come spread over time, as from a server that says each when it happens. */
const partsPerUpdate = 10;
const seconds = 5;
const [columns, rows] = [200, 50];
/** Of a PC's fields, for one picture: sorting 200 PCs by name takes some 16 for each. */
const readsLimit = 40;

for (const [view, keys] of [
  ["list", "\t\t"],
  ["map", "\t\tt"],
] as const)
  test(`a ${view} of ${pcCount} PCs that change ${updatesPerSecond} times a second is drawn a few times a second, and each PC looked at a few times`, async (t) => {
    const { input } = new FakeTerminal(columns, rows);
    let now = 0;
    let [pictures, bytes, reads] = [0, 0, 0];
    const clock = mock.method(performance, "now", () => now);
    mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    const sink = new Writable({
      write: (part: Buffer, _encoding, done) => {
        pictures++;
        bytes += part.length;
        done();
      },
    });
    const output = Object.assign(sink, { isTTY: true, columns, rows }) as unknown as WriteStream;
    const counted = <T extends { readonly name: string }>(record: T): T => {
      const { name } = record;
      return Object.defineProperty({ ...record }, "name", {
        enumerable: true,
        get() {
          reads++;
          return name;
        },
      });
    };
    const lab = new FakeLab();
    const ended = runConsole(lab, { input, output, term: "xterm-256color" });
    const numbers = Array.from({ length: pcCount }, (_, index) => index + 1);
    try {
      lab.connect({ pcs: numbers.map((number) => pcOf(number)) });
      const perPart = pcCount / partsPerUpdate;
      const advance = async (ms: number): Promise<void> => {
        now += ms;
        mock.timers.tick(ms);
        await turn();
      };
      /** One part of an update: a tenth of the PCs, and at the end of the update the session. */
      const part = async (number: number): Promise<void> => {
        const round = Math.floor(number / partsPerUpdate);
        const from = (number % partsPerUpdate) * perPart;
        for (const each of numbers.slice(from, from + perPart)) {
          const ip = `10.0.${round}.${each}`;
          lab.push({ type: "pc", pc: counted(pcOf(each, { state: "receiving", ip })) });
        }
        if (number % partsPerUpdate === partsPerUpdate - 1) {
          const members = numbers.map((each) => {
            const bytesWritten = each * 1e7 + round * 3e9;
            return counted(memberOf(each, { bytesWritten, writeBps: 9e7 + round * 1e6 }));
          });
          lab.push({ type: "session", session: sessionOf(members) });
        }
        await turn();
        await advance(1000 / updatesPerSecond / partsPerUpdate);
      };
      await advance(1000);
      input.emit("data", Buffer.from(keys));
      const partsPerSecond = updatesPerSecond * partsPerUpdate;
      for (let number = 0; number < partsPerSecond; number++) await part(number);
      [pictures, bytes, reads] = [0, 0, 0];
      for (let number = 0; number < seconds * partsPerSecond; number++)
        await part(partsPerSecond + number);
    } finally {
      mock.timers.reset();
      clock.mock.restore();
      input.emit("data", Buffer.from("\u0003"));
      await ended;
    }
    const readsEach = reads / pictures / pcCount;
    t.diagnostic(
      `${pictures} pictures, ${Math.round(bytes / pictures)} bytes and ${readsEach.toFixed(1)} reads of a name each`,
    );
    // 40 batches of changes a second became some eight pictures: smooth, and no more than that.
    assert.ok(pictures >= seconds * 4 && pictures <= seconds * 9, `${pictures} pictures`);
    assert.ok(bytes / pictures < columns * rows, `${bytes} bytes in ${pictures} pictures`);
    assert.ok(readsEach > 0 && readsEach < readsLimit, `${readsEach} reads of each PC's name`);
  });
