/** UTF-8, a character each byte: as the files of a restored system are read and written. */
export const bytesText = (words: string): string => Buffer.from(words, "utf8").toString("latin1");
