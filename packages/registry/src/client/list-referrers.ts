import { type Descriptor, type Digest, IMAGE_INDEX, OcilotError, isRecord, parseDescriptor } from "@ocilot/layout/spec";
import { invalidResponse } from "../transport/errors.js";
import { headerValues } from "../transport/exchange.js";
import type { BufferedResponse } from "../transport/transport.js";
import type { Caller } from "./caller.js";
import { contentType } from "./headers.js";
import { responseJson, readPages } from "./pages.js";
import type { ListReferrersOptions, ReferrersAnswer } from "./types.js";

/** Some registries list all referrers on one page. */
const MAX_PAGE_BYTES: number = 64 * 1024 * 1024;
const DEFAULT_LIMIT = 1_000_000;
/** Statuses with which registries without the Referrers API respond. */
const NO_API: readonly number[] = [400, 404, 405, 406, 410, 415, 422, 501];

/** @see RepositoryClient.listReferrers */
export async function listReferrers(
  caller: Caller,
  subject: Digest,
  { artifactType, limit = DEFAULT_LIMIT, signal }: ListReferrersOptions,
): Promise<ReferrersAnswer> {
  const operation = `list referrers of ${subject}`;
  const found = new Map<Digest, Descriptor>();
  let isFiltered = artifactType !== undefined;
  let reason: string | undefined;
  const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  let pages = 0;
  const reading = readPages(caller, {
    first: {
      operation,
      method: "GET",
      target: `/referrers/${subject}${query}`,
      actions: ["pull"],
      headers: { accept: IMAGE_INDEX },
      accept: [200, ...NO_API],
      what: "list of referrers",
      limit: MAX_PAGE_BYTES,
      signal,
    },
    items: "referrers",
    limit,
    take: (answer) => {
      const page = referrersPage(answer);
      if (page === undefined) {
        if (pages > 0) throw invalidResponse(caller.label(operation), "a later page is not an image index");
        const type = contentType(answer);
        reason = answer.status === 200 ? `200 ${type === "" ? "without a type" : type.slice(0, 100)}` : String(answer.status);
        return undefined;
      }
      pages++;
      isFiltered &&= headerValues(answer, "oci-filters-applied").some((value) => value.split(/\s*,\s*/).includes("artifactType"));
      const before = found.size;
      for (const [position, entry] of page.entries()) {
        const descriptor = checkedDescriptor(entry, { caller, operation, position });
        if (!found.has(descriptor.digest)) found.set(descriptor.digest, descriptor);
      }
      return { added: found.size - before, total: found.size };
    },
  });
  await reading.catch((error: unknown) => {
    // A redirect that is refused, as to a sign-in page, means that there is no API.
    const isFirst = pages === 0 && error instanceof OcilotError && error.code === "RESPONSE_INVALID";
    if (!isFirst) throw error;
    reason = (error as OcilotError<"RESPONSE_INVALID">).details.reason;
  });
  if (reason !== undefined) return { hasApi: false, reason };
  const referrers = [...found.values()];
  return {
    hasApi: true,
    isFiltered,
    referrers: isFiltered || artifactType === undefined ? referrers : referrers.filter((d) => d.artifactType === artifactType),
  };
}

/** The entries of an image index; undefined for any other answer. */
function referrersPage(answer: BufferedResponse): readonly unknown[] | undefined {
  if (answer.status !== 200 || contentType(answer) !== IMAGE_INDEX) return undefined;
  const json = responseJson(answer);
  const manifests = isRecord(json) ? (json["manifests"] ?? []) : undefined;
  return Array.isArray(manifests) ? manifests : undefined;
}

function checkedDescriptor(
  entry: unknown,
  { caller, operation, position }: { caller: Caller; operation: string; position: number },
): Descriptor {
  try {
    return parseDescriptor(entry, `$.manifests[${position}]`);
  } catch (error) {
    throw invalidResponse(caller.label(operation), `invalid entry: ${(error as Error).message}`);
  }
}
