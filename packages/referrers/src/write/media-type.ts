import { OcilotError } from "@ocilot/layout/spec";

const RESTRICTED_NAME = "[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}";
const MEDIA_TYPE = new RegExp(`^${RESTRICTED_NAME}/${RESTRICTED_NAME}$`);

/**
 * Refuses a media type that registries would refuse, before anything is written.
 * @throws OcilotError `USAGE`
 * @see https://www.rfc-editor.org/rfc/rfc6838#section-4.2
 */
export function checkMediaType(mediaType: string): void {
  if (MEDIA_TYPE.test(mediaType)) return;
  throw new OcilotError(
    "USAGE",
    `${JSON.stringify(mediaType)} is not a media type`,
    { argument: mediaType },
    { hint: "A media type looks like application/spdx+json." },
  );
}
