import { type Digest, PORTABLE_MANIFEST_BYTES } from "@ocilot/layout";
import { type NewReferrer, attach, guessContent, largeMessage, readContent } from "@ocilot/referrers";
import { type Command, defineCommand } from "../command-line/define-command.js";
import { EXIT } from "../exit-code.js";
import { annotationOption } from "../options/annotation.js";
import { conventionIds, recordOption } from "../options/convention.js";
import { createdOption } from "../options/created.js";
import { countLayers, layerBytes } from "../options/count-layers.js";
import { jsonOption } from "../options/json.js";
import { newReferrer } from "../options/new-referrer.js";
import { platformOption } from "../options/platform.js";
import { waitOf, writeOptions } from "../options/write.js";
import { registryOptions, registrySettings } from "../options/registry.js";
import { openReference } from "../reference/open-layout.js";
import { digestIn } from "../reference/digest-in.js";
import { resolveIn } from "../reference/resolve.js";
import { usageError } from "../command-line/usage-error.js";

export const command: Command = defineCommand({
  name: "attach",
  group: "Change",
  describe: "Attach an SBOM, a signature or any file to an image",
  usage: "attach REF [FILE[:MEDIATYPE]...] [--artifact-type TYPE] [--annotation K=V]... [--platform P] [--convention C]",
  examples: [
    ["ocilot attach ./layout:v1 sbom.spdx.json", "an SBOM for an image; its type is told by its content"],
    ["ocilot attach ./layout:v1 image.sigstore.json", "a sigstore bundle, in the form that cosign verifies"],
    [
      "ocilot attach ./layout:v1 scan.json --artifact-type application/vnd.example.scan --platform linux/arm64",
      "a scan result for one platform",
    ],
    ["ocilot attach ./layout:v1 --manifest signature-manifest.json", "an existing manifest, unchanged"],
  ],
  notes: [
    "Prints the digest of the referrer. The same input gives the same digest: no time is recorded unless you give one.",
    "Without --artifact-type the content decides: SPDX, CycloneDX, Syft, in-toto statements and DSSE envelopes, OpenVEX, CSAF, SARIF, sigstore bundles, cosign payloads, notation signatures. Any other file needs it.",
    "Programs that take no lock, such as oras, can overwrite the new record if they read index.json before and write it after this command. It looks at index.json once more and records again where that happened, but it cannot wait for a program that writes later: let one program write at a time.",
    "The referrer is recorded in the conventions in use, or as universal if the layout has no referrers yet.",
  ],
  seeAlso: ["detach", "referrers"],
  positionals: { ref: { complete: "reference", describe: "LAYOUT:TAG or LAYOUT@DIGEST of the subject" } },
  variadic: { name: "file", complete: "file", describe: "A file to store as a layer; - is standard input", min: 0 },
  options: {
    "artifact-type": {
      type: "string",
      placeholder: "TYPE",
      complete: "none",
      describe: "The type of the artifact, a media type (default: by content)",
    },
    ...annotationOption,
    ...platformOption,
    ...recordOption,
    manifest: {
      type: "string",
      placeholder: "FILE",
      complete: "file",
      conflicts: ["artifact-type", "annotation"],
      describe: "Attach this manifest byte for byte; its subject must be REF",
    },
    ...createdOption,
    "allow-dangling": { type: "boolean", describe: "Allow a subject that is not in the layout" },
    "subject-size": {
      type: "string",
      placeholder: "BYTES",
      complete: "none",
      implies: ["allow-dangling"],
      describe: "The size of a subject that is not in the layout",
    },
    "subject-type": {
      type: "string",
      placeholder: "TYPE",
      complete: "none",
      implies: ["allow-dangling"],
      describe: "Its media type (default: image manifest)",
    },
    ...writeOptions,
    ...registryOptions,
    ...jsonOption,
  },

  async run(args, { io, out, signal }) {
    const conventions = conventionIds(args.convention);
    const { referrer, notes } = await newReferrer(args, args.rest, io);
    for (const note of notes) out.note(note);
    const { layout, reference } = await openReference(args.ref, {
      write: true,
      sync: !args["no-sync"],
      registry: registrySettings(args, io.env),
      signal,
    });
    const named = args["allow-dangling"] ? digestIn(reference) : undefined;
    const digest = named ?? (await resolveIn(layout, reference, { platform: args.platform, signal })).digest;
    for (const note of signatureNotes(referrer, digest)) out.note(note);
    const progress = out.progress("Storing", args.json);
    const totalBytes = layerBytes(args.rest);
    const counted = countLayers(referrer, (bytes) =>
      totalBytes === undefined ? progress.updateBytesSoFar(bytes) : progress.updateBytes(bytes, totalBytes),
    );
    const size = args["subject-size"];
    const subject = {
      digest,
      ...(size !== undefined && { size: bytesOf(size) }),
      ...(args["subject-type"] !== undefined && { mediaType: args["subject-type"] }),
    };
    const descriptor = await attach(layout, subject, counted, {
      ...(conventions !== undefined && { conventions }),
      allowDangling: args["allow-dangling"],
      wait: waitOf(args.wait),
      settle: 100,
      signal,
    }).finally(() => progress.end());
    if (descriptor.size > PORTABLE_MANIFEST_BYTES) out.note(largeMessage(descriptor));
    if (args.json) out.json({ subject: digest, referrer: descriptor.digest, descriptor });
    else out.print(descriptor.digest);
    return EXIT.ok;
  },
});

/** Why the tool that made a signature would not accept it on this subject. */
function signatureNotes(referrer: NewReferrer, subject: Digest): string[] {
  const isBundle = "sigstoreBundle" in referrer;
  const bytes = isBundle ? referrer.sigstoreBundle : "notationSignature" in referrer ? referrer.notationSignature : undefined;
  const guess = bytes === undefined ? undefined : guessContent(bytes);
  const notes = guess === undefined ? [] : (readContent(bytes!, guess, subject)?.notes ?? []);
  const what = isBundle ? "cosign will not accept the bundle" : "notation will not accept the signature";
  return notes.filter((n) => n.code === "SUBJECT_DIFFERS").map((n) => `${what} for this subject: ${n.message}`);
}

function bytesOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageError(`--subject-size is ${JSON.stringify(text)}, not a number of bytes`, "subject-size");
}
