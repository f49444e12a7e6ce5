/** The fields of a manifest, for `core/image/manifest.ts`; what they mean is told by `core/image/types.ts`. */
import { Type } from "typebox";
import { chunkBytes } from "../units/units.ts";
import { FitSize } from "./fit-size.ts";
import { nullable } from "./nullable.ts";

const text = (maxLength: number) => Type.String({ maxLength });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** A field that is not known is refused: the format has a version. */
const closed = { additionalProperties: false };

const Partition = Type.Object(
  {
    index: count,
    type: text(64),
    fs: nullable(text(64)),
    label: nullable(text(256)),
    uuid: nullable(text(64)),
    start: count,
    size: count,
    usedBytes: count,
    mode: Type.Union([Type.Literal("used"), Type.Literal("raw"), Type.Literal("skipped")]),
  },
  closed,
);

/** A manifest without id, name, version, time and stored size. */
export const ManifestDraftFields = Type.Object(
  {
    format: Type.Literal("roomcast-image"),
    formatVersion: Type.Union([Type.Literal(1), Type.Literal(2), Type.Literal(3)]),
    source: text(1024),
    diskBytes: count,
    logicalSector: Type.Union([
      Type.Literal(512),
      Type.Literal(1024),
      Type.Literal(2048),
      Type.Literal(4096),
    ]),
    chunkBytes: Type.Literal(chunkBytes),
    chunkCount: count,
    usedBytes: count,
    partitionTable: Type.Union([Type.Literal("gpt"), Type.Literal("mbr"), Type.Literal("none")]),
    partitions: Type.Array(Partition, { maxItems: 1024 }),
    rootHash: Type.String({ pattern: "^[0-9a-f]{64}$", description: "64 hexadecimal digits" }),
    warnings: Type.Array(text(4096), { maxItems: 1024 }),
  },
  closed,
);

const imageId = Type.String({ pattern: "^[0-9a-f]{16}$", description: "16 hexadecimal digits" });

export const ManifestFields = Type.Object(
  {
    ...ManifestDraftFields.properties,
    id: imageId,
    // Not `ImageName`: what a store let in once can be read for ever. New names are checked before.
    name: Type.String({ minLength: 1, maxLength: 64 }),
    version: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    capturedAt: Type.String({
      pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$",
      description: "ISO 8601, UTC",
    }),
    storedBytes: count,
    fitOf: Type.Optional(imageId),
    fitSize: Type.Optional(FitSize),
  },
  closed,
);
