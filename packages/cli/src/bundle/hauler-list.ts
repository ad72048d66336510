import { isRecord } from "@ocilot/layout";
import { usageError } from "../command-line/usage-error.js";
import type { ImageList, SourceSpec } from "./source-spec.js";

/** Annotations of a list that hold for every image in it. */
const PLATFORM = "hauler.dev/platform";
const REGISTRY = "hauler.dev/registry";

/**
 * Reads one document of hauler's: `kind: Images`, with the name and the platform of each.
 * @param name of the file, for messages
 * @throws OcilotError `USAGE`, also for documents of charts and files
 */
export function haulerImages(value: Record<string, unknown>, name: string): ImageList {
  if (value["kind"] !== "Images")
    throw usageError(
      `${name}: a document of the kind ${String(value["kind"])} is no list of images`,
      "list",
      "A bundle holds images and artifacts of registries; leave other documents out of the list.",
    );
  const { images } = recordOf(value["spec"]);
  if (!Array.isArray(images)) throw usageError(`${name}: spec.images is not a list`, "list");
  const annotations = recordOf(recordOf(value["metadata"])["annotations"]);
  const unused = Object.keys(annotations)
    .filter((key) => key.startsWith("hauler.dev/") && key !== PLATFORM && key !== REGISTRY)
    .map((key) => `${name}: the annotation ${key} is not used`);
  const specs = images.map((image: unknown): SourceSpec => {
    const { name: reference, platform = annotations[PLATFORM], ...rest } = recordOf(image);
    if (typeof reference !== "string" || reference === "") throw usageError(`${name}: an image has no name`, "list");
    if (platform !== undefined && typeof platform !== "string")
      throw usageError(`${name}: the platform of ${reference} is not a text`, "list");
    for (const member of Object.keys(rest))
      unused.push(`${name}: ${member} of ${reference} is not used${member === "rewrite" ? "; see unbundle --map" : ""}`);
    const full = hasRegistry(reference) || typeof annotations[REGISTRY] !== "string" ? reference : `${annotations[REGISTRY]}/${reference}`;
    return { kind: "repository", text: `docker://${full}`, ...(platform !== undefined && platform !== "" && { platform }) };
  });
  return { specs, unused };
}

/** By Docker's rules the first component is a registry if it can be no name on Docker Hub. */
function hasRegistry(reference: string): boolean {
  const end = reference.indexOf("/");
  return end > 0 && /[.:]|^localhost$/.test(reference.slice(0, end));
}

function recordOf(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}
