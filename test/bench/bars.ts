/** A plot of bars, as SVG: rows of them, one bar for each of those that are compared. */
export interface BarPlot {
  readonly title: string;
  /** What a bar's length is. */
  readonly note: string;
  readonly series: readonly { readonly name: string; readonly colour: string }[];
  readonly rows: readonly {
    readonly label: string;
    /** In the order of the series; 0…1 of the room that there is, and what stands behind it. */
    readonly bars: readonly { readonly length: number; readonly value: string }[];
  }[];
}

const width = 900;
const barHeight = 11;
const labelWidth = 250;
const valueWidth = 130;
const top = 56;
const legendWidth = 110;

export function barsOf({ title, note, series, rows }: BarPlot): string {
  const rowHeight = barHeight * series.length + 9;
  const height = top + rows.length * rowHeight + 10;
  const span = width - labelWidth - valueWidth;
  const parts = rows.flatMap(({ label, bars }, index) => {
    const y = top + index * rowHeight;
    const middle = y + (barHeight * (series.length + 1)) / 2 - 2;
    return [
      text(labelWidth - 8, middle, label, "end", 11),
      ...bars.flatMap(({ length, value }, place) => {
        const long = Math.round(length * span);
        const at = y + place * barHeight;
        return [
          `<rect x="${labelWidth}" y="${at}" width="${long}" height="${barHeight - 1}" fill="${series[place]?.colour}"/>`,
          text(labelWidth + long + 4, at + barHeight - 2, value, "start", 10),
        ];
      }),
    ];
  });
  const legend = series.flatMap(({ name, colour }, place) => [
    `<rect x="${labelWidth + place * legendWidth}" y="32" width="12" height="12" fill="${colour}"/>`,
    text(labelWidth + place * legendWidth + 17, 42, name, "start", 12),
  ]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(labelWidth, 20, title, "start", 13),
    text(labelWidth + series.length * legendWidth + 10, 42, note, "start", 12),
    ...legend,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

const text = (x: number, y: number, value: string, anchor: string, size: number): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}" fill="#222222">${value}</text>`;
