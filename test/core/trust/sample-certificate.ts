import type { Certificate, CertifiedPc } from "../../../core/wire/certificate.ts";

const root = "5e".repeat(32);

export const certifiedPc = (number: number, changes: Partial<CertifiedPc> = {}): CertifiedPc => ({
  id: `id${number}`,
  name: `lab1-a${number}`,
  room: "lab1",
  seat: `A${number}`,
  macs: [`52:54:00:00:00:0${number}`],
  disk: { model: "Samsung 860 EVO", serial: `S3Z9${number}`, wwn: null, size: 500_107_862_016 },
  result: "verified",
  reason: null,
  startedAt: "2026-11-22T09:11:20.000Z",
  endedAt: "2026-11-22T09:15:00.000Z",
  rootHash: root,
  steps: [{ name: "name", result: "done", detail: "lab1-a1 é", files: ["/etc/hostname"] }],
  boot: null,
  wipe: null,
  ...changes,
});

export const sampleCertificate: Certificate = {
  format: "roomcast-certificate",
  formatVersion: 1,
  kind: "restore",
  serverVersion: "0.2.0",
  issuedAt: "2026-11-22T10:00:00.000Z",
  session: {
    id: "s7",
    room: "lab1",
    startedAt: "2026-11-22T09:11:00.000Z",
    endedAt: "2026-11-22T09:16:00.000Z",
  },
  orderedBy: "ann",
  image: { name: "win11@4", rootHash: root },
  verify: "read-back",
  pcs: [
    certifiedPc(1),
    certifiedPc(2, { result: "failed", reason: "write error at 12.4 GB", rootHash: null }),
  ],
};
