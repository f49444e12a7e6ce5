/**
 * The file that holds OVMF's variables, changed while the PC is off: its Secure Boot keys, and the keys of
 * shim's own list (MOK). Layout: edk2's `MdeModulePkg/Include/Guid/VariableFormat.h`.
 */
import { readFile, writeFile } from "node:fs/promises";
import { assert } from "../../core/errors.ts";
import { sha256 } from "../../core/node/hash.ts";

/** A variable as it is to be. */
export interface Variable {
  readonly name: string;
  readonly vendor: string;
  readonly attributes: number;
  readonly data: Uint8Array;
}

/** UEFI 2.10 section 8.2.1: kept, and seen by boot services alone. */
const keptForBoot = 0x3;
const atRunTime = 0x4;
/** The same at run time too, and changed only by a signed and dated change. */
const keptAuthenticated = 0x27;
const globalVendor = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const databaseVendor = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
/** Of shim's own variables. */
const shimVendor = "605dab50-e046-4300-abb6-3dd810dd8b23";
/** EFI_CERT_X509_GUID */
const x509Type = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
/** Who put the key there; any GUID will do. */
const owner = "9d2e0a63-7a0c-4b4e-9ff4-2f7d8e7f3c11";

/** As MokManager leaves it after an enrolment. */
export const enrolledInShim = (certificate: Uint8Array): Variable => ({
  name: "MokList",
  vendor: shimVendor,
  attributes: keptForBoot,
  data: signatureList(certificate),
});

/**
 * As `mokutil --import --simple-hash` leaves it: the certificate, and SHA-256 of it and the password, which
 * MokManager asks for (shim's `MokManager.c`, `compute_pw_hash`).
 */
export function waitingForMokManager(certificate: Uint8Array, password: string): Variable[] {
  const data = signatureList(certificate);
  const proof = sha256(Buffer.concat([data, Buffer.from(password, "utf16le")]));
  return [
    { name: "MokNew", vendor: shimVendor, attributes: keptForBoot | atRunTime, data },
    { name: "MokAuth", vendor: shimVendor, attributes: keptForBoot | atRunTime, data: proof },
  ];
}

/** A PC whose owner took out every key and put in this one alone. */
export const ownKeysAlone = (certificate: Uint8Array): readonly Variable[] =>
  (
    [
      ["PK", globalVendor],
      ["KEK", globalVendor],
      ["db", databaseVendor],
    ] as const
  ).map(([name, vendor]) => ({
    ...{ name, vendor, attributes: keptAuthenticated },
    data: signatureList(certificate),
  }));

/** Sets the variables in the file at `path`; one of the same name is replaced. */
export async function setVariables(path: string, variables: readonly Variable[]): Promise<void> {
  const store = await readFile(path);
  for (const variable of variables) setVariable(store, variable);
  await writeFile(path, store);
}

/** Offset of the variable store's header in the file: the firmware volume's own header has so many bytes. */
const storeOffset = 0x48;
const storeHeaderBytes = 28;
const storeFormatted = 0x5a;
const startId = 0x55aa;
const headerBytes = 60;
const stateOffset = 2;
/** VAR_ADDED; a deleted one has fewer bits set. */
const added = 0x3f;
const deleted = 0x3d;

function setVariable(store: Buffer, { name, vendor, attributes, data }: Variable): void {
  const sizeOffset = storeOffset + 16;
  assert(store[sizeOffset + 4] === storeFormatted, "this is a file of OVMF's variables");
  const end = storeOffset + store.readUInt32LE(sizeOffset);
  const nameBytes = Buffer.from(`${name}\0`, "utf16le");
  const vendorBytes = guidBytes(vendor);
  let at = aligned(storeOffset + storeHeaderBytes);
  while (store.readUInt16LE(at) === startId) {
    const nameLength = store.readUInt32LE(at + 36);
    const dataAt = at + headerBytes + nameLength;
    const isSame =
      store.subarray(at + headerBytes, dataAt).equals(nameBytes) &&
      store.subarray(at + 44, at + headerBytes).equals(vendorBytes);
    if (isSame) store[at + stateOffset] = (store[at + stateOffset] as number) & deleted;
    at = aligned(dataAt + store.readUInt32LE(at + 40));
  }
  assert(at + headerBytes + nameBytes.length + data.length <= end, "there is room for one more");
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16LE(startId, 0);
  header[stateOffset] = added;
  header.writeUInt32LE(attributes, 4);
  // EFI_TIME of an authenticated variable: year, month, day.
  header.writeUInt16LE(2020, 16);
  header.set([1, 1], 18);
  header.writeUInt32LE(nameBytes.length, 36);
  header.writeUInt32LE(data.length, 40);
  header.set(vendorBytes, 44);
  store.set(Buffer.concat([header, nameBytes, data]), at);
}

/** UEFI 2.10 section 32.4.1: EFI_SIGNATURE_LIST with one certificate, in DER. */
function signatureList(certificate: Uint8Array): Buffer {
  const sizes = Buffer.alloc(12);
  const signatureBytes = 16 + certificate.length;
  sizes.writeUInt32LE(16 + sizes.length + signatureBytes, 0);
  sizes.writeUInt32LE(signatureBytes, 8);
  return Buffer.concat([guidBytes(x509Type), sizes, guidBytes(owner), certificate]);
}

/** The first three fields lie lowest byte first. */
function guidBytes(guid: string): Buffer {
  const bytes = Buffer.from(guid.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

const aligned = (offset: number): number => Math.ceil(offset / 4) * 4;
