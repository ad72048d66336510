import { openView } from "@ocilot/referrers";
import { empty } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import { type Endpoint, archiveRefused, digestOfRoute, repositoryOf } from "./endpoint.js";

/**
 * Deletes a blob (end-10) that no manifest needs; one that is needed stays.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-blobs
 */
export const deleteBlob: Endpoint = async (exchange) => {
  const digest = digestOfRoute(exchange);
  const repository = await repositoryOf(exchange);
  if (!repository.isWritable) throw archiveRefused(repository);
  const { layout } = repository;
  if (!(await layout.blobs.has(digest))) throw new RegistryError("BLOB_UNKNOWN", `${repository.name}: no blob ${digest}`);
  // Under the lock, so that no manifest that needs it is recorded meanwhile.
  await layout.index.update(async (snapshot) => {
    for (const { node } of await (await openView(layout, { snapshot })).reach()) {
      const manifest = node.state === "read" ? node.manifest : undefined;
      const needed = [node.descriptor, manifest?.config, ...(manifest?.layers ?? [])];
      if (needed.some((d) => d?.digest === digest)) {
        throw new RegistryError("UNSUPPORTED", `${digest} is needed by ${node.descriptor.digest}; delete that manifest first`);
      }
    }
    await layout.blobs.delete(digest);
    return [];
  });
  return empty(202);
};
