/** `roomcast setup`: from the installed package to a server that serves. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { dataFolder as usualData } from "../../core/node/command-line.ts";
import type { DoctorView, TrustView } from "../../core/wire/api.ts";
import type { Language } from "../../core/wire/language.ts";
import { languages } from "../../core/words/languages.ts";
import type { CliContext, RunCommand } from "./context.ts";
import { findings, sayFinding } from "./doctor.ts";
import { setupHere } from "./host.ts";
import { choice } from "./session.ts";

const modes = ["auto", "server", "proxy", "off"] as const;
type Mode = (typeof modes)[number];

interface SetupOptions {
  readonly interface?: string;
  readonly dhcp?: Mode;
  readonly range?: string;
  readonly language?: Language;
  readonly config: string;
  readonly replace: boolean;
  readonly dryRun: boolean;
}

/** Where the service of the package looks for it. */
const usualFile = "/etc/roomcast/roomcast.toml";

export function addSetupCommand(program: Command, run: RunCommand): void {
  program
    .command("setup")
    .description(
      "sets the server up on this host: writes its configuration, and starts its service",
    )
    .option("--interface <IF>", "the interface of the lab network")
    .addOption(choice("--dhcp <MODE>", "as for `serve`; auto is suggested", [...modes], undefined))
    .option(
      "--range <FIRST-LAST>",
      "the addresses to lease; suggested: the upper half of the subnet",
    )
    .addOption(
      choice(
        "--language <L>",
        "the language of the PCs' screens; English where it is not given",
        Object.keys(languages),
        undefined,
      ),
    )
    .option(
      "--replace",
      "write the configuration anew, and keep the present one as FILE.old",
      false,
    )
    .option("--dry-run", "only say what would be done", false)
    .action((options: Omit<SetupOptions, "config">) =>
      run(
        (context) =>
          setup(options.dryRun ? unasked(context) : context, { ...options, config: usualFile }),
        { isLocal: true },
      ),
    );
}

/** To say what would be done, what is suggested will do. */
const unasked = (context: CliContext): CliContext => ({
  ...context,
  ask: async (question, suggested) => suggested ?? context.ask(question, null),
});

async function setup(context: CliContext, options: SetupOptions): Promise<number> {
  const { say, document } = context;
  requireHere(context, options);
  const here = await setupHere();
  if (!options.dryRun) here.requireService();
  const isKept = existsSync(options.config) && !options.replace;
  if (isKept) requireNothingChosen(options);
  const chosen = isKept ? await here.chosenIn(options.config) : await choose(context, options);
  const found = await look(context, chosen.interface);
  const plan = [
    isKept
      ? `keep ${options.config}, which is there: interface ${chosen.interface}, DHCP ${chosen.dhcp}`
      : `write ${options.config}: interface ${chosen.interface}, DHCP ${chosen.dhcp}${chosen.range === null ? "" : `, leases ${chosen.range}`}${chosen.language === null ? "" : `, language ${chosen.language}`}`,
    "enable roomcast.service, which starts the server now and with this host",
  ];
  say("roomcast setup will:");
  for (const line of plan) say(`  ${line}`);
  if (options.dryRun) {
    document({ dryRun: true, ...chosen, plan, findings: found.findings });
    return 0;
  }
  requireStartable(found);
  const answer = await context.ask("Go on (yes or no)?", "yes");
  if (!/^y/i.test(answer))
    throw new RoomcastError(
      "refused",
      "it was not confirmed, and nothing was changed",
      "answer yes",
    );
  if (!isKept) await here.writeConfiguration(options.config, here.configurationText(chosen));
  await here.startService();
  const { gate, key } = await context.client.get<TrustView>("/trust");
  document({ ...chosen, gate, key, findings: found.findings });
  for (const line of nextLines({ gate, key })) say(line);
  return 0;
}

function requireHere({ dataFolder }: CliContext, { dryRun }: SetupOptions): void {
  if (dataFolder !== usualData({})) {
    throw new RoomcastError(
      "usage",
      `the service keeps its data in ${usualData({})}, not in ${dataFolder}`,
      "leave --data away; docs/install.md says how the service takes another folder",
    );
  }
  if (dryRun || process.getuid?.() === 0) return;
  const what = "setting the server up writes to /etc and starts a service, which root alone may do";
  throw new RoomcastError("refused", what, "run it as root, or see what it would do: --dry-run");
}

function requireNothingChosen({ config, ...options }: SetupOptions): void {
  const { interface: name, dhcp, range, language } = options;
  if ([name, dhcp, range, language].every((given) => given === undefined)) return;
  throw new RoomcastError(
    "refused",
    `${config} is there already, and would be overwritten`,
    "change it and run `systemctl restart roomcast`, or add --replace",
  );
}

interface Chosen {
  readonly interface: string;
  readonly dhcp: Mode;
  readonly range: string | null;
  readonly language: Language | null;
}

async function choose(context: CliContext, options: SetupOptions): Promise<Chosen> {
  const { ask, say } = context;
  const here = await setupHere();
  const all = here.hostInterfaces();
  for (const { name, cidr, isDefaultRoute, isWireless } of all) {
    const notes = [isWireless && "wireless", isDefaultRoute && "leads to the rest of the network"];
    say(`  ${[name, cidr ?? "has no IPv4 address", ...notes.filter(Boolean)].join(", ")}`);
  }
  const suggested = here.suggestedInterface(all)?.name ?? null;
  const name = options.interface ?? (await ask("Which interface is the lab on?", suggested));
  const { cidr } = here.requireInterface(all, name);
  const dhcp =
    options.dhcp ??
    modeOf(
      await ask("DHCP: auto, server, proxy or off (`roomcast serve --help` explains)?", "auto"),
    );
  const { language = null } = options;
  if (dhcp === "proxy" || dhcp === "off") return { interface: name, dhcp, range: null, language };
  const usual = here.usualRange(cidr);
  const range = options.range ?? (await ask("Which addresses may the server lease?", usual));
  return { interface: name, dhcp, range: here.requireRange(range, cidr), language };
}

function modeOf(text: string): Mode {
  const found = modes.find((mode) => mode === text);
  if (found !== undefined) return found;
  throw new RoomcastError("usage", `${text} is no DHCP mode`, `use one of ${modes.join(", ")}`);
}

/** What `doctor` finds, shown where it is not well. */
async function look(context: CliContext, interfaceName: string): Promise<DoctorView> {
  const view = await findings(context, { interface: interfaceName, isHere: true });
  for (const finding of view.findings) if (finding.level !== "ok") sayFinding(finding, context.say);
  return view;
}

/** A port that somebody has keeps the server from starting; what else is found can be mended later. */
function requireStartable({ findings: all }: DoctorView): void {
  const taken = all.filter(({ check, level }) => check === "ports" && level === "problem");
  if (taken.length === 0) return;
  throw new RoomcastError(
    "refused",
    taken.map(({ text }) => text).join("; "),
    `${[...new Set(taken.map(({ mend }) => mend))].join("; ")}; then run \`roomcast setup\` again`,
  );
}

const nextLines = ({ gate, key }: Pick<TrustView, "gate" | "key">): string[] => [
  "",
  `The server is ready.  Page   ${gate}`,
  `                      Key    ${key}`,
  "",
  "Next:",
  "  1. Set the PCs to start from the network first, and switch them on.",
  "  2. roomcast console              shows them as they come",
  "  3. roomcast capture PC NAME --wait   takes the image of one that is set up",
  "  4. roomcast restore NAME --room R    gives it to the others of room R",
  "man roomcast has the rest; roomcast doctor says what stands in the way.",
];
