import type { Layout } from "@ocilot/layout";
import { type RegistryReference, parseRegistryReference } from "../reference/reference.js";
import { RegistrySession, type RegistrySessionOptions } from "../session.js";
import type { RecordOptions } from "./record-referrers.js";
import type { RepositoryFocus } from "./repository-focus.js";
import { repositoryLayout } from "./repository-layout.js";

/** How a repository of a registry is opened. */
export interface OpenRepositoryOptions extends RegistrySessionOptions {
  /** Connections, credentials and limits to use; by default a session of its own from these options, which ends when the layout is closed. */
  readonly session?: RegistrySession;
  /** What is looked at; by default the tag and the digest of the reference, or every tag where it has neither. */
  readonly focus?: RepositoryFocus;
  /** How referrers are recorded. */
  readonly record?: RecordOptions;
  /** Fail where the registry knows no such repository; by default that is an empty one, which the first push makes. */
  readonly mustExist?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Opens a repository of a registry as a layout: `docker://HOST/REPOSITORY[:TAG][@DIGEST]`, with or without the prefix. Sends nothing yet; a tag that
 * is not there is found out when it is resolved. Close the layout when done.
 * @throws OcilotError `REFERENCE_INVALID`
 * @example
 * ```ts
 * import { openRepository } from "@ocilot/registry";
 * import { listReferrers } from "@ocilot/referrers";
 *
 * const layout = await openRepository("docker://localhost:5000/app:v1");
 * const image = await layout.resolve("v1");
 * for await (const { descriptor } of listReferrers(layout, image.digest)) console.log(descriptor.digest);
 * await layout.close();
 * ```
 */
export async function openRepository(reference: string | RegistryReference, options: OpenRepositoryOptions = {}): Promise<Layout> {
  const parsed = typeof reference === "string" ? parseRegistryReference(reference) : reference;
  const session = options.session ?? new RegistrySession(options);
  return repositoryLayout(session.repository(parsed), {
    focus: options.focus ?? focusOf(parsed),
    ...(options.record && { record: options.record }),
    ...(options.mustExist !== undefined && { mustExist: options.mustExist }),
    ...(options.env && { env: options.env }),
    ...(options.signal && { signal: options.signal }),
    ...(options.session === undefined && { close: async () => await session.close() }),
  });
}

/**
 * What a reference asks for.
 * @example
 * ```ts
 * import { focusOf, parseRegistryReference } from "@ocilot/registry";
 *
 * const reference = parseRegistryReference("docker://localhost:5000/app:v1");
 * console.log(focusOf(reference)); // { tags: ["v1"], digests: [] }
 * ```
 */
export function focusOf(reference: Pick<RegistryReference, "tag" | "digest">): RepositoryFocus {
  const { tag, digest } = reference;
  if (tag === undefined && digest === undefined) return { all: true };
  return { tags: tag === undefined ? [] : [tag], digests: digest === undefined ? [] : [digest] };
}
