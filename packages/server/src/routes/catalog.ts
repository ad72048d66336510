import { json } from "../protocol/answer.js";
import type { Endpoint } from "./endpoint.js";
import { pageOf } from "./pagination.js";

/** Lists the repositories that the client may read; Docker's extension, with pages as those of tags. */
export const catalog: Endpoint = async ({ parts, request, who }) => {
  const readable = (await parts.repositories.names()).filter((name) => parts.isAllowed(who, "read", name));
  const page = pageOf(readable, (name) => name, { path: "/v2/_catalog", query: request.query, limit: parts.limits.maxPage });
  return json(200, { repositories: page.items }, page.link === undefined ? {} : { link: page.link });
};
