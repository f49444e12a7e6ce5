import { InvalidArgumentError } from "commander";

/** What an option takes: a number of seconds that is no more than this. */
export const secondsUpTo =
  (limit: number) =>
  (text: string): number => {
    const value = Number(text);
    if (value >= 0 && value <= limit) return value;
    throw new InvalidArgumentError(`It has to be a number of seconds from 0 to ${limit}.`);
  };
