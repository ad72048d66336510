import { createHash } from "node:crypto";
import { SCRIPT, STYLE } from "./assets.js";
import { embedJson, escapeHtml } from "./embed-json.js";
import type { DiagnosisModel, LayoutModel, SbomModel, VerificationModel } from "./layout-model.js";

/** A document that can be saved from a report. */
export interface EmbeddedDocument {
  readonly name: string;
  readonly base64: string;
}

/** Everything that a report of one layout shows, in one file. */
export interface ReportData {
  readonly model: LayoutModel;
  readonly diagnosis?: DiagnosisModel | undefined;
  readonly verification?: VerificationModel | undefined;
  readonly sboms: readonly SbomModel[];
  /** By `SUBJECT REFERRER POSITION`. */
  readonly documents: Readonly<Record<string, EmbeddedDocument>>;
  /** Commands to copy for each image, by digest. */
  readonly commands: Readonly<Record<string, readonly { readonly label: string; readonly text: string }[]>>;
  /** The version of ocilot, and when the report was made (RFC 3339). */
  readonly made: { readonly version: string; readonly time: string };
}

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Returns the policy of the page: its own script and style by their hashes, requests to `connect` only, nothing else. */
export function contentSecurityPolicy(connect: "'self'" | "'none'"): string {
  return [
    "default-src 'none'",
    `script-src ${hashOf(SCRIPT)}`,
    `style-src ${hashOf(STYLE)}`,
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

/** Returns the page that asks the server for what it shows. */
export function renderPage(): string {
  return page("ocilot", "", "");
}

/**
 * Returns the page with its data in it: one file that opens without a server and sends no request.
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { Layout } from "@ocilot/layout";
 * import { readReport, renderReport } from "@ocilot/server";
 *
 * const layout = await Layout.open("./layout");
 * const data = await readReport(layout, { name: "layout", version: "1", time: new Date(), verify: true });
 * await writeFile("./report.html", renderReport(data));
 * ```
 */
export function renderReport(data: ReportData): string {
  const policy = `<meta http-equiv="Content-Security-Policy" content="${escapeHtml(contentSecurityPolicy("'none'"))}">\n`;
  return page(`${data.model.name} · ocilot`, policy, `<script type="application/json" id="data">${embedJson(data)}</script>\n`);
}

function page(title: string, head: string, data: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${head}<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><div class="bar"><a class="brand" href="#"><span class="mark" aria-hidden="true"></span>ocilot</a><span id="where"></span></div></header>
<div id="frame">
<nav id="repositories" aria-label="Repositories" hidden></nav>
<main id="main" tabindex="-1"><noscript><p>This page needs JavaScript: its own script only, and nothing from elsewhere.</p></noscript></main>
</div>
<footer><p>Signatures are shown as they are stored; ocilot does not verify them.</p></footer>
<div id="status" role="status" aria-live="polite"></div>
${data}<script>${SCRIPT}</script>
</body>
</html>
`;
}
