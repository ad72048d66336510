import { type Layout, shellWord } from "@ocilot/layout";
import { type Diagnosis, type VerifyOptions, doctor, verifyLayout } from "@ocilot/referrers";
import type { DiagnosisModel, VerificationModel } from "./layout-model.js";

/** Places of one problem beyond this number are not shown. */
const MAX_PLACES = 20;
const MAX_FINDINGS = 1000;

/** What a page may tell of a layout's surroundings. */
export interface CheckOptions {
  /** Stands for the path of the layout in messages and commands; the path itself unless given. */
  readonly path?: string | undefined;
  /** Only this is verified: manifests as `@digest`. */
  readonly references?: readonly string[] | undefined;
  readonly content?: VerifyOptions["content"];
  readonly onProgress?: VerifyOptions["onProgress"];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns which tools find what in a layout, and the problems in the order in which they should be fixed.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { readDiagnosis } from "@ocilot/server";
 *
 * const layout = await Layout.open("./layout");
 * const { healthy, tools } = await readDiagnosis(layout);
 * for (const { title, found, total } of tools) console.log(`${title}: ${found} of ${total}`, healthy);
 * ```
 */
export async function readDiagnosis(layout: Layout, options: CheckOptions = {}): Promise<DiagnosisModel> {
  const { path, signal } = options;
  return diagnosisModel(await doctor(layout, { ...(signal && { signal }) }), renamed(layout, path));
}

function diagnosisModel({ healthy, links, conventions, tools, traps }: Diagnosis, text: (value: string) => string): DiagnosisModel {
  return {
    healthy,
    referrers: links,
    conventions: conventions.map(({ id, title, entries }) => ({ id, title, entries: entries.length })),
    tools: tools.map(({ id, title, judged, found, total, healthy: isWell, blocked }) => {
      return { id, title, judged, found, total, healthy: isWell, blocked: blocked.map(text) };
    }),
    problems: traps.map(({ code, severity, programs, effect, fix, places }) => ({
      code,
      severity,
      programs,
      effect: text(effect),
      ...(fix !== "" && { fix: text(fix) }),
      places: [
        ...places.slice(0, MAX_PLACES).map((p) => text(p.message)),
        ...(places.length > MAX_PLACES ? [`and ${places.length - MAX_PLACES} more`] : []),
      ],
    })),
  };
}

/** Returns a diagnosis without what tells of other repositories in the same layout. */
export function withoutPlaces({ problems, ...rest }: DiagnosisModel): DiagnosisModel {
  return {
    ...rest,
    tools: rest.tools.map((tool) => ({ ...tool, blocked: tool.blocked.length > 0 ? ["it cannot use the layout"] : [] })),
    problems: problems.map(({ code, severity, programs, effect }) => ({ code, severity, programs, effect, places: [] })),
  };
}

/**
 * Returns what verify finds, errors first. Every blob is hashed.
 * @example
 * ```ts
 * import { Layout } from "@ocilot/layout";
 * import { readVerification } from "@ocilot/server";
 *
 * const layout = await Layout.open("./layout");
 * const { findings, checked } = await readVerification(layout);
 * console.log(findings.length, checked.blobs);
 * ```
 */
export async function readVerification(layout: Layout, options: CheckOptions = {}): Promise<VerificationModel> {
  const { path, ...given } = options;
  const text = renamed(layout, path);
  const { findings, checked } = await verifyLayout(layout, given);
  return {
    checked,
    findings: findings.slice(0, MAX_FINDINGS).map(({ code, severity, path: where, message, fix }) => {
      return { code, severity, path: text(where), message: text(message), ...(fix !== undefined && { fix: text(fix) }) };
    }),
  };
}

/** Who looks at a page need not know where the server keeps its files. */
function renamed({ location }: Layout, path: string | undefined): (value: string) => string {
  if (path === undefined || !/[\\/]/.test(location)) return (value) => value;
  return (value) => value.replaceAll(shellWord(location), path).replaceAll(location, path);
}
