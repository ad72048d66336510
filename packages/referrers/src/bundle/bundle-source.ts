import type { Layout, Platform } from "@ocilot/layout/web";

/** What a bundle is made of: a layout, or a repository of a registry. */
export interface BundleSource {
  readonly layout: Layout;
  /** The full name of the repository, which the names in the bundle begin with; a layout keeps the names that it has. */
  readonly repository?: string;
  /** Tags and `@digests`, as `Layout.resolve` takes them (default: everything). */
  readonly references?: readonly string[];
  /** Only these platforms of image indexes (default: all). Takes references. */
  readonly platforms?: readonly Platform[];
}
