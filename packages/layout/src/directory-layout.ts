import { throwIfAborted } from "./abort.js";
import { createDirectory } from "./directory/create-directory.js";
import { openDirectory } from "./directory/directory-backend.js";
import { Layout as PortableLayout } from "./layout.js";

/** How a layout is opened. */
export interface LayoutOptions {
  /** `false` skips syncing to the disk: faster, but data may be lost on power failure (default: true). */
  sync?: boolean;
  /**
   * Read files that are symbolic links out of a layout directory, as Bazel makes them (default: false, which refuses them). Content is
   * checked as any other; nothing is written or deleted behind such a link.
   */
  followLinks?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * An OCI Image Layout: `oci-layout`, `index.json` and `blobs/`. As in `@ocilot/layout/web`, and with what needs a file system.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export class Layout extends PortableLayout {
  /**
   * Opens a layout directory. Writes nothing.
   * @throws OcilotError `PATH_NOT_FOUND`, `NOT_A_LAYOUT`, `LAYOUT_INVALID`, `LINK_OUTSIDE`, `ACCESS_DENIED`, `ABORTED`, `IO_ERROR`
   * @example
   * ```ts
   * import { Layout } from "@ocilot/layout";
   *
   * const layout = await Layout.open("./layout");
   * const image = await layout.resolve("v1");
   * console.log(image.digest);
   * ```
   */
  static async open(path: string, options: LayoutOptions = {}): Promise<Layout> {
    throwIfAborted(options.signal);
    return new Layout(openDirectory(path, { sync: options.sync ?? true, followLinks: options.followLinks ?? false }));
  }

  /**
   * Makes an empty layout in a directory that is empty or does not exist. What a killed process left half made is completed.
   * @throws OcilotError `OUTPUT_EXISTS`, `ACCESS_DENIED`, `ABORTED`, `IO_ERROR`
   */
  static async create(path: string, options: LayoutOptions = {}): Promise<Layout> {
    throwIfAborted(options.signal);
    await createDirectory(path, { sync: options.sync ?? true });
    return await Layout.open(path, options);
  }
}
