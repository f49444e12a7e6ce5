/**
 * A certificate of a session that is over, as the server signs it: which disks became what, PC by PC. It is
 * a file for years, checked by whoever has it: a field that has another meaning is another version.
 */
import { type Static, Type } from "typebox";
import { base64Of } from "./base64.ts";
import { text } from "./fields.ts";
import { nullable } from "./nullable.ts";
import { StepView } from "./views.ts";
import { WipeRecord } from "./wipe.ts";

export const certificateFormat = "roomcast-certificate";
export const certificateVersion = 1;
/** Characters of a certificate: 10,000 PCs with a dozen changed files each take some 20 million. */
export const certificateLimit = 64 * 1024 * 1024;

/** What is not in the schema is not what was meant to be signed. */
const closed = { additionalProperties: false } as const;

const CertifiedDisk = Type.Object(
  {
    model: nullable(text()),
    serial: nullable(text()),
    wwn: nullable(text()),
    size: Type.Integer({ minimum: 0 }),
  },
  closed,
);

/** Whether the PC's own system was seen to come up, and by what. */
const CertifiedBoot = Type.Object(
  {
    state: Type.Union([Type.Literal("pending"), Type.Literal("up"), Type.Literal("missing")]),
    seconds: nullable(Type.Number()),
    name: nullable(text()),
    system: nullable(text()),
    evidence: nullable(text(1024)),
  },
  closed,
);
export type CertifiedBoot = Static<typeof CertifiedBoot>;

const CertifiedPc = Type.Object(
  {
    id: text(),
    name: text(),
    /** Where it was when the certificate was made; null: it is not in the inventory any more. */
    room: nullable(text()),
    seat: nullable(text()),
    macs: Type.Array(text(64), { maxItems: 256 }),
    disk: nullable(CertifiedDisk),
    /** `done`: a wipe that nothing was read back of. */
    result: Type.Union([
      Type.Literal("verified"),
      Type.Literal("done"),
      Type.Literal("failed"),
      Type.Literal("stopped"),
    ]),
    reason: nullable(text(4096)),
    startedAt: nullable(text(64)),
    endedAt: nullable(text(64)),
    /** Of what was read back from the disk, with `read-back`. */
    rootHash: nullable(text(64)),
    /** What was changed on the disk after that. */
    steps: Type.Array(Type.Object({ ...StepView.properties }, closed), { maxItems: 256 }),
    boot: nullable(CertifiedBoot),
    /** What a wipe did. */
    wipe: nullable(WipeRecord),
  },
  closed,
);
export type CertifiedPc = Static<typeof CertifiedPc>;

export const Certificate = Type.Object(
  {
    format: Type.Literal(certificateFormat),
    formatVersion: Type.Literal(certificateVersion),
    kind: Type.Union([Type.Literal("restore"), Type.Literal("cast"), Type.Literal("wipe")]),
    serverVersion: text(64),
    issuedAt: text(64),
    session: Type.Object(
      { id: text(64), room: nullable(text()), startedAt: text(64), endedAt: text(64) },
      closed,
    ),
    /** The operator; null: this was not written down when it was ordered. */
    orderedBy: nullable(text()),
    /** NAME@VERSION, and the root hash that every verified PC has. */
    image: nullable(Type.Object({ name: text(), rootHash: nullable(text(64)) }, closed)),
    /** null: of a wipe. */
    verify: nullable(Type.Union([Type.Literal("read-back"), Type.Literal("written")])),
    pcs: Type.Array(CertifiedPc, { maxItems: 10_000 }),
  },
  closed,
);
export type Certificate = Static<typeof Certificate>;

/** The file: the signature is over the document's canonical JSON in UTF-8. */
export const SignedCertificate = Type.Object(
  {
    document: Certificate,
    signature: Type.Object(
      {
        algorithm: Type.Literal("ed25519"),
        /** SubjectPublicKeyInfo (RFC 8410), in DER. */
        key: base64Of(44),
        value: base64Of(64),
      },
      closed,
    ),
  },
  closed,
);
export type SignedCertificate = Static<typeof SignedCertificate>;
