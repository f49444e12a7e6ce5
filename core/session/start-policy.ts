/** When a cast begins: with the first PC that is ready, with all, or with so many. */
export type StartPolicy = "now" | "all" | number;
