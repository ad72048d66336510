import type { Digest } from "@ocilot/layout/spec";
import { NamedSubjects, type OpenedContent, malformed, openedContent } from "../content.js";
import { readCertificate } from "../encoding/certificate.js";
import { memberOutline, memberText, outlineOf } from "../encoding/json-outline.js";
import type { StatementClass } from "../statement.js";

/** What an envelope of notation says beside its payload. */
interface EnvelopeClaims {
  /** DER. */
  readonly certificate: Uint8Array | undefined;
  readonly time?: string;
  readonly hasTimestamp: boolean;
}

/** What notation signs, whichever envelope it is in: the descriptor of the artifact. */
export function openedNotation(
  found: StatementClass,
  payload: string,
  expected: Digest | undefined,
  claims: EnvelopeClaims,
): OpenedContent {
  const certificate = claims.certificate === undefined ? undefined : readCertificate(claims.certificate);
  const signer = {
    ...(certificate !== undefined && { certificate }),
    ...(claims.time !== undefined && { time: claims.time }),
    hasLogEntry: false,
    hasTimestamp: claims.hasTimestamp,
  };
  const digest = memberText(payload, memberOutline(payload, outlineOf(payload), "targetArtifact"), "digest");
  if (digest === undefined) return malformed({ ...found, signer }, "its payload names no artifact");
  const named = new NamedSubjects(expected);
  named.add([digest]);
  return openedContent({ ...found, signer, ...named.result() });
}
