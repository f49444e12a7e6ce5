/** What commands say that they did: no more than they did, and one of a thing as one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { ran, room } from "./run-command.ts";

test("who is sent wake-on-LAN packets is not said to be awake", async () => {
  const { said } = await ran(["pc", "wake", "pc01"]);
  assert.deepEqual(said, ["pc01: wake-on-LAN packets sent"]);
  const wake = (missing: readonly { name: string }[]) =>
    ran(["room", "wake", "lab-1", "--wait", "0"], {
      "/rooms/lab-1/wake": { alreadyOn: [], came: [], missing },
    });
  const off = await wake([{ name: "pc01" }, { name: "pc02" }]);
  assert.deepEqual(off.said, ["wake-on-LAN packets sent to: pc01, pc02"]);
  assert.deepEqual((await wake([])).said, ["every PC was on already"]);
});

test("one seat is one seat", async () => {
  const seats = [{ name: "A1", column: 0, row: 0, pc: null }];
  const there = { "/rooms/lab-1": { ...room, seats } };
  const { said } = await ran(["room", "show", "lab-1"], there);
  assert.equal(said[0], "lab-1: 2 of 2 PCs online, 1 seat");
});

test("one PC that is refused keeps none of the others back, and is named", async (t) => {
  const off = new RoomcastError("conflict", "pc02 is not connected", "switch it on");
  const errors: string[] = [];
  t.mock.method(process.stderr, "write", (text: string) => errors.push(text) > 0);
  for (const action of ["poweroff", "revoke", "admit"]) {
    errors.length = 0;
    const call = action === "poweroff" ? "power" : action;
    const { said, error, documents } = await ran(["pc", action, "pc01", "pc02", "pc03"], {
      [`/pcs/pc02/${call}`]: off,
    });
    assert.deepEqual(
      said.map((line) => line.slice(0, 4)),
      ["pc01", "pc03"],
    );
    assert.deepEqual(errors, ["roomcast: pc02: pc02 is not connected\n"]);
    assert(error instanceof RoomcastError && error.code === "conflict");
    assert.equal(error.message, "1 of 3 PCs: see above");
    assert.equal((documents[0] as unknown[]).length, 2);
  }
  const single = await ran(["pc", "poweroff", "pc02"], { "/pcs/pc02/power": off });
  assert.equal(single.error, off);
});
