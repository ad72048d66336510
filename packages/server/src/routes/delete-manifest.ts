import { isOcilotError } from "@ocilot/layout";
import { empty } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import { type Endpoint, archiveRefused, referenceOfRoute, repositoryOf } from "./endpoint.js";

/**
 * Deletes a tag, or a manifest with all its tags (end-9). Referrers of a manifest stay, and so do its blobs until a collection.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#content-management
 */
export const deleteManifest: Endpoint = async (exchange) => {
  const { route } = exchange;
  const repository = await repositoryOf(exchange);
  if (!repository.isWritable) throw archiveRefused(repository);
  const reference = referenceOfRoute(exchange);
  const found = await repository.find(reference);
  if (found === undefined) throw new RegistryError("MANIFEST_UNKNOWN", `${route.name}: no manifest ${route.reference}`);
  try {
    if ("tag" in reference) await repository.untag(reference.tag);
    else await repository.delete(found.digest);
  } catch (error) {
    // Another request was faster.
    if (isOcilotError(error, "REF_NOT_FOUND")) throw new RegistryError("MANIFEST_UNKNOWN", error.message);
    throw error;
  }
  return empty(202);
};
