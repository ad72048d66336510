import { type Digest, isOcilotError } from "@ocilot/layout";
import { extractDocument } from "@ocilot/referrers";
import { type Answer, json } from "../protocol/answer.js";
import { RegistryError } from "../protocol/registry-error.js";
import type { RegistryRequest } from "../protocol/request.js";
import type { PageContext, PageHandler } from "../options.js";
import type { Repository } from "../repositories/repository.js";
import { readDiagnosis, readVerification, withoutPlaces } from "./read-checks.js";
import { type OpenedLayout, readLayout } from "./read-layout.js";
import { placedStatements, readPackages } from "./read-packages.js";
import { contentSecurityPolicy, renderPage } from "./render-page.js";
import { SharedWork } from "./shared-work.js";

/** Stands for the path of a layout, which clients are not told. */
const PATH = "LAYOUT";
const PRIVATE = { "cache-control": "no-store", "cross-origin-resource-policy": "same-origin", "referrer-policy": "no-referrer" };

/**
 * Returns the page for people at `/`, for `RegistryOptions.pages`: repositories, images, evidence, which tools find what, verification and
 * a search in SBOMs. It shows what the client may read, and writes nothing.
 * @example
 * ```ts
 * import { createServer, inspectPage } from "@ocilot/server";
 *
 * const server = await createServer("./layouts", { port: 0, pages: inspectPage() });
 * console.log(server.url); // a page for a browser
 * await server.close();
 * ```
 */
export function inspectPage(): PageHandler {
  const html = renderPage();
  const headers = {
    ...PRIVATE,
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": `${contentSecurityPolicy("'self'")}; frame-ancestors 'none'`,
    "cross-origin-opener-policy": "same-origin",
  };
  const work = new SharedWork();
  return async (request, context) => {
    if (request.path === "/") return { status: 200, headers, body: html };
    const part = /^\/ui\/([a-z]+)$/.exec(request.path)?.[1];
    if (part === undefined) return undefined;
    refuseOtherSites(request);
    if (part === "repositories") return json(200, { repositories: await context.names() }, PRIVATE);
    const read = PARTS[part];
    if (read === undefined || !Object.hasOwn(PARTS, part)) return undefined;
    const repository = await context.repository(request.query.get("repository") ?? "");
    if (repository === undefined) throw new RegistryError("NAME_UNKNOWN", "repository not found");
    return await read(repository, { request, work, context });
  };
}

interface Exchange {
  readonly request: RegistryRequest;
  readonly work: SharedWork;
  readonly context: PageContext;
}

type Part = (repository: Repository, exchange: Exchange) => Promise<Answer>;

const PARTS: Readonly<Record<string, Part>> = {
  layout: async (repository, { work }) => json(200, (await open(repository, work)).model, PRIVATE),
  packages: async (repository, { work }) => {
    const sboms = await work.of(repository, "packages", async () => readPackages(repository.layout, await open(repository, work)));
    return json(200, { sboms }, PRIVATE);
  },
  diagnosis: async (repository, { work }) => {
    const diagnosis = await work.of(repository, "diagnosis", async () => readDiagnosis(repository.layout, { path: PATH }));
    return json(200, repository.isShared ? withoutPlaces(diagnosis) : diagnosis, PRIVATE);
  },
  verification: async (repository, { work }) => {
    const { model } = await open(repository, work);
    const references = repository.isShared
      ? model.images.flatMap((image) => (image.file === undefined ? [`@${image.digest}`] : []))
      : undefined;
    const read = async (): Promise<object> => readVerification(repository.layout, { path: PATH, references });
    return json(200, await work.of(repository, "verification", read, { keep: false }), PRIVATE);
  },
  document: async (repository, { request, work }) => {
    const { query } = request;
    const found = await document(repository, await open(repository, work), {
      subject: query.get("subject") ?? "",
      referrer: query.get("referrer") ?? "",
      position: Number(query.get("position") ?? 0),
    });
    return {
      status: 200,
      headers: { ...PRIVATE, "content-type": "application/octet-stream", "content-disposition": `attachment; filename="${found.name}"` },
      body: found.body,
    };
  },
};

async function open(repository: Repository, work: SharedWork): Promise<OpenedLayout> {
  return await work.of(repository, "layout", async () => {
    const tags = await repository.tags();
    const tagsOf = (): ReadonlyMap<string, Digest> => new Map(tags.sorted().map((tag) => [tag, tags.get(tag)!.digest]));
    return await readLayout(repository.layout, { name: repository.name, tagsOf, isWhole: !repository.isShared });
  });
}

/** The document of a statement that the model shows. @throws RegistryError `BLOB_UNKNOWN` */
async function document(
  { layout }: Repository,
  opened: OpenedLayout,
  { subject, referrer, position }: { readonly subject: string; readonly referrer: string; readonly position: number },
): Promise<{ readonly name: string; readonly body: NonNullable<Answer["body"]> }> {
  const placed = placedStatements(opened).find(
    (p) => p.evidence.subject === subject && p.evidence.digest === referrer && p.position === position,
  );
  if (placed?.statement.layer === undefined) throw new RegistryError("BLOB_UNKNOWN", "no such document");
  const { statement, manifest } = placed;
  try {
    const { name, content } = await extractDocument(statement, layout.blobs, { platform: manifest.platform });
    return { name, body: content instanceof Uint8Array ? content : { size: placed.statement.layer.size, open: () => content } };
  } catch (error) {
    if (isOcilotError(error, "DOCUMENT_INVALID")) throw new RegistryError("BLOB_UNKNOWN", error.message, { cause: error });
    throw error;
  }
}

/** Reading costs work, and a page of another site may not cause it. Clients that are no browsers do not send this header. */
function refuseOtherSites({ headers }: RegistryRequest): void {
  const site = headers["sec-fetch-site"];
  if (site === undefined || site === "same-origin" || site === "none") return;
  throw new RegistryError("DENIED", "this is for the page of this server only");
}
