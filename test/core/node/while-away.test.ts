import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type ErrorCode, RoomcastError } from "../../../core/errors.ts";
import { whileAway, whileItWaits } from "../../../core/node/while-away.ts";

const quiet = new AbortController().signal;
const fault = (code: ErrorCode) => new RoomcastError(code, "no", "");

test("a server that is away is asked again, and every other answer is the answer", async () => {
  let asked = 0;
  const answer = await whileAway(quiet, async () => {
    if (++asked < 2) throw fault("unreachable");
    return "here";
  });
  assert.deepEqual([answer, asked], ["here", 2]);
  asked = 0;
  for (const error of [fault("failed"), new Error("a bug")]) {
    const asking = whileAway(quiet, async () => {
      asked++;
      throw error;
    });
    await assert.rejects(asking, error);
  }
  assert.equal(asked, 2);
});

test("it waits for a server that is upgraded or whose host is started anew, and gives up after ten minutes", async () => {
  const clock = mock.method(performance, "now", () => 0);
  try {
    let minutes = 0;
    const asking = whileAway(quiet, async () => {
      minutes += 5;
      clock.mock.mockImplementation(() => minutes * 60_000 + 1);
      throw fault("unreachable");
    });
    await assert.rejects(asking, { code: "unreachable" });
    assert.equal(minutes, 10);
  } finally {
    clock.mock.restore();
  }
});

test("a signal ends it between two tries, with its own reason", async () => {
  const ending = new AbortController();
  const asking = whileAway(ending.signal, async () => {
    setImmediate(() => ending.abort(new Error("stopped")));
    throw fault("unreachable");
  });
  await assert.rejects(asking, { message: "stopped" });
});

test("a commit that waits is asked after until it is done, or somebody gives up", async () => {
  let asked = 0;
  const ask = async (): Promise<string> => {
    if (++asked % 100 !== 0) throw new RoomcastError("away", "not yet", "wait");
    return "done";
  };
  const { signal } = new AbortController();
  assert.equal(await whileItWaits(signal, ask, 0), "done");
  assert.equal(asked, 100);

  const stop = new AbortController();
  const stopped = assert.rejects(whileItWaits(stop.signal, ask, 60_000), { message: "enough" });
  setImmediate(() => stop.abort(new Error("enough")));
  await stopped;
  const broken = new RoomcastError("no-space", "full", "make room");
  const failing = (): Promise<string> => Promise.reject(broken);
  await assert.rejects(whileItWaits(signal, failing, 0), broken);
});
