import { type Descriptor, type Digest, type DockerImage, type Layout, OcilotError, isNameEnd } from "@ocilot/layout";
import { type LayoutView, dockerManifests } from "@ocilot/referrers";
import { commandLine } from "../render/shell-quote.js";

/**
 * Returns what a reference names of the images that Docker's files list: by a name that only those files give, by the config's digest, which
 * `ls` shows, or, where `rest` is empty, as the only such image. Undefined where they list no such image.
 * @throws OcilotError `REF_AMBIGUOUS`; `REF_NOT_FOUND` for an image without a manifest in the layout
 */
export async function dockerReference(layout: Layout, view: LayoutView, rest: string): Promise<Descriptor | undefined> {
  const docker = await layout.dockerImages();
  const fitting = docker.images.filter((image) => isNamed(image, rest));
  if (fitting.length === 0) return undefined;
  const { listed, byConfig } = await dockerManifests(layout, view, docker);
  const images = new Map<Digest, DockerImage>();
  for (const image of fitting) if (rest !== "" || !listed.has(image.config!)) images.set(image.config!, image);
  const [first, ...others] = [...images.values()];
  if (first === undefined) return undefined;
  if (others.length > 0) throw ambiguous(rest, [...images.values()]);
  const manifest = listed.get(first.config!) ?? byConfig.get(first.config!);
  if (manifest === undefined) throw withoutManifest(layout, first);
  return manifest;
}

function isNamed({ config, names }: DockerImage, rest: string): boolean {
  if (config === undefined) return false;
  if (rest === "") return true;
  const name = rest.slice(1);
  return rest.startsWith("@") ? config === name : names.some((full) => full === name || isNameEnd(full, name));
}

function labelOf({ config, names }: DockerImage): string {
  return names[0] ?? `@${config}`;
}

function ambiguous(rest: string, images: readonly DockerImage[]): OcilotError<"REF_AMBIGUOUS"> {
  const candidates = images.map((image) => `${namesOf(image)}@${image.config}`);
  const what = rest === "" ? "the layout holds more than one image" : `${JSON.stringify(rest.slice(1))} names more than one image`;
  return new OcilotError(
    "REF_AMBIGUOUS",
    `${what}: ${candidates.slice(0, 5).join(", ")}${candidates.length > 5 ? ", …" : ""}`,
    { reference: rest, candidates },
    { hint: "Name one of them, by its full image name, or by @digest." },
  );
}

function namesOf(image: DockerImage): string {
  return image.names.join(", ") || "untagged";
}

function withoutManifest({ location }: Layout, image: DockerImage): OcilotError<"REF_NOT_FOUND"> {
  return new OcilotError(
    "REF_NOT_FOUND",
    `${labelOf(image)} is listed only in Docker's ${image.file}, and the layout has no image manifest for it`,
    { reference: labelOf(image), candidates: [] },
    { hint: `Copy it with all other content: ${commandLine("ocilot", "copy", "--all", location, "DIR")}` },
  );
}
