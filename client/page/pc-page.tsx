/** The page of one PC: its hardware, its part in the latest session, its screen and log, and a shell. */
import { useState } from "preact/hooks";
import { memberBootText } from "../../core/screen/boots.ts";
import { diskIdentity } from "../../core/screen/disk.ts";
import { identityLines } from "../../core/screen/identity.ts";
import { isRunning, type Part, stateOf } from "../../core/screen/pc-state.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import { bytesDone } from "../../core/screen/report.ts";
import type { DiskView, PcView } from "../../core/wire/views.ts";
import { type Act, actOn, acts } from "./acts.ts";
import { useApp } from "./app.ts";
import { LookAt } from "./look.tsx";
import { sessionTitle } from "./room-view.ts";
import { hrefOf } from "./route.ts";
import { useSeat } from "./seat.tsx";
import { Shell } from "./shell.tsx";
import { Bar, Button, Facts, ShapeIcon, Table, Title } from "./ui.tsx";
import { byteRate, dateTime, loss, number, percent, size, speech, t, told } from "./words.ts";

type Look = "screen" | "log" | "shell";

export function PcPage({ id }: { id: string }) {
  const app = useApp();
  const { store, mayOperate } = app;
  const [look, setLook] = useState<Look | null>(null);
  const pc = store.pcs.get(id);
  const part = store.parts.get(id);
  if (pc === undefined) {
    return (
      <main>
        <Title>{t("pc")}</Title>
        <p>{store.isComplete.value ? t("gone.pc") : t("loading")}</p>
      </main>
    );
  }
  const toggle = (kind: Look) => () => setLook(look === kind ? null : kind);
  return (
    <main class="pc-page">
      <p class="crumbs">
        <a href={hrefOf({ page: "wall", room: pc.room })}>{pc.room}</a>
        {pc.seat === null ? null : <span>{t("seat.name", { seat: pc.seat })}</span>}
      </p>
      <Title>{pc.name}</Title>
      <StateLine id={id} />
      {mayOperate.value ? <PcActs pc={pc} part={part} /> : null}
      <div class="toolbar">
        <Button aria-pressed={look === "screen"} onClick={toggle("screen")}>
          {t("look.screen")}
        </Button>
        <Button aria-pressed={look === "log"} onClick={toggle("log")}>
          {t("look.log")}
        </Button>
        {mayOperate.value ? (
          <Button aria-pressed={look === "shell"} onClick={toggle("shell")}>
            {t("look.shell")}
          </Button>
        ) : null}
        <a class="button" href={hrefOf({ page: "history", of: "pc", id })}>
          {t("history")}
        </a>
      </div>
      {look === "shell" ? <Shell id={id} name={pc.name} onEnd={() => setLook(null)} /> : null}
      {look === "screen" || look === "log" ? <LookAt key={look} id={id} what={look} /> : null}
      <div class="columns">
        <section>
          <h2>{t("hardware")}</h2>
          <Hardware pc={pc} />
        </section>
        <section>
          <h2>{t("session")}</h2>
          {part === undefined ? <p>{t("pc.noSession")}</p> : <PartFacts part={part} />}
        </section>
      </div>
      <section>
        <h2>{t("disks")}</h2>
        {pc.disks.length === 0 ? <p>{t("disks.none")}</p> : <Disks disks={pc.disks} />}
      </section>
    </main>
  );
}

function StateLine({ id }: { id: string }) {
  const seat = useSeat(id);
  if (seat === null) return null;
  const { shape, word, fraction, rate, wrong } = seat;
  return (
    <div class="state-line">
      <span class={`state ${shape}`}>
        <ShapeIcon shape={shape} /> <span class="word">{word}</span>{" "}
        <span class="percent">{seat.percent}</span> {rate}
      </span>
      {fraction === null ? null : <Bar fraction={fraction} label={word} />}
      {wrong === null ? null : <p class="wrong">{wrong}</p>}
    </div>
  );
}

function PcActs({ pc, part }: { pc: PcView; part: Part | undefined }) {
  const app = useApp();
  const act = (what: Act) => () => actOn(app, what, pc);
  const isPart = part !== undefined && isRunning(part.session);
  const state = pc.identity?.state ?? null;
  return (
    <div class="toolbar" role="toolbar" aria-label={t("toolbar")}>
      <Button kind="main" onClick={act(acts.restore)}>
        {t("restore")}…
      </Button>
      <Button onClick={act(acts.capture)}>{t("capture")}…</Button>
      <Button onClick={act(acts.cast)}>{t("cast")}…</Button>
      {pc.state === "offline" ? <Button onClick={act(acts.wake)}>{t("power.wake")}…</Button> : null}
      {pc.state === "offline" ? null : (
        <>
          <Button onClick={act(acts.reboot)}>{t("power.reboot")}…</Button>
          <Button onClick={act(acts.poweroff)}>{t("power.poweroff")}…</Button>
          <Button onClick={act(acts.bootDisk)}>{t("power.boot-disk")}…</Button>
        </>
      )}
      {isPart && part.member.result === "pending" ? (
        <Button kind="danger" onClick={act(acts.drop)}>
          {t("drop")}…
        </Button>
      ) : null}
      {isPart && part.member.result !== "pending" ? (
        <Button onClick={act(acts.letIn)}>{t("letIn")}…</Button>
      ) : null}
      <Button onClick={act(acts.edit)}>{t("edit")}…</Button>
      {pc.doubt === null ? null : <Button onClick={act(acts.identify)}>{t("identify")}…</Button>}
      {state === "placed" || state === null ? null : (
        <Button onClick={act(acts.admit)}>{t("admit")}…</Button>
      )}
      {state === "placed" ? (
        <Button kind="danger" onClick={act(acts.revoke)}>
          {t("revoke")}…
        </Button>
      ) : null}
      <Button kind="danger" onClick={act(acts.wipe)}>
        {t("wipe")}…
      </Button>
      <Button kind="danger" onClick={act(acts.forget)}>
        {t("forget")}…
      </Button>
    </div>
  );
}

const unknown = (): string => t("unknown");

function Hardware({ pc }: { pc: PcView }) {
  const secure =
    pc.secureBoot === null ? unknown() : pc.secureBoot ? t("choice.on") : t("choice.off");
  const link =
    pc.nic.speedMbps === null ? unknown() : t("mbit", { speed: number(pc.nic.speedMbps) });
  const [key, ...keyMore] = identityLines(pc, speech());
  return (
    <Facts
      rows={[
        [t("address"), pc.ip ?? t("none")],
        pc.address === null ? null : [t("field.address"), pc.address],
        ["MAC", pc.macs.length === 0 ? pc.mac : pc.macs.join(" ")],
        [
          t("pc.key"),
          <>
            {key}
            {keyMore.map((line) => (
              <small key={line}>{line}</small>
            ))}
          </>,
        ],
        [
          t("pc.firmware"),
          pc.firmware === null ? unknown() : `${pc.firmware.toUpperCase()}, Secure Boot: ${secure}`,
        ],
        [t("pc.memory"), pc.memoryBytes === null ? unknown() : size(pc.memoryBytes)],
        [t("pc.network"), `${pc.nic.driver ?? unknown()}, ${link}`],
        [t("pc.agent"), pc.agentVersion ?? unknown()],
        [t("pc.lastSeen"), pc.lastSeen === null ? t("never") : dateTime(pc.lastSeen)],
        ["Id", pc.id],
        ...Object.entries(pc.fields).map(([name, value]) => [name, value] as const),
      ]}
    />
  );
}

const Disks = ({ disks }: { disks: readonly DiskView[] }) => (
  <Table
    label={t("disks")}
    head={[
      t("disk"),
      t("size"),
      t("disk.model"),
      t("disk.serial"),
      t("disk.bus"),
      t("disk.health"),
    ]}
  >
    {disks.map((disk) => (
      <tr key={disk.path}>
        <th scope="row">{disk.path}</th>
        <td>{size(disk.size)}</td>
        <td>{disk.model ?? unknown()}</td>
        <td>{disk.serial ?? unknown()}</td>
        <td>{[disk.transport, disk.protection].filter((part) => part !== null).join(", ")}</td>
        <td>{disk.health ?? unknown()}</td>
      </tr>
    ))}
  </Table>
);

function PartFacts({ part: { session, member } }: { part: Part }) {
  const { store } = useApp();
  const { bytesWanted, lossRatio, writeBps, boot, disk } = member;
  const fraction = memberFraction(member);
  const title = sessionTitle(store, session);
  const done = bytesDone(member, session.kind);
  const pc = store.pcs.get(member.pc);
  return (
    <Facts
      rows={[
        [t("session"), <a href={hrefOf({ page: "session", id: session.id })}>{title}</a>],
        [t("state"), t(`session.${session.state}`)],
        [
          t("result"),
          pc === undefined ? member.result : t(`word.${stateOf(pc, { session, member }).word}`),
        ],
        fraction === null ? null : [t("progress"), percent(fraction)],
        writeBps === null ? null : [t("rate"), byteRate(writeBps)],
        [
          t("data"),
          bytesWanted === null ? size(done) : t("of", { some: size(done), all: size(bytesWanted) }),
        ],
        lossRatio === null ? null : [t("loss"), loss(lossRatio)],
        boot === null
          ? null
          : [t("bar.cameUp"), `${memberBootText(member, speech())} ${told(boot.evidence ?? "")}`],
        member.reason === null ? null : [t("reason"), told(member.reason)],
        disk === null ? null : [t("disk"), diskIdentity(disk)],
        ...member.steps.map(({ name, result, detail }) => [name, `${result}. ${detail}`] as const),
        member.rootHash === null ? null : [t("rootHash"), <code>{member.rootHash}</code>],
      ]}
    />
  );
}
