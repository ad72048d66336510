/** How a referrer whose manifest is wrong is attached anew: what it holds stays as it is. SUBJECT is the digest of what it is to refer to. */
export const ATTACH_AGAIN =
  "attach its files again: ocilot extract LAYOUT@REFERRER --output DIR && ocilot attach LAYOUT@SUBJECT DIR/* --artifact-type TYPE";

/** How a referrer becomes small enough: one layer, and no annotations but those that are given anew. */
export const ATTACH_AS_ONE =
  "attach its files as one: ocilot extract LAYOUT@REFERRER --output DIR && tar -cf FILES.tar -C DIR . && ocilot attach LAYOUT@SUBJECT FILES.tar --artifact-type TYPE";
