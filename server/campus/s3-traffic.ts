/** What was asked of the storage since the start, each try by itself: what a provider counts, and has paid for. */
export const requestKinds = ["PUT", "GET", "HEAD", "LIST", "DELETE"] as const;
export type RequestKind = (typeof requestKinds)[number];

export class S3Traffic {
  /** That were begun, with whatever end. */
  readonly requests: Record<RequestKind, number> = { PUT: 0, GET: 0, HEAD: 0, LIST: 0, DELETE: 0 };
  /** Of bodies, also of those that broke off. */
  sentBytes = 0;
  receivedBytes = 0;
}
