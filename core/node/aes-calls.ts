/**
 * AES-256-CTR by the calls of the OpenSSL that is in Node's program and that it exports for addons. They
 * work where the bytes are: `Cipheriv.update`, which answers in new memory, takes four times as long.
 */
import type { KeyObject } from "node:crypto";
import koffi from "koffi";
import { assert } from "../errors.ts";

const library = koffi.load(null);
const newContext = library.func("void *EVP_CIPHER_CTX_new()");
const freeContext = library.func("void EVP_CIPHER_CTX_free(void *context)");
const algorithm = library.func("const void *EVP_aes_256_ctr()");
const begin = library.func(
  "int EVP_EncryptInit_ex(void *context, const void *algorithm, void *engine, const uint8_t *key, const uint8_t *iv)",
);
const update = library.func(
  "int EVP_EncryptUpdate(void *context, uint8_t *into, int *length, const uint8_t *bytes, int count)",
);

export class AesCalls {
  private readonly context: unknown = newContext();
  private readonly length = new Int32Array(1);

  /** Encrypts or decrypts; `into` is `bytes`, or apart from it. */
  apply(key: KeyObject, iv: Uint8Array, bytes: Uint8Array, into: Uint8Array): void {
    assert(into.length >= bytes.length, "there is room for what comes out");
    const { context, length } = this;
    const isDone =
      begin(context, algorithm(), null, key.export(), iv) === 1 &&
      update(context, into, length, bytes, bytes.length) === 1;
    assert(isDone && length[0] === bytes.length, "AES-256-CTR works on any bytes");
  }

  /** The key is no longer in memory here. */
  close(): void {
    freeContext(this.context);
  }
}
