import { Authorizer } from "./auth/authorizer.js";
import { Caller } from "./client/caller.js";
import { RegistryClient } from "./client/registry-client.js";
import type { RepositoryClient } from "./client/types.js";
import type { CredentialSource } from "./credentials/credential.js";
import { type FileCredentialOptions, fileCredentials } from "./credentials/file-credentials.js";
import { type RepositoryName, formatRegistryReference, parseRegistryReference } from "./reference/reference.js";
import { Transport, type TransportOptions } from "./transport/transport.js";

/** How registries are reached, and as whom. */
export interface RegistrySessionOptions extends TransportOptions, Pick<FileCredentialOptions, "authFile" | "helperTimeout"> {
  /** Where credentials come from; the files and helpers of docker and podman by default. */
  readonly credentials?: CredentialSource;
}

/**
 * What the clients of one program share: connections, tokens, limits. Close it at the end; connections that are kept alive close by
 * themselves after some seconds.
 * @example
 * ```ts
 * import { RegistrySession } from "@ocilot/registry";
 *
 * const session = new RegistrySession({ retries: 2, onWarning: (warning) => console.error(warning) });
 * const { descriptor } = await session.repository("localhost:5000/app").getManifest("v1");
 * console.log(descriptor.digest);
 * await session.close();
 * ```
 */
export class RegistrySession {
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #deadMirrors: Set<string> = new Set();

  constructor(options: RegistrySessionOptions = {}) {
    this.#transport = new Transport(options);
    const { authFile, helperTimeout, env } = options;
    const source =
      options.credentials ??
      fileCredentials({
        ...(authFile !== undefined && { authFile }),
        ...(helperTimeout !== undefined && { helperTimeout }),
        ...(env !== undefined && { env }),
      });
    this.#authorizer = new Authorizer(this.#transport, source);
  }

  /**
   * The client of a repository, named as in a reference or by a parsed one. Sends nothing yet.
   * @throws OcilotError `REFERENCE_INVALID`
   */
  repository(name: RepositoryName | string): RepositoryClient {
    // A name that was put together by hand is checked as well: it becomes part of addresses.
    const text = typeof name === "string" ? name : formatRegistryReference({ host: name.host, repository: name.repository });
    const { host, repository } = parseRegistryReference(text);
    return new RegistryClient(
      new Caller({ host, repository }, { transport: this.#transport, authorizer: this.#authorizer, deadMirrors: this.#deadMirrors }),
    );
  }

  /** Closes the connections. Requests that are under way fail. */
  async close(): Promise<void> {
    this.#authorizer.close();
    await this.#transport.close();
  }
}
