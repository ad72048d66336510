import {
  type Descriptor,
  type IndexEntry,
  type IndexSnapshot,
  type Layout,
  OcilotError,
  type Reference,
  isDigest,
  isOcilotError,
  manifestKind,
  parseDigest,
  resolveReference,
} from "@ocilot/layout";
import { imageEntries, openView, parsePlatform, readGraph, resolvePlatform } from "@ocilot/referrers";
import { usageError } from "../command-line/usage-error.js";
import { dockerReference } from "./docker-reference.js";

/** What of a reference names something within its layout. */
type Named = Pick<Reference, "text" | "rest">;

/** How a reference on the command line is resolved. */
export interface ResolveSettings {
  readonly snapshot?: IndexSnapshot;
  /** `--platform` as it was given. */
  readonly platform?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Returns what a reference names. Where an image shares its name with what belongs to it, or a layout holds one image and its
 * records, the image is meant; a tag and a digest together must agree.
 * @throws OcilotError `USAGE`, `REF_NOT_FOUND`, `REF_AMBIGUOUS`, `DIGEST_INVALID`, and what reading `index.json` throws
 */
export async function resolveIn(layout: Layout, reference: Named, settings: ResolveSettings = {}): Promise<Descriptor> {
  const platform = settings.platform === undefined ? undefined : parsePlatform(settings.platform);
  const index = settings.snapshot ?? (await layout.index.read());
  const signal = settings.signal === undefined ? {} : { signal: settings.signal };
  const named = await resolveName(layout, index, reference, settings.signal);
  if (platform === undefined) return named;
  const view = await openView(layout, { snapshot: index, ...signal });
  return (await resolvePlatform(layout, named, platform, { view, ...signal })).descriptor;
}

async function resolveName(
  layout: Layout,
  index: IndexSnapshot,
  { rest, text }: Named,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const prefer = async (fitting: readonly IndexEntry[]): Promise<readonly IndexEntry[]> => {
    const view = await openView(layout, { snapshot: index, ...(signal && { signal }) });
    const images = await imageEntries(view, await readGraph(view));
    return fitting.filter((entry) => images.has(entry.descriptor.digest));
  };
  const inIndex = async (ref: string): Promise<Descriptor> => await resolveReference(index, layout.blobs, ref, { prefer });
  const inDocker = async (ref: string): Promise<Descriptor | undefined> =>
    await dockerReference(layout, await openView(layout, { snapshot: index, ...(signal && { signal }) }), ref);
  const resolve = async (ref: string): Promise<Descriptor> => {
    const named = ref === "" || ref.startsWith("@") ? ref : `:${ref}`;
    try {
      const found = await inIndex(ref);
      // Docker's files name a config, and may list more images than index.json does.
      const other = manifestKind(found.mediaType) === undefined || ref === "" ? await inDocker(named) : undefined;
      if (other === undefined) return found;
      if (ref !== "") return other;
      throw moreThanOne([found, other]);
    } catch (error) {
      const found = isOcilotError(error, "REF_NOT_FOUND") && !ref.startsWith("@") ? await inDocker(named) : undefined;
      if (found === undefined) throw error;
      return found;
    }
  };
  if (!rest.startsWith(":")) return await resolve(rest);
  const name = rest.slice(1);
  if (name === "") throw usageError(`${text}: no tag follows the colon`, "ref");
  const { tag, digest } = splitTag(name, index);
  if (digest === undefined) return await resolve(name);
  const wanted = isDigest(digest) ? parseDigest(digest) : (await resolve(`@${digest}`)).digest;
  const tagged = await resolve(tag);
  if (tagged.digest === wanted) return tagged;
  throw new OcilotError(
    "REF_NOT_FOUND",
    `${tag} is ${tagged.digest}, not ${wanted}`,
    { reference: text, candidates: [`@${tagged.digest}`] },
    { hint: "Leave out the tag to name the digest, or the digest to follow the tag." },
  );
}

function moreThanOne(found: readonly Descriptor[]): OcilotError<"REF_AMBIGUOUS"> {
  const candidates = found.map((d) => `@${d.digest}`);
  return new OcilotError(
    "REF_AMBIGUOUS",
    `the layout holds more than one image: ${candidates.join(", ")}`,
    { reference: "", candidates },
    { hint: "Name one of them, by :tag, by its full image name, or by @digest." },
  );
}

/** `TAG@DIGEST`, unless a tag of that very name is there. */
function splitTag(name: string, index: IndexSnapshot): { tag: string; digest?: string } {
  const at = name.lastIndexOf("@");
  const isExact = index.entries.some((e) => e.tag === name);
  if (isExact || at < 0 || !name.slice(at).includes(":")) return { tag: name };
  return { tag: name.slice(0, at), digest: name.slice(at + 1) };
}

/**
 * Returns a reference that the libraries resolve to the very entry that was meant: by its tag where that is unique, so that a
 * copy keeps the name, else by its digest.
 */
export function exactReference(index: IndexSnapshot, reference: Named, found: Descriptor): string {
  const written = reference.rest.startsWith(":") ? splitTag(reference.rest.slice(1), index).tag : undefined;
  const same = index.entries.filter((e) => e.descriptor.digest === found.digest);
  const isAlone = (tag: string): boolean => index.entries.every((e) => e.tag !== tag || e.descriptor.digest === found.digest);
  const tags = same.flatMap((e) => e.tag ?? []).filter(isAlone);
  const tag = written === undefined ? tags[0] : (tags.find((t) => t === written) ?? tags.find((t) => t.endsWith(written)));
  return reference.rest.startsWith("@") || tag === undefined ? `@${found.digest}` : tag;
}
