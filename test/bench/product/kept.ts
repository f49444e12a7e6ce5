/** The results that are kept: rows of earlier runs stay until they are measured again. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { productPlotOf } from "./plot.ts";
import { productRows, rowText } from "./rows.ts";
import { type ProductResult, resultText, tableHead, tableNotes } from "./table.ts";

export class KeptResults {
  private readonly folder: string;
  /** By row. */
  private readonly results: Map<string, ProductResult>;

  private constructor(folder: string, results: readonly ProductResult[]) {
    this.folder = folder;
    this.results = new Map(results.map((result) => [rowText(result.row), result]));
  }

  /** Reads what there is. */
  static async open(folder: string): Promise<KeptResults> {
    await mkdir(folder, { recursive: true });
    const text = await readFile(join(folder, "product.json"), "utf8").catch(() => "[]");
    return new KeptResults(folder, JSON.parse(text));
  }

  /** Writes figures, table and plot anew with this row. */
  async keep(result: ProductResult): Promise<void> {
    this.results.set(rowText(result.row), result);
    const all = productRows.flatMap((row) => this.results.get(rowText(row)) ?? []);
    const lines = [tableHead(), ...all.map(resultText), "", ...tableNotes, ""];
    const taken = [...new Set(all.map((each) => each.taken))];
    const write = (name: string, text: string) => writeFile(join(this.folder, name), text);
    await write("product.json", `${JSON.stringify(all, null, 1)}\n`);
    await write("product.txt", `${[...lines, ...taken].join("\n")}\n`);
    await write("product.svg", productPlotOf(all));
  }
}
