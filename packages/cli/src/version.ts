/** Put in place by the build. */
declare const OCILOT_VERSION: string | undefined;

export const VERSION: string = typeof OCILOT_VERSION === "string" ? OCILOT_VERSION : "0.0.0-source";
