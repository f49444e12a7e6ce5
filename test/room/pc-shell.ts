/** An operator's shell on a PC of the room, whose agent runs. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiClient } from "../../client/api/client.ts";
import { openShell } from "../../client/api/shell-client.ts";
import { assert } from "../../core/errors.ts";

/** Three times what a PC without KVM takes for a small command. */
const answerLimitMs = 120_000;

export interface PcShell extends Disposable {
  /** As at the keyboard; `\n` is the return key. */
  type(text: string): void;
  /** Waits for these words, and answers what was shown before them; it is not looked at again. */
  until(words: RegExp): Promise<string>;
  /** Runs the commands, and answers what they said. */
  run(commands: string): Promise<string>;
}

/** `data` is the server's folder; `pc` an id, a name or a MAC. */
export async function openPcShell(data: string, pc: string): Promise<PcShell> {
  const client = new ApiClient({ socketPath: join(data, "roomcast.sock") });
  let shown = "";
  const shell = await openShell(client, {
    ...{ pc, term: "vt100", size: { columns: 200, lines: 30 } },
    onShown: (bytes) => {
      shown += Buffer.from(bytes).toString("latin1");
    },
  });
  const until = async (words: RegExp): Promise<string> => {
    for (const deadline = performance.now() + answerLimitMs; ; await sleep(100)) {
      const match = words.exec(shown);
      if (match !== null) {
        const said = shown.slice(0, match.index);
        shown = shown.slice(match.index + match[0].length);
        return said;
      }
      assert(performance.now() < deadline, `no ${words} in ${JSON.stringify(shown.slice(-600))}`);
    }
  };
  await until(/# /);
  return {
    type: (text) => shell.type(text),
    until,
    async run(commands) {
      // What is typed is shown too: only what is reckoned of it is an end.
      shell.type(`echo begin of $((20 + 22)); ${commands}; echo end of $((20 + 22))\n`);
      await until(/begin of 42\s+/);
      return (await until(/end of 42\s+/)).trim();
    },
    [Symbol.dispose]: () => shell.close(),
  };
}
