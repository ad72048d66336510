import type { Digest, Manifest } from "@ocilot/layout/spec";
import { fillIn } from "./fill-in.js";

/** How a referrer whose manifest is wrong is attached anew: what it holds stays as it is. SUBJECT is the digest of what it is to refer to. */
export const ATTACH_AGAIN =
  "attach its files again: ocilot extract LAYOUT@REFERRER --output DIR && ocilot attach LAYOUT@SUBJECT DIR/* --artifact-type TYPE && ocilot detach LAYOUT@REFERRER";

/** How a referrer becomes small enough: one layer, and no annotations but those that are given anew. */
export const ATTACH_AS_ONE =
  "attach its files as one: ocilot extract LAYOUT@REFERRER --output DIR && tar -cf FILES.tar -C DIR . && ocilot attach LAYOUT@SUBJECT FILES.tar --artifact-type TYPE && ocilot detach LAYOUT@REFERRER";

/** The same for one without files, whose manifest is all there is of it. */
const CORRECT_MANIFEST =
  "correct the size and mediaType of its subject in a copy of its manifest: ocilot cat LAYOUT@REFERRER > MANIFEST.json, edit MANIFEST.json, ocilot attach LAYOUT@SUBJECT --manifest MANIFEST.json && ocilot detach LAYOUT@REFERRER";
const MAKE_SMALLER = "make a smaller one with the tool that made it";

/** Returns how a referrer that describes its subject wrongly is attached anew, with the digests filled in. */
export function attachAgain(referrer: Digest, subject: Digest, manifest: Manifest | undefined): string {
  return fillIn(hasFiles(manifest) ? ATTACH_AGAIN : CORRECT_MANIFEST, { REFERRER: referrer, SUBJECT: subject });
}

/** Returns how a manifest becomes small enough, with the digests filled in. @param subject what it refers to, if it is a referrer */
export function makeSmaller(digest: Digest, subject: Digest | undefined, manifest: Manifest): string {
  return subject === undefined || !hasFiles(manifest) ? MAKE_SMALLER : fillIn(ATTACH_AS_ONE, { REFERRER: digest, SUBJECT: subject });
}

function hasFiles(manifest: Manifest | undefined): boolean {
  return manifest === undefined || manifest.layers.length > 0;
}
