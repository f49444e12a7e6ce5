import type { FastifyInstance } from "fastify";

/**
 * What a browser may do with an answer: of the page's own files run and load what is of this server alone, show it in no
 * frame, tell nobody where it was, and share nothing with other pages (CSP level 3; HTML, cross-origin opener policy).
 */
const headers = {
  "content-security-policy": [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:"],
    ...["connect-src 'self'", "font-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
    "form-action 'self'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  // Files of the page that may be kept say so themselves.
  "cache-control": "no-store",
};

/** Every answer of the application's routes has these headers, refusals too. */
export function holdBrowsers(app: FastifyInstance): void {
  app.addHook("onRequest", async (_request, reply) => void reply.headers(headers));
}
