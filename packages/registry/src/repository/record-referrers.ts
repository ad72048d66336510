import { type Descriptor, type Digest, OcilotError } from "@ocilot/layout/spec";
import type { RepositoryClient } from "../client/types.js";
import { ChangeQueue } from "./change-queue.js";
import { inParallel } from "./in-parallel.js";
import type { ListedReferrer } from "./repository-model.js";
import { SETTLE_DELAYS, waitAbout } from "./settle.js";
import { type WriteListOptions, writeList } from "./write-list.js";

/** Longer than the 60 seconds for which Quay answers from a cache. */
const API_LIMIT_MS = 75_000;
const API_MAX_DELAY_MS = 5000;

/** A manifest that is to be listed as a referrer. */
export interface NewReferrer {
  /** The line of it in a list: exactly what a registry would compute. */
  readonly line: Descriptor;
  readonly bytes: Uint8Array;
}

/** How referrers are recorded in a registry. */
export interface RecordOptions extends WriteListOptions {
  /** Milliseconds until a registry has to list what it took; by default 75,000. */
  readonly apiLimit?: number;
}

/**
 * Sees to it that a registry names referrers under their subjects: it looks whether the Referrers API lists what was pushed, or where there is
 * none writes the list under the referrers tag. All changes of this process to one subject become one write.
 */
export class ReferrerRecorder {
  readonly #client: RepositoryClient;
  readonly #options: RecordOptions;
  readonly #queues: Map<Digest, ChangeQueue> = new Map();
  /** Whether the Referrers API works; undefined while it is not known. */
  hasApi: boolean | undefined;

  constructor(client: RepositoryClient, options: RecordOptions = {}) {
    this.#client = client;
    this.#options = options;
  }

  /**
   * Records referrers of one subject, and returns where they are named when that has been read back.
   * @throws OcilotError `RESPONSE_INVALID` where the Referrers API does not list what it took, and what {@link writeList} throws
   */
  async add(subject: Digest, referrers: readonly NewReferrer[]): Promise<ListedReferrer["by"]> {
    if (await this.#worksFor(subject)) {
      await this.#awaitApi(subject, referrers);
      return "referrers-api";
    }
    await this.#queueFor(subject).add({ added: referrers.map((r) => r.line), removed: [] });
    return "referrers-tag";
  }

  /** Takes referrers out of the list of a subject. The API lists what is there, so there is nothing to take out. */
  async remove(subject: Digest, digests: readonly Digest[]): Promise<void> {
    await this.#queueFor(subject).add({ added: [], removed: digests });
  }

  #queueFor(subject: Digest): ChangeQueue {
    const queue =
      this.#queues.get(subject) ?? new ChangeQueue(async (change) => await writeList(this.#client, subject, change, this.#options));
    this.#queues.set(subject, queue);
    return queue;
  }

  async #worksFor(subject: Digest): Promise<boolean> {
    if (this.hasApi === undefined) this.hasApi = (await this.#client.listReferrers(subject, this.#given())).hasApi;
    return this.hasApi;
  }

  /** A server may lose one of two that come at once, and one that caches shows it late: what is not listed is pushed once more. */
  async #awaitApi(subject: Digest, referrers: readonly NewReferrer[]): Promise<void> {
    const { signal, delays = SETTLE_DELAYS, apiLimit = API_LIMIT_MS } = this.#options;
    const end = Date.now() + apiLimit;
    let missing = await this.#notListed(subject, referrers);
    for (let look = 0, late = 0; look < delays.length || missing.length > 0;) {
      if (missing.length > 0) {
        if (Date.now() > end) throw notListed(this.#client, subject, missing);
        await inParallel(missing, async ({ line, bytes }) => {
          await this.#client.putManifest(line.digest, bytes, { mediaType: line.mediaType, ...this.#given() });
        });
        look = 0;
        late++;
      }
      await waitAbout(late > delays.length ? Math.min(50 * 2 ** late, API_MAX_DELAY_MS) : (delays[look] ?? 0), signal);
      missing = await this.#notListed(subject, referrers);
      if (missing.length === 0) look++;
    }
  }

  async #notListed(subject: Digest, referrers: readonly NewReferrer[]): Promise<NewReferrer[]> {
    const answer = await this.#client.listReferrers(subject, this.#given());
    if (!answer.hasApi) throw notListed(this.#client, subject, referrers);
    const listed = new Set(answer.referrers.map((d) => d.digest));
    return referrers.filter((r) => !listed.has(r.line.digest));
  }

  #given(): { readonly signal?: AbortSignal } {
    return this.#options.signal === undefined ? {} : { signal: this.#options.signal };
  }
}

function notListed({ host }: RepositoryClient, subject: Digest, missing: readonly NewReferrer[]): OcilotError<"RESPONSE_INVALID"> {
  const [first] = missing;
  const more = missing.length > 1 ? ` and ${missing.length - 1} more` : "";
  const reason = `the Referrers API does not list ${first?.line.digest}${more}, which it has taken`;
  return new OcilotError(
    "RESPONSE_INVALID",
    `${host}: list referrers of ${subject}: ${reason}`,
    { host, operation: `list referrers of ${subject}`, reason },
    { hint: "The manifests are stored. The registry may show them later; check with `ocilot referrers`." },
  );
}
