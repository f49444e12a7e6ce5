/** What is shared in the campus's list, each as text and back. What cannot be read whole counts for nothing: it may say less than this roomcast would read. */
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { readPublicKeys } from "../../core/node/openssh.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import { Role } from "../../core/wire/api.ts";
import { KeyName, OperatorName } from "../../core/wire/names.ts";
import type { OperatorRecord, SshKeyRecord } from "../state/records.ts";

export interface SharedKind<R> {
  readonly kind: string;
  /** For a person: `the operator ann`. */
  called(name: string): string;
  /** What tells a record from an earlier one of its name. */
  since(record: R): string;
  encode(record: R): string;
  /** Null: it is not a record of this kind, or of a newer roomcast. */
  decode(text: string): R | null;
}

const closed = { additionalProperties: false } as const;
const hex = (bytes: number) => Type.String({ pattern: `^[0-9a-f]{${2 * bytes}}$` });
const Time = Type.String({ pattern: "^[0-9TZ:.+-]{1,40}$" });
const Text = Type.String({ maxLength: 4096 });
const Salted = { salt: hex(16), hash: hex(32) };

const Operator = Type.Object(
  {
    ...{ name: OperatorName, role: Role, createdAt: Time },
    ...{ salt: Type.Optional(Salted.salt), hash: Type.Optional(Salted.hash) },
    password: Type.Optional(Type.Object(Salted, closed)),
    provider: Type.Optional(Type.Object({ issuer: Text, subject: Text }, closed)),
  },
  closed,
);
const SshKey = Type.Object(
  { name: KeyName, lines: Type.Array(Text, { minItems: 1 }), by: Text, addedAt: Time },
  closed,
);
const Signer = Type.Object(
  {
    /** `sha256:…` of the public key. */
    name: Type.String({ pattern: "^sha256:[A-Za-z0-9+/]{43}=$" }),
    server: Type.String({ maxLength: 63 }),
  },
  closed,
);
/** A key that signs certificates, or did. */
export type SignerRecord = Static<typeof Signer>;

export const isSigner = (value: unknown): value is SignerRecord => Value.Check(Signer, value);

/** When an operator was last seen is each server's own. */
export const operatorKind: SharedKind<OperatorRecord> = {
  kind: "operator",
  called: (name) => `the operator ${name}`,
  since: ({ createdAt }) => createdAt,
  encode: ({ lastSeen: _, ...record }) => canonicalJson(record),
  decode(text) {
    const record = parsed(Operator, text);
    return record === null ? null : ({ ...record, lastSeen: null } as OperatorRecord);
  },
};

export const sshKeyKind: SharedKind<SshKeyRecord> = {
  kind: "ssh-key",
  called: (name) => `the SSH key ${name}`,
  since: ({ addedAt }) => addedAt,
  encode: canonicalJson,
  decode(text) {
    const record = parsed(SshKey, text);
    if (record === null) return null;
    const keys = readPublicKeys(record.lines.join("\n"));
    const lines = keys.ok ? keys.value.map((key) => key.text) : [];
    return canonicalJson(lines) === canonicalJson(record.lines) ? record : null;
  },
};

export const signerKind: SharedKind<SignerRecord> = {
  kind: "signing-key",
  called: (name) => `the signing key ${name}`,
  // A key is what its name says, for all time.
  since: () => "",
  encode: canonicalJson,
  decode: (text) => parsed(Signer, text),
};

function parsed<S extends TSchema>(schema: S, text: string): Static<S> | null {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(schema, value) ? (value as Static<S>) : null;
  } catch {
    return null;
  }
}
