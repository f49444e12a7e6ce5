/** The agent: one connection, one task at a time, one screen. */
import { spawn } from "node:child_process";
import { RoomcastError } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import { type Millis, millis } from "../../core/units/units.ts";
import {
  type Afterwards,
  type AgentMessage,
  bulkKind,
  controlProtocol,
  type Hello,
  lookColumns,
  lookLines,
  type Placed,
  type RoomTarget,
  type ServerMessage,
} from "../../core/wire/control.ts";
import type { DiskView, ImageView, PcState } from "../../core/wire/views.ts";
import type { Finding, Menu, MenuAction, MenuView, TaskView } from "../menu/view.ts";
import type { Journal } from "./journal.ts";
import type { ServerFiles } from "./link/http.ts";
import { Link } from "./link/link.ts";
import type { DownReason, Welcome } from "./link/machine.ts";
import { Outbox } from "./outbox.ts";
import { PinLock } from "./pin-lock.ts";
import type { PowerAction } from "./power.ts";
import { menuView, taskView } from "./screen.ts";
import { Shells } from "./shells.ts";
import { Meter } from "./tasks/meter.ts";
import type { Task, TaskEnd } from "./tasks/task.ts";

export type TaskOrder = Extract<ServerMessage, { type: "restore" | "capture" | "cast" | "wipe" }>;

export interface AgentPorts {
  readonly server: URL;
  readonly clock: Clock;
  readonly journal: Journal;
  /** All of `hello` that the PC itself is. */
  describe(): Promise<Omit<Hello, "type" | "protocol" | "state" | "task">>;
  startTask(order: TaskOrder, agent: TaskVoice): Task;
  files(signal: AbortSignal): ServerFiles;
  power(action: PowerAction): void;
  /** What is wrong with the PC as it stands, for its screen. */
  troubles(disks: readonly DiskView[]): readonly string[];
  /** Whether the shell on the PC's second console is held back. */
  lockShell(isLocked: boolean): void;
  /** Looks at the way to the server; tells after each step all that was found. */
  check(signal: AbortSignal): AsyncIterable<readonly Finding[]>;
  openMenu: ((onAction: (action: MenuAction) => void) => Promise<Menu>) | null;
  readonly once: boolean;
  /** Why operators get no shell here, or null. */
  readonly shellRefusal: string | null;
}

/** How a task speaks to the server. */
export interface TaskVoice {
  /** The PC's own name, as the server has it. */
  readonly pcName: string;
  send(message: AgentMessage): boolean;
  sendBulk(kind: number, tag: number, payload: Uint8Array): boolean;
}

/** Progress is said, and the screen drawn, this often, in milliseconds. */
const tickEvery = 250;
/** How long the result is on the screen before the PC restarts or goes off. */
const endSeenFor = millis(5000);
/** A small message is on the wire in a fraction of that, in milliseconds. */
const wishLead = 500;

/** How often an idle PC looks whether it has changed. */
const lookEvery = millis(5000);

export class Agent {
  private readonly ports: AgentPorts;
  private readonly link: Link;
  private readonly outbox = new Outbox();
  private readonly lock: PinLock;
  private wasLocked = false;
  private readonly over: PromiseWithResolvers<number> = Promise.withResolvers();
  private readonly abort = new AbortController();
  private readonly shells: Shells;
  private menu: Menu | null = null;
  private ticker: NodeJS.Timeout | undefined;
  private task: Task | null = null;
  /** The server has cancelled the task, and it has not ended yet. */
  private isStopping = false;
  /** What the server ordered meanwhile. */
  private held: TaskOrder | null = null;
  /** The task that ended last, until the person at the PC has seen it. */
  private ended: { readonly task: Task; readonly end: TaskEnd } | null = null;
  private endedAt: Millis = millis(0);
  /** To be done once the server knows the result and whoever is at the PC has seen it. */
  private afterwards: PowerAction | "exit" | null = null;
  private exitStatus = 0;
  private described: Awaited<ReturnType<AgentPorts["describe"]>> | null = null;
  private name: string | null = null;
  private placeName: string | null = null;
  private place: Placed | null = null;
  private detail: string | null = null;
  private lastDetail: string | null = null;
  private downReason: DownReason = "unreachable";
  private serverVersion: string | null = null;
  private notice: string | null = null;
  private images: readonly ImageView[] | null = null;
  private targets: readonly RoomTarget[] | null = null;
  private findings: readonly Finding[] | null = null;
  private isChecking = false;
  private roomView: TaskView["room"] = null;
  private lookAt: Millis = millis(0);
  private meter = new Meter();
  private meterPhase = "";

  constructor(ports: AgentPorts) {
    this.ports = ports;
    this.lock = new PinLock(ports.clock);
    this.shells = new Shells({
      refusal: ports.shellRefusal,
      send: (message) => void this.link.send(message),
      sendBulk: (kind, tag, payload) => this.link.sendBulk(kind, tag, payload),
      log: (text) => ports.journal.log(text),
    });
    this.link = new Link(ports.server, ports.clock, {
      hello: () => this.hello(),
      state: () => this.state,
      up: (welcome) => this.up(welcome),
      message: (message) => this.message(message),
      bulk: (frame) => {
        if (frame.kind === bulkKind.shell) this.shells.type(frame.tag, frame.payload);
        else this.task?.bulk?.(frame);
      },
      down: (detail, why) => this.down(detail, why),
    });
  }

  /** Resolves with the exit status: with `once` after a session, else when `stop` is called. */
  async run(): Promise<number> {
    this.menu = (await this.ports.openMenu?.((action) => this.act(action))) ?? null;
    this.described = await this.ports.describe();
    this.lookAt = millis(this.ports.clock.now() + lookEvery);
    this.link.start();
    this.ticker = setInterval(() => this.tick(), tickEvery);
    this.draw();
    const status = await this.over.promise;
    clearInterval(this.ticker);
    this.abort.abort();
    this.shells.closeAll();
    this.link.close();
    this.menu?.close();
    return status;
  }

  /** Ends the agent, and its task first: the disk stays unbootable if it is not done. */
  async stop(reason: string): Promise<void> {
    this.task?.stop(reason);
    await this.task?.ended;
    this.over.resolve(1);
  }

  private get state(): PcState {
    if (this.task !== null) return this.task.state;
    const outcome = this.ended?.end.outcome;
    return outcome === "failed" || outcome === "refused" ? "failed" : "idle";
  }

  // --- the connection

  private async hello(): Promise<Hello> {
    this.described = await this.ports.describe();
    return {
      type: "hello",
      protocol: controlProtocol,
      ...this.described,
      state: this.state,
      task: this.task?.id ?? this.outbox.task,
    };
  }

  private up(welcome: Welcome): void {
    this.name = welcome.name;
    this.placeName = welcome.room;
    this.detail = null;
    this.lastDetail = null;
    this.serverVersion = welcome.serverVersion;
    this.ports.journal.milestone(`registered as ${welcome.name}`);
    this.outbox.reconnected();
    this.say();
    this.draw();
  }

  private down(detail: string, why: DownReason): void {
    this.shells.closeAll();
    this.detail = detail;
    this.downReason = why;
    // A server that is away for an hour is not worth a thousand lines.
    if (detail !== this.lastDetail) {
      this.ports.journal.milestone(`not connected to ${this.ports.server.origin}: ${detail}`);
    }
    this.lastDetail = detail;
    this.draw();
  }

  private message(message: Exclude<ServerMessage, Welcome>): void {
    const { task } = this;
    switch (message.type) {
      case "restore":
      case "capture":
      case "cast":
      case "wipe":
        return this.order(message);
      case "told":
      case "finish":
        if (task?.id === message.task) task.hear?.(message);
        return;
      case "cancel":
        this.outbox.drop(message.task);
        if (this.held?.task === message.task) this.held = null;
        if (task?.id !== message.task) return;
        this.isStopping = true;
        return task.stop(message.reason);
      case "power":
        return this.power(message.action);
      case "look":
        return this.show(message);
      case "notice":
        this.ports.journal.log(message.text);
        this.notice = message.text;
        return this.draw();
      case "room": {
        if (task?.id !== message.task && this.ended?.task.id !== message.task) return;
        const { members, verified, failed, progress, secondsLeft, rateBps } = message.session;
        this.roomView = { members, verified, failed, progress, secondsLeft };
        task?.noteRoomRate(rateBps);
        // While it works, it draws four times a second anyway.
        if (task === null) this.draw();
        return;
      }
      case "shell-open":
      case "shell-resize":
      case "shell-credit":
      case "shell-close":
        return this.shells.take(message);
      case "placed":
        this.name = message.name;
        this.placeName = message.room;
        this.place = message;
        this.lock.set(message.pin);
        this.heedLock();
        this.notice = null;
        return this.draw();
      case "alive":
        return;
    }
  }

  private show({ request, at }: Extract<ServerMessage, { type: "look" }>): void {
    const lines =
      at === "log"
        ? this.ports.journal.lines()
        : (this.menu?.picture() ?? ["This agent has no screen."]);
    const shown = lines.slice(-lookLines).map((line) => line.slice(0, lookColumns));
    this.link.send({ type: "seen", request, lines: shown });
  }

  private order(order: TaskOrder): void {
    const { task, ports } = this;
    // The server's next wish need not wait until the disk is let go: it comes right after the cancel.
    if (task !== null && this.isStopping) {
      this.held = order;
      return;
    }
    // An order that comes after the result is a new one for the same session; else the result is
    // what the server lacks.
    this.outbox.settle(this.link.heardAt, ports.clock.now());
    if (this.outbox.task === order.task) return this.say();
    if (task?.id === order.task) {
      if (order.type === "restore") task.resume(order);
      return;
    }
    if (task !== null) {
      this.link.send({
        type: "result",
        task: order.task,
        outcome: "refused",
        reason: `this PC is still at another task (${task.kind}, ${task.id})`,
        next: "wait for its end, or stop it",
        rootHash: null,
        counters: null,
      });
      return;
    }
    this.ended = null;
    this.notice = null;
    this.roomView = null;
    this.meterPhase = "";
    const begun = ports.startTask(order, {
      pcName: this.name ?? "",
      send: (message) => this.link.send(message),
      sendBulk: (kind, tag, payload) => this.link.sendBulk(kind, tag, payload),
    });
    this.task = begun;
    const then = order.type === "restore" ? order.afterwards : "stay";
    begun.ended.then((end) => this.finish(begun, end, then));
    this.draw();
  }

  private finish(task: Task, end: TaskEnd, then: Afterwards): void {
    const { ports } = this;
    const isGood = end.outcome === "verified" || end.outcome === "done";
    const said = [end.reason, end.next].filter((part) => part !== null).join("; ");
    ports.journal.milestone(said === "" ? end.outcome : `${end.outcome}: ${said}`);
    const { held } = this;
    this.task = null;
    this.isStopping = false;
    this.held = null;
    // The task that was stopped is begun anew: that it was stopped is no result any more.
    if (held !== null && held.task === task.id) return this.order(held);
    this.ended = { task, end };
    this.endedAt = ports.clock.now();
    this.exitStatus = isGood ? 0 : end.outcome === "refused" ? 4 : 1;
    if (held !== null) this.afterwards = null;
    else if (ports.once) this.afterwards = "exit";
    else if (isGood && then !== "stay") this.afterwards = then;
    this.outbox.put({ type: "result", task: task.id, ...end }, ports.clock.now());
    this.say();
    this.draw();
    if (held !== null) this.order(held);
  }

  /** Sends the result that waits, if it can. */
  private say(): void {
    const result = this.outbox.toSend();
    if (result !== null && this.link.send(result)) this.outbox.sent(this.ports.clock.now());
  }

  private tick(): void {
    const { task, link, ports } = this;
    const progress = task?.progress() ?? null;
    if (task !== null && progress !== null) {
      link.send({ type: "progress", task: task.id, ...progress });
    }
    this.say();
    this.heedLock();
    const now = ports.clock.now();
    const { afterwards } = this;
    if (this.outbox.settle(link.heardAt, now) && afterwards !== null) {
      if (afterwards === "exit") return this.over.resolve(this.exitStatus);
      if (now >= this.endedAt + endSeenFor) {
        this.afterwards = null;
        ports.power(afterwards);
      }
    }
    if (task !== null) this.draw();
    else if (now >= this.lookAt) this.lookAgain();
  }

  /** A disk may be slow to appear, a cable be put elsewhere: the server hears of it by a new hello. */
  private lookAgain(): void {
    this.lookAt = millis(this.ports.clock.now() + lookEvery);
    const before = this.described;
    this.ports
      .describe()
      .then((now) => {
        const isSame =
          JSON.stringify([now.disks, now.nic]) === JSON.stringify([before?.disks, before?.nic]);
        if (isSame || this.task !== null || this.described !== before) return;
        this.described = now;
        this.ports.journal.log("this PC's disks or its link have changed");
        this.link.renew();
        this.draw();
      })
      .catch((error: unknown) => this.ports.journal.log(`hardware not read: ${error}`));
  }

  private power(action: PowerAction): void {
    const { task, ports } = this;
    if (task === null) return ports.power(action);
    this.notice = `${action} refused: this PC is at a ${task.kind}; stop it first`;
    ports.journal.log(this.notice);
    this.draw();
  }

  // --- the screen

  private act(action: MenuAction): void {
    this.lock.used();
    switch (action.action) {
      case "images":
        return this.fetch(
          (files) => files.images(),
          (images) => (this.images = images),
        );
      case "targets":
        this.targets = null;
        return this.fetch(
          (files) => files.targets(action.room),
          (targets) => (this.targets = targets),
        );
      case "restore":
        return this.ask({ action: "restore", image: action.image, disk: action.disk });
      case "capture":
        return this.ask({ action: "capture", name: action.name, disk: action.disk });
      case "cast":
        return this.ask({
          action: "cast",
          room: action.room,
          saveAs: action.saveAs,
          disk: action.disk,
        });
      case "wipe":
        return this.ask({ action: "wipe", method: action.method, disk: action.disk });
      case "check":
        return void this.check();
      case "stop": {
        const { task } = this;
        if (task === null) return;
        this.link.send({ type: "ask", want: { action: "stop", task: task.id } });
        // The server may be out of reach, and the person at the PC is not to wait for it.
        return task.stop("stopped at the PC");
      }
      case "dismiss":
        this.ended = null;
        this.notice = null;
        return this.draw();
      case "unlock":
        return void this.unlock(action.pin);
      case "take-seat":
        return this.ask({ action: "take-seat" });
      case "shell":
        return this.shell();
      case "reboot":
      case "poweroff":
        return this.power(action.action);
      case "boot-disk":
        if (this.task === null) this.link.send({ type: "ask", want: { action: "boot-disk" } });
        // The restart cuts the connection: the wish has to be out before.
        setTimeout(() => this.power("boot-disk"), wishLead);
        return;
    }
  }

  private ask(want: Extract<AgentMessage, { type: "ask" }>["want"]): void {
    const isSent = this.link.send({ type: "ask", want });
    this.notice = isSent ? null : "there is no connection to the server: try again";
    this.draw();
  }

  /** Asks the server for what a page shows. */
  private fetch<T>(ask: (files: ServerFiles) => Promise<T>, take: (answer: T) => void): void {
    ask(this.ports.files(this.abort.signal))
      .then(take)
      .catch((error: unknown) => {
        if (this.abort.signal.aborted) return;
        const next = error instanceof RoomcastError ? `: ${error.next}` : "";
        this.notice = `${error instanceof Error ? error.message : error}${next}`;
      })
      .finally(() => this.draw());
  }

  private async unlock(pin: string): Promise<void> {
    const isRight = await this.lock.unlock(pin);
    this.ports.journal.log(isRight ? "the menu was unlocked" : "a wrong PIN was typed");
    this.notice = isRight ? null : "That was not the room's PIN.";
    this.heedLock();
    this.draw();
  }

  /** The lock falls shut by itself, too. */
  private heedLock(): void {
    const { isLocked } = this.lock;
    if (isLocked === this.wasLocked) return;
    this.wasLocked = isLocked;
    this.ports.lockShell(isLocked);
    this.draw();
  }

  private async check(): Promise<void> {
    if (this.isChecking) return;
    this.isChecking = true;
    this.findings = null;
    try {
      for await (const findings of this.ports.check(this.abort.signal)) {
        this.findings = findings;
        this.draw();
      }
    } catch (error) {
      if (!this.abort.signal.aborted) this.notice = `the network check broke: ${error}`;
    } finally {
      this.isChecking = false;
      this.draw();
    }
  }

  private shell(): void {
    const { menu, ports } = this;
    if (menu === null) return;
    menu.suspend();
    const back = (trouble: string | null): void => {
      this.notice = trouble;
      menu.resume();
      this.draw();
    };
    process.stdout.write("A shell of this PC; `exit` leads back to roomcast.\n");
    ports.journal.log("a shell was opened at the PC");
    const child = spawn("/bin/sh", ["-i"], { stdio: "inherit" });
    child.on("error", (error) => back(`no shell: ${error.message}`));
    child.on("exit", () => back(null));
  }

  private draw(): void {
    const { menu, described } = this;
    if (menu === null || described === null) return;
    menu.show(
      menuView({
        name: this.name,
        room: this.placeName,
        place: this.place,
        mac: described.mac,
        ip: described.ip,
        server: this.ports.server.origin,
        link: this.linkState(),
        detail: this.detail,
        isLocked: this.lock.isLocked,
        disks: described.disks,
        troubles: [...this.versionTroubles(described), ...this.ports.troubles(described.disks)],
        images: this.images,
        targets: this.targets,
        task: this.taskView(),
        hardware: described,
        check: this.findings,
        notice: this.notice,
      }),
    );
  }

  private linkState(): MenuView["server"]["state"] {
    if (this.link.isUp) return "connected";
    if (this.downReason === "other-version") return "other-version";
    return this.name === null ? "searching" : "lost";
  }

  private versionTroubles({ agentVersion }: { readonly agentVersion: string }): string[] {
    const { serverVersion } = this;
    if (serverVersion === null || serverVersion === agentVersion) return [];
    return [
      `The server is roomcast ${serverVersion}, this PC runs ${agentVersion}. ` +
        "Make the boot image anew on the server (make initrd), then restart this PC.",
    ];
  }

  private taskView(): TaskView | null {
    const task = this.task ?? this.ended?.task ?? null;
    if (task === null) return null;
    const progress = task.progress();
    if (progress !== null && progress.phase !== this.meterPhase) {
      this.meter = new Meter();
      this.meterPhase = progress.phase;
    }
    const now = this.ports.clock.now();
    return taskView({
      task,
      progress,
      rateBps: progress === null ? null : this.meter.take(progress.bytesDone, now),
      room: this.roomView,
      end: this.task === null ? (this.ended?.end ?? null) : null,
    });
  }
}
