import type { Endpoint } from "./endpoint.js";

/** The figures of the server, for Prometheus. */
export const showMetrics: Endpoint = async ({ parts }) => ({
  status: 200,
  headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  body: parts.metrics.text(),
});
