/** A lab with one PC for each role of a grant: what each of them was given, as its agent has it. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { CastReceiver } from "../../../core/cast/ends.ts";
import { encodeLivePlan } from "../../../core/image/live-plan.ts";
import type { GrantRole, ViewRole } from "../../../core/trust/grant.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { GateRow } from "../../../server/gate/table.ts";
import type { NamedCast, NamedRestore } from "../../../server/lab/session-orders.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { openApi, type TestApi, type TestApiOptions } from "../api/open-api.ts";
import { helloOf, loginOf } from "../lab/hello.ts";
import { draftOf, mib, write } from "../store/write-image.ts";

const usual = {
  ...{ room: null, disk: null, failingDisks: [], delta: false },
  ...{ start: "now", startTimeoutSeconds: null, verify: "read-back", afterwards: "stay" },
  ...{ personalise: "auto", proveBootSeconds: null, canary: null, fit: "never" },
} as const satisfies Partial<NamedRestore & NamedCast>;

export interface Granted {
  readonly api: TestApi;
  /** Ids of PCs: the first is captured, the second casts to the third, the fourth is restored. */
  readonly pcs: readonly string[];
  /** PCs that are connected. */
  readonly online: Set<string>;
  readonly capture: string;
  readonly cast: string;
  readonly restore: string;
  /** Of the image that is restored; another is stored beside it. */
  readonly imageId: string;
  readonly otherId: string;
  /** What was said to agents. */
  readonly said: readonly { readonly pc: string; readonly message: ServerMessage }[];
  grant(role: GrantRole): string;
  /** The path of a row, filled with what its role is granted. */
  pathOf(row: GateRow, object?: string): string;
  close(): Promise<void>;
}

const by = { operator: "ann", shown: null };

export async function openGranted(options: TestApiOptions = {}): Promise<Granted> {
  const online = new Set<string>();
  const said: { pc: string; message: ServerMessage }[] = [];
  const agents = {
    isConnected: (pc: string) => online.has(pc),
    send: (pc: string, message: ServerMessage) => said.push({ pc, message }) > 0,
    sendBytes() {},
    disconnect() {},
    refusedLogins: new Map<string, number>(),
  };
  const deaf: CastReceiver = {
    ...{ forget() {}, announce() {}, refresh() {}, rekey() {}, close: async () => {} },
    ended: new Promise(() => {}),
  };
  const startReceiver = async (): Promise<CastReceiver> => deaf;
  const api = await openApi("tokens", { agents, startReceiver, ...options });
  const { lab } = api;
  const pcs = [1, 2, 3, 4].map((number) => {
    const hello = helloOf(`52:54:00:00:00:0${number}`, { disks: [diskOf(number)] });
    const login = loginOf(hello, { kind: "tpm" });
    const { pc } = lab.connections.login(login);
    online.add(pc);
    lab.connections.connected(pc, login);
    lab.pcs.admit(pc, null, by.operator);
    return pc;
  });
  const image = await write(api.images, [new Uint8Array(mib).fill(7)]);
  const other = await write(api.images, [new Uint8Array(mib).fill(8)], "other");
  const { id: capture } = lab.orders.capture(
    { pc: "pc1", name: "base", disk: null, raw: false },
    by,
  );
  const castRequest = { sender: "pc2", pcs: ["pc3"], saveAs: null, sourceDisk: null, raw: false };
  const { id: cast } = lab.orders.cast({ ...usual, ...castRequest }, by);
  const { id: restore } = lab.orders.restore({ ...usual, image: image.id, pcs: ["pc4"] }, by);

  const orderGrants = (): string[] =>
    said.flatMap(({ message }) => [
      ...("grant" in message && message.type !== "grant" ? [message.grant] : []),
      ...("personal" in message && message.personal !== null ? [message.personal] : []),
    ]);
  const workGrant = (role: GrantRole): string => {
    const found = orderGrants().find((grant) => grant.startsWith(`${role}/`));
    assert(found !== undefined, `an order has a grant to ${role}`);
    return found;
  };
  const [first = ""] = pcs;
  const viewGrant = (view: ViewRole): string => {
    lab.connections.message(first, { type: "grant-request", view });
    const answer = said.at(-1)?.message;
    assert(answer?.type === "grant" && answer.grant !== null);
    return answer.grant;
  };
  const grant = (role: GrantRole): string =>
    role === "list" || role === "targets" || role === "check" ? viewGrant(role) : workGrant(role);

  const plan = await api.app.inject({
    ...{ method: "PUT", url: `/gate/v2/casts/${cast}/plan` },
    headers: { authorization: `Bearer ${grant("send")}`, "content-type": "application/json" },
    payload: encodeLivePlan({
      manifest: draftOf(new Uint8Array(48), 1),
      chunkIndexes: Uint32Array.of(0),
    }),
  });
  assert.equal(plan.statusCode, 204, plan.body);
  // The receiver is ordered in a turn of its own.
  while (!orderGrants().some((each) => each.startsWith("receive/"))) await sleep(1);

  const objects: Readonly<Record<GrantRole, string>> = {
    ...{ image: image.id, upload: capture, send: cast, receive: cast, personal: restore },
    ...{ targets: "default", list: "", check: "" },
  };
  const pathOf = ({ path, role }: GateRow, object = role === null ? "" : objects[role]): string => {
    const filled = path
      .replace(/:(id|task|name)/, object)
      .replace(":mac", "52-54-00-00-00-01")
      .replace("*", "vmlinuz")
      .replace(":entry", "0");
    return path.endsWith("/payload") ? `${filled}?bytes=9` : filled;
  };
  const close = async (): Promise<void> => {
    for (const id of [capture, cast, restore]) lab.sessions.stop(id);
    await api.close();
  };
  return {
    ...{ api, pcs, online, capture, cast, restore, imageId: image.id, otherId: other.id, said },
    ...{ grant, pathOf, close },
  };
}
