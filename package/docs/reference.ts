/** The pages of the reference that are made of the code itself: Markdown. */
import type { Option } from "commander";
import fastify from "fastify";
import type { TSchema } from "typebox";
import { exampleLines } from "../../client/cli/examples.ts";
import { localCaller } from "../../server/api/access.ts";
import { labMetrics } from "../../server/api/metrics.ts";
import { type ApiPorts, apiRoutes } from "../../server/api/routes.ts";
import { Config } from "../../server/host/config.ts";
import { optionText, sentence, shownCommands, wholeProgram, withPaths } from "../commands.ts";

export function commandPages(): string {
  const program = wholeProgram();
  const [whole, ...commands] = withPaths(program);
  const called = commands.filter(({ command }) => shownCommands(command).length === 0);
  const sections = called.map(({ path, command }) => {
    const values = command.registeredArguments.map((each) => {
      const name = `${each.name().toUpperCase()}${each.variadic ? "…" : ""}`;
      return each.required ? ` ${name}` : ` [${name}]`;
    });
    const examples = exampleLines(path);
    return [
      `## ${path}\n`,
      `    roomcast ${path}${values.join("")}\n`,
      `${sentence(command.description())}\n`,
      ...options(command.options),
      ...(examples.length === 0 ? [] : ["Examples:\n"]),
      ...(examples.length === 0
        ? []
        : [`${examples.map((each) => `    roomcast ${each}`).join("\n")}\n`]),
    ].join("\n");
  });
  const common = options(whole?.command.options ?? []).join("\n");
  return `# Commands\n\nEvery command takes these options:\n\n${common}\n${sections.join("\n")}`;
}

function options(of: readonly Option[]): string[] {
  if (of.length === 0) return [];
  const rows = of.map((option) => [`\`${option.flags}\``, optionText(option)]);
  return [table(["option", "what it does"], rows)];
}

/** Every key of the configuration file, with what it may be. */
export function configurationPage(): string {
  const rows = keysOf(Config).map(([key, kind]) => [`\`${key}\``, kind]);
  return `# Keys of the configuration\n\nAll are optional. [configuration.md](../configuration.md) explains them.\n\n${table(["key", "value"], rows)}`;
}

interface AnySchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly AnySchema[];
  readonly items?: AnySchema;
  readonly properties?: Readonly<Record<string, AnySchema>>;
  readonly patternProperties?: Readonly<Record<string, AnySchema>>;
  readonly minimum?: number;
  readonly maximum?: number;
}

function keysOf(schema: TSchema, before = ""): [key: string, kind: string][] {
  const { properties = {} } = schema as AnySchema;
  return Object.entries(properties).flatMap(([name, each]): [string, string][] => {
    const key = `${before}${name}`;
    if (each.properties !== undefined) return keysOf(each as TSchema, `${key}.`);
    if (each.items?.properties !== undefined) return keysOf(each.items as TSchema, `${key}[].`);
    return [[key, kindOf(each)]];
  });
}

function kindOf({
  type,
  const: only,
  anyOf,
  items,
  patternProperties,
  ...limits
}: AnySchema): string {
  if (only !== undefined) return `\`${String(only)}\``;
  if (anyOf !== undefined) return anyOf.map(kindOf).join(" or ");
  if (items !== undefined) return `list of ${kindOf(items)}`;
  if (patternProperties !== undefined) return "table";
  const { minimum, maximum } = limits;
  const range = [
    ...(minimum === undefined ? [] : [`from ${minimum}`]),
    ...(maximum === undefined ? [] : [`to ${maximum}`]),
  ];
  return [type ?? "anything", ...range].join(" ");
}

/** The calls of the API: method, path, what it does, and who may call it. */
export async function apiPage(): Promise<string> {
  const app = fastify();
  await app.register(import("@fastify/websocket"));
  // Only what the routes declare is asked of them; nobody calls one.
  await app.register(apiRoutes(nothing as ApiPorts, localCaller), { prefix: "/api/v1" });
  const answer = await app.inject("/api/v1/openapi.json");
  await app.close();
  const { paths } = answer.json<{ paths: Record<string, Record<string, Call>> }>();
  const rows = Object.entries(paths).flatMap(([path, calls]) =>
    Object.entries(calls).map(([method, { summary, description }]) => [
      `\`${method.toUpperCase()} ${path}\``,
      sentence(`${summary ?? ""}`),
      description ?? "",
    ]),
  );
  return `# Calls of the API\n\nThe server's \`/api/v1/openapi.json\` has their fields and answers. [api.md](../api.md) says how to call them.\n\n${table(["call", "what it does", "who may"], rows)}`;
}

interface Call {
  readonly summary?: string;
  readonly description?: string;
}

export function metricsPage(): string {
  const rows = labMetrics(nothing as ApiPorts)
    .getMetricsAsArray()
    .map(({ name, help, type }) => [`\`${name}\``, String(type), sentence(help)]);
  return `# Metrics\n\nAt \`/metrics\`, for Prometheus: bytes and seconds.\n\n${table(["metric", "type", "what it says"], rows)}`;
}

/** Stands for what routes hold on to until they are called. A promise it is not. */
const nothing: unknown = new Proxy(() => {}, {
  get: (_, name) => (name === "then" || typeof name === "symbol" ? undefined : nothing),
  apply: () => nothing,
});

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n")
    .concat("\n");
