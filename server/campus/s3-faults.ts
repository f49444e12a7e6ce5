/** What the storage's answers mean that are no success: to try again, or an error that says what to do. */
import { RoomcastError } from "../../core/errors.ts";
import { printable } from "../../core/units/printable.ts";
import { type S3Answer, TryAgain } from "./s3-exchange.ts";
import { readXml, textIn } from "./s3-xml.ts";

/** What was asked, for the words of an error. */
export interface S3Asked {
  /** Scheme, host and port. */
  readonly storage: string;
  readonly bucket: string;
  /** As in `GET packs/ab/….pack`. */
  readonly request: string;
  /** What this server's clock said; milliseconds since 1970. */
  readonly askedAt: number;
}

/** S3 refuses what is signed with a clock that is off by more: 15 minutes. */
const skewLimitMs = 15 * 60_000;
/** An error's text from the storage is quoted up to here. */
const quotedLength = 200;

/** Codes that S3 answers with another status than 5xx to what went wrong on the way. */
const passing = new Set([
  ...["RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch"],
  ...["OperationAborted", "SlowDown", "InternalError"],
]);

/** For an answer that is no success. */
export function faultOf(answer: S3Answer, asked: S3Asked): TryAgain | RoomcastError {
  const { status } = answer;
  const read = readXml(answer.body);
  const field = (name: string): string => (read.ok ? (textIn(read.value, name) ?? "") : "");
  const code = field("Code").slice(0, quotedLength);
  const told = printable([status, code].join(" ").trim());
  if (status >= 500 || status === 429 || status === 408 || passing.has(code)) {
    return new TryAgain(told);
  }
  const { storage, bucket, request } = asked;
  if (code === "NoSuchBucket") {
    return new RoomcastError(
      "failed",
      `the storage at ${storage} has no bucket ${bucket}`,
      "make the bucket, or correct [store.s3] bucket in the configuration",
    );
  }
  if (status === 404) {
    const next = "put it back from a backup of the storage, or store the images that need it again";
    return new RoomcastError("not-found", `the storage at ${storage} has not: ${request}`, next);
  }
  const theirs = Date.parse(field("ServerTime") || answer.header("date") || "");
  const isSkewed = status === 403 && Math.abs(theirs - asked.askedAt) > skewLimitMs;
  if (code === "RequestTimeTooSkewed" || (code === "" && isSkewed)) {
    return skewed(asked, theirs);
  }
  if (status === 301 || status === 307 || code === "AuthorizationHeaderMalformed") {
    const region = printable(field("Region").slice(0, quotedLength));
    return new RoomcastError(
      "failed",
      `bucket ${bucket} is not in this region of the storage at ${storage} (${told})`,
      `correct [store.s3] region${region === "" ? "" : `, which is ${region},`} or endpoint in the configuration`,
    );
  }
  if (status === 403 || status === 401) {
    return new RoomcastError(
      "failed",
      `the storage at ${storage} refuses these keys: ${request} (${told})`,
      "check the files that [store.s3] accessKeyFile and secretKeyFile name, what these keys may do with the bucket, and this server's clock",
    );
  }
  const message = printable(field("Message").slice(0, quotedLength));
  return new RoomcastError(
    "failed",
    `the storage at ${storage} refuses: ${request} (${told}${message === "" ? "" : `: ${message}`})`,
    "check [store.s3] in the configuration, and the log of the storage",
  );
}

function skewed({ storage, askedAt }: S3Asked, theirs: number): RoomcastError {
  const ours = new Date(askedAt).toISOString();
  const other = Number.isNaN(theirs) ? "another time" : new Date(theirs).toISOString();
  // As if it were away: what waits for it goes on once the clock is right.
  return new RoomcastError(
    "away",
    `the clocks differ: it is ${ours} on this server, and ${other} at the storage at ${storage}, which takes no request with a wrong time`,
    "set the clock that is wrong, and keep it right (systemd-timesyncd or chrony)",
  );
}

/** After the last try. */
export const storageAway = (asked: S3Asked, tries: number, last: TryAgain): RoomcastError =>
  new RoomcastError(
    "away",
    `the storage at ${asked.storage} does not do its work: ${asked.request} was tried ${tries} ${tries === 1 ? "time" : "times"}, the last one: ${last.message}`,
    "check that the storage runs and that this server reaches it; then do it again",
    { cause: last },
  );

/** An object that has fewer bytes than it must have. */
export const endsEarly = (name: string, storage: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${name} ends early in the storage at ${storage}`,
    "put it back from a backup of the storage, or store the images that need it again",
  );
