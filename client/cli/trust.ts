import type { Command } from "commander";
import type { TrustView } from "../../core/wire/api.ts";
import type { RunCommand } from "./context.ts";

export function addTrustCommands(program: Command, run: RunCommand): void {
  const trust = program
    .command("trust")
    .description("shows and renews the key by which PCs and operators know the server");

  trust
    .command("show")
    .description("shows the key, to be compared with what a PC or another host shows")
    .action(() =>
      run(async ({ client, say, document }) => {
        const view = await client.get<TrustView>("/trust");
        document(view);
        for (const line of shown(view)) say(line);
        return 0;
      }),
    );

  trust
    .command("rotate")
    .description(
      "makes the server's next key, of which connected PCs hear at once and others when they start; with --finish it takes the present key's place",
    )
    .option(
      "--finish",
      "lets the next key take the present key's place, and makes a new key for certificates",
    )
    .action(({ finish }: { finish?: boolean }) =>
      run(async ({ client, say, document }) => {
        const path = finish === true ? "/trust/finish" : "/trust/rotate";
        const view = await client.post<TrustView>(path);
        document(view);
        for (const line of shown(view)) say(line);
        for (const line of finish === true ? afterFinish(view) : afterRotate(view)) say(line);
        return 0;
      }),
    );
}

const shown = ({ gate, key, since, next, signing }: TrustView): string[] => [
  `Gate  ${gate}`,
  `Key   ${key}  (since ${since})`,
  ...(next === null ? [] : [`Next  ${next.key}  (since ${next.since})`]),
  `Certificates are signed by  ${signing.key}  (since ${signing.since})`,
  ...signing.earlier.map((each) => `Earlier ones were signed by ${each}`),
  ...signing.campus.map(({ server, key: other }) => `Those of ${server} are signed by ${other}`),
];

const names = (pcs: readonly string[]): string => (pcs.length === 0 ? "none" : pcs.join(", "));

const afterRotate = ({ told, away }: TrustView): string[] => [
  "",
  `Connected PCs, which know both keys now: ${names(told)}`,
  `Others, which learn of it when they connect or start: ${names(away)}`,
  "Give --pin KEY of both keys to operators' hosts and to agents that were started with --pin.",
  "Then let it take its place: roomcast trust rotate --finish",
];

const afterFinish = ({ away }: TrustView): string[] => [
  "",
  `PCs that are not connected: ${names(away)}`,
  "If one of these is running and says that this is the wrong server, restart it.",
];
