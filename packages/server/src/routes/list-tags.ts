import { json } from "../protocol/answer.js";
import { type Endpoint, repositoryOf } from "./endpoint.js";
import { pageOf } from "./pagination.js";

/**
 * Lists the tags of a repository (end-8a, end-8b).
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export const listTags: Endpoint = async (exchange) => {
  const { parts, request, route } = exchange;
  const tags = (await (await repositoryOf(exchange)).tags()).sorted();
  const path = `/v2/${route.name}/tags/list`;
  const page = pageOf(tags, (tag) => tag, { path, query: request.query, limit: parts.limits.maxPage });
  return json(200, { name: route.name, tags: page.items }, page.link === undefined ? {} : { link: page.link });
};
