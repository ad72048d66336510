import type { Layout, OpenLayoutOptions } from "@ocilot/layout";
import type { OpenRepositoryOptions, RegistrySessionOptions, RepositoryFocus } from "@ocilot/registry";

const PREFIX = "docker://";

/** Opens a repository; the client is loaded only now. */
export async function openRegistryReference(
  reference: string,
  options: {
    readonly registry?: RegistrySessionOptions;
    readonly focus?: RepositoryFocus;
    readonly mustExist?: boolean;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<Layout> {
  const { openRepository } = await import("@ocilot/registry");
  const given: OpenRepositoryOptions = {
    ...options.registry,
    ...(options.focus && { focus: options.focus }),
    ...(options.mustExist && { mustExist: true }),
    ...(options.signal && { signal: options.signal }),
  };
  return await openRepository(reference, given);
}

/** What opens `docker://` for `openLayout`: a repository that is there. */
export function registryOpeners(registry: RegistrySessionOptions | undefined): OpenLayoutOptions["openers"] & object {
  return {
    [PREFIX]: async (reference, { signal }) =>
      await openRegistryReference(reference, { ...(registry && { registry }), mustExist: true, signal }),
  };
}
