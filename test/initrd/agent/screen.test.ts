/** What the person at the PC wants reaches the server, and what happens reaches the screen. */
import assert from "node:assert/strict";
import { suite, type TestFn, test as unlimited } from "node:test";
import type { MenuAction } from "../../../core/agent/desk.ts";
import type { Order } from "../../../core/agent/life.ts";
import { systemClock } from "../../../core/node/clock.ts";
import { rowText } from "../../../core/screen/row.ts";
import { controlProtocol } from "../../../core/wire/login.ts";
import type { End } from "../../../core/wire/work.ts";
import { Agent } from "../../../initrd/agent/agent.ts";
import { memoryProver } from "../../../initrd/agent/keys.ts";
import { ServerFiles } from "../../../initrd/agent/link/http.ts";
import { Meter } from "../../../initrd/agent/meter.ts";
import { taskView } from "../../../initrd/agent/screen.ts";
import type { Task } from "../../../initrd/agent/tasks/task.ts";
import { rows } from "../../../initrd/menu/rows.ts";
import type { MenuView } from "../../../initrd/menu/view.ts";
import { fakeImage } from "../../imaging/restore/fake-disk.ts";
import { pinnedTo } from "../../tls.ts";
import { type FakeServer, openFakeServer, session } from "./fake-server.ts";

const test = (name: string, run: TestFn): void => void unlimited(name, { timeout: 10_000 }, run);
const image = fakeImage(1 << 20);

/** A task that does nothing until it is told how it ended. */
class IdleTask implements Task {
  readonly disk = null;
  readonly trouble = null;
  readonly end: PromiseWithResolvers<End> = Promise.withResolvers();
  readonly ended = this.end.promise;
  stopped = "";

  progress() {
    return { phase: "receiving", bytesDone: 30, bytesTotal: 100, counters: null } as const;
  }

  stop(reason: string): void {
    this.stopped = reason;
    this.finish("stopped", reason);
  }

  finish(outcome: End["outcome"], reason: string | null): void {
    this.end.resolve({ outcome, reason, next: null, rootHash: null, counters: null });
  }
}

interface Bench {
  readonly server: FakeServer;
  readonly agent: Agent;
  readonly tasks: IdleTask[];
  readonly power: string[];
  readonly views: MenuView[];
  press(action: MenuAction): void;
  /** The first view, from now on or the latest, that is accepted. */
  seen(accept: (view: MenuView) => boolean): Promise<MenuView>;
  end(): Promise<void>;
}

async function open({ isHalfWritten = false } = {}): Promise<Bench> {
  const server = await openFakeServer(image);
  const tasks: IdleTask[] = [];
  const power: string[] = [];
  const views: MenuView[] = [];
  let act: (action: MenuAction) => void = () => {};
  const pinned = pinnedTo(server.url, server.pin);
  const agent = new Agent({
    server: pinned,
    serverUrl: server.url,
    language: "en",
    prover: Promise.resolve(memoryProver()),
    clock: systemClock,
    journal: { log() {}, milestone() {}, lines: () => ["a line", "x".repeat(1000)] },
    learnKeys: async () => {},
    describe: async () => ({
      agentVersion: "1",
      instance: "i",
      name: null,
      identity: { uuid: null, serials: [], macs: [] },
      mac: "52:54:00:00:00:01",
      ip: "192.0.2.7",
      firmware: "bios",
      secureBoot: false,
      nic: { driver: null, speedMbps: null },
      disks: [],
      memoryBytes: 1,
    }),
    welcomed() {},
    startTask() {
      const begun = new IdleTask();
      tasks.push(begun);
      return begun;
    },
    files: (signal, grant) => new ServerFiles(pinned, signal, grant),
    listen: () => ({ end: () => Promise.reject(new Error("nobody checks a room here")) }),
    power: async (action) => void power.push(action),
    isHalfWritten: () => isHalfWritten,
    troubles: () => ["it does not start"],
    lockShell: (isLocked) => void power.push(isLocked ? "locked" : "unlocked"),
    check: async function* () {
      yield [{ title: "Link", good: null, text: "being looked at" }];
      yield [{ title: "Link", good: true, text: "eth0" }];
    },
    openMenu: async (onAction) => {
      act = onAction;
      return {
        show: (view) => void views.push(view),
        suspend() {},
        resume() {},
        picture: () => ["READY"],
        close() {},
      };
    },
    once: false,
    shellRefusal: null,
  });
  const status = agent.run();
  await server.heardOf("hello");
  return {
    server,
    agent,
    tasks,
    power,
    views,
    press: (action) => act(action),
    async seen(accept) {
      for (;;) {
        const view = views.at(-1);
        if (view !== undefined && accept(view)) return view;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async end() {
      await agent.stop("over");
      assert.equal(await status, 1);
      await server.close();
    },
  };
}

suite("the agent's screen", { concurrency: true }, () => {
  test("the server's word locks the menu and the shell, and opens them; without a server they are shut", async () => {
    const { server, power, press, seen, end } = await open();
    await seen((view) => view.server.state === "connected");
    press({ action: "shell" });
    await seen((view) => /not said yet/.test(view.notice ?? ""));
    const pins = { menu: true, instructor: true };
    server.say({ type: "menu", pins, right: null });
    assert.equal((await seen((view) => view.isLocked)).unlocks, "menu");
    press({ action: "unlock", pin: "2468" });
    assert.equal((await server.heardOf("unlock")).pin, "2468");
    server.say({ type: "menu", pins, right: "menu" });
    assert.equal((await seen((view) => !view.isLocked)).unlocks, "instructor");
    server.cut();
    await seen((view) => view.isLocked);
    await seen((view) => view.server.state === "connected");
    server.say({ type: "menu", pins: { menu: false, instructor: false }, right: null });
    await seen((view) => !view.isLocked);
    assert.deepEqual(power, ["locked", "unlocked", "locked", "unlocked"]);
    await end();
  });

  test("what waits for an operator is shown, can be withdrawn, and ends with the connection", async () => {
    const { server, press, seen, end } = await open();
    await seen((view) => view.server.state === "connected");
    server.say({ type: "waiting", what: "erase its disk" });
    await seen((view) => view.waiting === "erase its disk");
    press({ action: "withdraw" });
    assert.deepEqual((await server.heardOf("ask")).want, { action: "withdraw" });
    server.say({ type: "waiting", what: null });
    await seen((view) => view.waiting === null);
    server.say({ type: "waiting", what: "erase its disk" });
    await seen((view) => view.waiting !== null);
    server.cut();
    assert.match((await seen((view) => view.waiting === null)).notice ?? "", /ask again/);
    await end();
  });

  test("whoever looks from afar gets the screen or the log, no more than a message takes", async () => {
    const { server, end } = await open();
    await server.heardOf("alive");
    server.say({ type: "look", request: "a", at: "screen" });
    const isOf = (wanted: string) => (message: { request: string }) => message.request === wanted;
    assert.deepEqual((await server.heardOf("seen", isOf("a"))).lines, ["READY"]);
    server.say({ type: "look", request: "b", at: "log" });
    const { lines } = await server.heardOf("seen", isOf("b"));
    assert.deepEqual(lines, ["a line", "x".repeat(400)]);
    await end();
  });

  test("the network check's findings are shown, also without a server", async () => {
    const { press, seen, end } = await open();
    press({ action: "check" });
    const shown = await seen((view) => view.check?.[0]?.good === true);
    assert.equal(shown.check?.[0]?.text, "eth0");
    assert.equal(shown.hardware.firmware, "bios");
    await end();
  });

  test("a PC whose disk was left half written says so on its screen and to the server", async () => {
    const { server, seen, end } = await open({ isHalfWritten: true });
    assert.equal((await server.heardOf("hello")).state, "failed");
    await seen((view) => view.isHalfWritten);
    await end();
  });

  test("searching, connected, lost, connected again", async () => {
    const { server, views, seen, end } = await open();
    assert.equal(views[0]?.server.state, "searching");
    const up = await seen((view) => view.server.state === "connected");
    assert.deepEqual(up.pc, {
      name: "pc1",
      room: "default",
      mac: "52:54:00:00:00:01",
      ip: "192.0.2.7",
    });
    server.cut();
    const lost = await seen((view) => view.server.state === "lost");
    assert.match(lost.server.detail ?? "", /connection broke/);
    server.welcome = { protocol: controlProtocol, name: "pc9" };
    assert.equal((await seen((view) => view.server.state === "connected")).pc.name, "pc9");
    const walk = { room: "lab", next: "A2" };
    const allows = { shell: true, level: "placed" as const };
    server.say({ type: "placed", name: "pc10", room: "lab", seat: "A1", ...allows, walk });
    server.say({ type: "notice", text: "lunch" });
    const placed = await seen((view) => view.notice === "lunch");
    assert.deepEqual([placed.pc.name, placed.pc.room], ["pc10", "lab"]);
    assert.deepEqual([placed.place?.seat, placed.place?.walk], ["A1", walk]);
    await end();
  });

  test("restore and capture are asked of the server; the list of images comes from it", async () => {
    const { server, press, seen, end } = await open();
    await seen((view) => view.server.state === "connected");
    press({ action: "restore", image: "base@1", disk: "/dev/sda" });
    press({ action: "capture", name: "new", disk: "/dev/sdb" });
    const asked = await server.heardOf("ask", ({ want }) => want.action === "capture");
    assert.deepEqual(asked.want, { action: "capture", name: "new", disk: "/dev/sdb" });
    const first = await server.heardOf("ask");
    assert.deepEqual(first.want, { action: "restore", image: "base@1", disk: "/dev/sda" });
    press({ action: "images" });
    assert.deepEqual((await seen((view) => view.images !== null)).images, []);
    await end();
  });

  test("its screen is in the language that the server says, and stays so without a server", async () => {
    const { server, seen, end } = await open();
    assert.equal((await seen((view) => view.server.state === "connected")).language, "en");
    const placed = { type: "placed", name: "pc1", room: "lab", seat: null, shell: true } as const;
    server.say({ ...placed, walk: null, level: "placed", language: "fr" });
    const told = await seen(({ language }) => language === "fr");
    const home = { name: "home", chosen: 0, said: null } as const;
    const text = rows(told, home, { columns: 80, lines: 25 }).map(rowText).join("\n");
    assert.match(text, /serveur connecté/);
    assert.match(text, /Restaurer une image/);
    server.cut();
    await seen((view) => view.server.state === "lost" && view.language === "fr");
    await end();
  });

  test("its code is on the screen while nobody has placed it, and its level afterwards", async () => {
    const { server, seen, end } = await open();
    const waiting = await seen((view) => view.server.state === "connected");
    assert.equal(waiting.level, "waiting");
    assert.match(waiting.code ?? "", /^\d{6}$/);
    const placed = { type: "placed", name: "pc1", room: "lab", seat: null, shell: true } as const;
    server.say({ ...placed, walk: null, level: "unproven" });
    assert.equal((await seen((view) => view.pc.room === "lab")).level, "unproven");
    await end();
  });

  test("a server that shows another code is not believed", async () => {
    const { server, seen, end } = await open();
    await seen((view) => view.server.state === "connected");
    server.code = "000000";
    server.cut();
    const refused = await seen((view) => view.server.state === "refused");
    assert.match(refused.server.detail ?? "", /another code than this PC/);
    await end();
  });

  test("what the server does not let a PC look at is said on its screen", async () => {
    const { server, press, seen, end } = await open();
    await seen((view) => view.server.state === "connected");
    server.viewGrant = null;
    press({ action: "images" });
    const refused = await seen((view) => view.notice !== null);
    assert.match(refused.notice ?? "", /an operator has to say/);
    assert.equal(refused.images, null);
    await end();
  });

  test("a list that is asked for without a server is answered with a notice", async () => {
    const { server, press, seen, end } = await open();
    server.welcome = null;
    server.cut();
    await seen((view) => view.server.state === "lost");
    press({ action: "images" });
    assert.match((await seen((view) => view.notice !== null)).notice ?? "", /no connection/);
    await end();
  });

  test("a request that finds no server is answered with a notice", async () => {
    const { server, press, seen, end } = await open();
    await seen((view) => view.server.state === "connected");
    server.welcome = null;
    server.cut();
    await seen((view) => view.server.state === "lost");
    press({ action: "restore", image: "base@1", disk: "/dev/sda" });
    assert.match((await seen((view) => view.notice !== null)).notice ?? "", /no connection/);
    await end();
  });

  test("a task takes the screen, is stopped from there, and is dismissed", async () => {
    const { server, tasks, power, press, seen, end } = await open();
    server.restore();
    const running = await seen((view) => view.task?.phase === "receiving");
    assert.deepEqual([running.task?.bytesDone, running.task?.outcome], [30, null]);
    const room = { members: 3, verified: 1, failed: 1, progress: 0.5, rateBps: 1, secondsLeft: 60 };
    server.say({ type: "room", session, room });
    server.say({ type: "room", session: "another", room: { ...room, members: 99 } });
    assert.equal((await seen((view) => view.task?.room != null)).task?.room?.members, 3);
    press({ action: "reboot" });
    assert.match((await seen((view) => view.notice !== null)).notice ?? "", /stop it first/);
    assert.deepEqual(power, []);
    press({ action: "stop" });
    const asked = await server.heardOf("ask");
    assert.deepEqual(asked.want, { action: "stop", session });
    assert.equal(tasks[0]?.stopped, "stopped at the PC");
    const over = await seen((view) => view.task?.outcome != null);
    assert.equal(over.task?.outcome?.result, "stopped");
    press({ action: "dismiss" });
    await seen((view) => view.task === null);
    press({ action: "poweroff" });
    while (power.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(power, ["poweroff"]);
    await end();
  });

  test("the server hears at once that an order was begun, and how it ended", async () => {
    const { server, tasks, end } = await open();
    // The next sign of life is a second away.
    await server.heardOf("alive", undefined, server.heard.length);
    const askedAt = performance.now();
    server.restore();
    const begun = await server.heardOf("alive", ({ report }) => report?.phase === "working");
    assert.deepEqual([begun.state, begun.report?.session], ["waiting", session]);
    tasks[0]?.finish("failed", "disk write error");
    assert.equal((await server.ended()).reason, "disk write error");
    assert(performance.now() - askedAt < 700, "before it would have been said anyway");
    await end();
  });

  test("what comes after a restore waits until the server has settled its end", async () => {
    const { server, tasks, power, seen, end } = await open();
    server.settles = false;
    server.restore({ afterwards: "poweroff" });
    await seen((view) => view.task !== null);
    tasks[0]?.finish("verified", null);
    await server.ended();
    await new Promise((resolve) => setTimeout(resolve, 5500));
    assert.deepEqual(power, [], "nothing was settled");
    const said = await seen((view) => view.task?.outcome != null);
    assert.equal(said.task?.outcome?.result, "verified");
    server.settles = true;
    while (power.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(power, ["poweroff"]);
    await end();
  });

  test("a restore that failed is not followed by a restart", async () => {
    const { server, tasks, power, seen, end } = await open();
    server.restore({ afterwards: "reboot" });
    await seen((view) => view.task !== null);
    tasks[0]?.finish("failed", "disk write error");
    const failed = await server.heardOf("alive", ({ state }) => state === "failed");
    assert(failed !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 6000));
    assert.deepEqual(power, []);
    await end();
  });

  test("a server that refuses this PC is shown with its reason", async () => {
    const { server, seen, end } = await open();
    server.refusal = "another PC has this address";
    server.cut();
    const refused = await seen((view) => view.server.state === "refused");
    assert.equal(refused.server.detail, "another PC has this address");
    await end();
  });

  test("with the cable out, a restore is shown as cut off and without a time left", async () => {
    const { server, seen, end } = await open();
    server.restore();
    await seen((view) => view.task?.phase === "receiving" && !view.task.isCutOff);
    server.welcome = null;
    server.cut();
    const cut = await seen((view) => view.task?.isCutOff === true);
    assert.deepEqual([cut.task?.secondsLeft, cut.task?.room], [null, null]);
    assert.match(cut.server.detail ?? "", /connection broke/);
    server.welcome = { protocol: controlProtocol, name: "pc1" };
    server.cut();
    await seen((view) => view.task?.isCutOff === false);
    await end();
  });
});

test("the time left is shown while there is a server, or the PC works alone", () => {
  const order = { type: "restore", image: "i" } as Order;
  const state = {
    order,
    disk: null,
    trouble: null,
    room: null,
    end: null,
    isConnected: true,
    progress: { phase: "receiving", bytesDone: 25, bytesTotal: 100, counters: null },
    rateBps: 25,
    secondsLeft: 3,
  } as const;
  assert.equal(taskView(state).secondsLeft, 3);
  assert.equal(taskView({ ...state, secondsLeft: null }).secondsLeft, null);
  assert.equal(taskView({ ...state, progress: null }).phase, "preparing");
  const alone = taskView({ ...state, isConnected: false });
  assert.deepEqual([alone.secondsLeft, alone.isCutOff], [null, true]);
  const verifying = { ...state.progress, phase: "verifying" } as const;
  const going = taskView({ ...state, progress: verifying, isConnected: false });
  assert.deepEqual([going.secondsLeft, going.isCutOff], [3, false], "the PC does that alone");
});

test("a meter forgets, and starts over when the total falls", () => {
  const meter = new Meter();
  assert.equal(meter.take(0, 0), null);
  assert.equal(meter.take(100, 100), null, "too soon to tell");
  assert.equal(meter.take(1000, 1000), 1000);
  assert.equal(meter.take(1100, 1100), 1000, "too soon to tell anew");
  let rate = 0;
  for (let second = 2; second < 30; second++) rate = meter.take(1100, second * 1000) ?? -1;
  assert(rate < 1, `${rate}`);
  assert.equal(meter.take(5, 40_000), null);
});
