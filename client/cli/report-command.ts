import type { Command } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { resultTable, sentence } from "../../core/screen/report.ts";
import { printableLines } from "../../core/units/printable.ts";
import type { HistoryEvent } from "../../core/wire/api.ts";
import type { SessionView } from "../../core/wire/views.ts";
import { certificateText, checkFile, writePages } from "./certificate.ts";
import type { CliContext, GlobalOptions, RunCommand } from "./context.ts";
import { reportCsv, reportHtml } from "./report.ts";
import { choice } from "./session.ts";

interface ReportOptions {
  readonly format: string;
  readonly pages?: string;
}

/** `report S`, and `report check FILE`: a session is never called check, its id is s and a number. */
export function addReportCommands(program: Command, run: RunCommand): void {
  const report = program
    .command("report <S>")
    .description("prints the result of a session, PC by PC")
    .addOption(
      choice(
        "--format <FORMAT>",
        "the form of the report; a certificate is JSON that the server signs",
        ["table", "json", "csv", "html", "certificate"],
        "table",
      ),
    )
    .option("--pages <FILE>", "with a certificate: writes HTML that prints a page for each PC")
    .action((id: string, options: ReportOptions) =>
      run(async (context) => {
        process.stdout.write(await reportText(context, id, options));
        return 0;
      }),
    );

  report
    .command("check <FILE>")
    .description("says what a certificate proves: 0 if it is genuine, 5 if not; needs no server")
    .option(
      "--key <KEY>",
      "the key that must have signed it, as `roomcast trust show` has it: sha256:…",
    )
    .action((file: string, { key }: { key?: string }) => {
      const isNamed = program.opts<GlobalOptions>().server !== undefined;
      return run((context) => checkFile(context, file, { key, isNamed }));
    });
}

async function reportText(
  { client, json }: CliContext,
  id: string,
  { format, pages }: ReportOptions,
): Promise<string> {
  if (pages !== undefined && format !== "certificate")
    throw new RoomcastError("usage", "--pages is for certificates", "add --format certificate");
  if (format === "certificate") {
    const text = await certificateText(client, id);
    if (pages !== undefined) await writePages(pages, text);
    return text;
  }
  const found = await client.get<SessionView>(`/sessions/${encodeURIComponent(id)}`);
  if (json || format === "json") return `${JSON.stringify(found)}\n`;
  if (format === "csv") return `${reportCsv(found)}\n`;
  if (format === "html") {
    const query = `?session=${encodeURIComponent(id)}&limit=10000`;
    return `${reportHtml(found, await client.get<HistoryEvent[]>(`/history${query}`))}\n`;
  }
  return `${printableLines([...resultTable(found), "", sentence(found)].join("\n"))}\n`;
}
