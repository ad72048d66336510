import { json } from "../protocol/answer.js";
import type { Endpoint } from "./endpoint.js";

/** Says whether the server takes requests: 200, or 503 while it stops or its folder cannot be read. */
export const health: Endpoint = async ({ parts }) => {
  const { ok, reason } = parts.health();
  return json(ok ? 200 : 503, { status: ok ? "ok" : "unavailable", ...(reason !== undefined && { reason }) });
};
