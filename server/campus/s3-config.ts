/** Where a campus's storage is, and with which keys it is asked. */
import { readFile } from "node:fs/promises";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { readSecretFile } from "./secret-file.ts";

/** `[store.s3]` of the configuration. */
export interface S3Config {
  /** As in `https://s3.example.org:9000`. Without `https://` or `http://` it is https, but for this host itself. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyFile: string;
  readonly secretKeyFile: string;
  /** The bucket is named in the path, as most storages on a site want it, and not in the host's name. */
  readonly forcePathStyle: boolean;
  /** Certificates in PEM of the authorities that alone are trusted; by default those of Node. */
  readonly caFile?: string;
}

/** What is asked. */
export interface S3Place {
  /** Of the bucket; ends with a slash. */
  readonly url: URL;
  /** Everybody on the way can read and change what goes there: to be warned of. */
  readonly goesInClear: boolean;
}

/** The keys, of which nothing is ever logged. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** PEM. */
  readonly ca: string | null;
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** Amazon S3, bucket naming rules; other storages allow no more. */
const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Throws `bad-input` when the configuration names no place. */
export function s3PlaceOf({ endpoint, bucket, forcePathStyle }: S3Config): S3Place {
  const hasScheme = /^https?:\/\//i.test(endpoint);
  const url = URL.parse(hasScheme ? endpoint : `https://${endpoint}`);
  const isBare = url?.pathname === "/" && `${url.search}${url.hash}${url.username}` === "";
  if (url === null || !isBare) {
    throw new RoomcastError(
      "bad-input",
      `[store.s3] endpoint is no address of a storage: ${endpoint}`,
      "write it as https://HOST or https://HOST:PORT, without a path and without keys",
    );
  }
  if (!bucketName.test(bucket)) {
    const next = "correct [store.s3] bucket: lower-case letters, digits, dots and dashes";
    throw new RoomcastError("bad-input", `no bucket can be called ${bucket}`, next);
  }
  const isHere = loopback.test(url.hostname);
  if (isHere && !hasScheme) url.protocol = "http:";
  if (forcePathStyle) url.pathname = `/${bucket}/`;
  else {
    const host = `${bucket}.${url.hostname}`;
    url.hostname = host;
    if (url.hostname !== host) {
      throw new RoomcastError(
        "bad-input",
        `the bucket's name cannot be a part of an address: ${endpoint}`,
        "set forcePathStyle = true in [store.s3], or name the storage by its host name",
      );
    }
  }
  return { url, goesInClear: url.protocol === "http:" && !isHere };
}

/** Throws as `readSecretFile`, and `bad-input` when the authorities' certificates cannot be read. */
export async function readS3Keys(config: S3Config): Promise<S3Keys> {
  const { caFile } = config;
  const ca = async (): Promise<string | null> =>
    caFile === undefined
      ? null
      : readFile(caFile, "utf8").catch((cause: unknown) => {
          const next = "correct [store.s3] caFile in the configuration";
          throw new RoomcastError("bad-input", errorText(cause), next, { cause });
        });
  return {
    accessKeyId: await readSecretFile(config.accessKeyFile, "[store.s3] accessKeyFile"),
    secretAccessKey: await readSecretFile(config.secretKeyFile, "[store.s3] secretKeyFile"),
    ca: await ca(),
  };
}
