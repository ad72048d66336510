import { type Digest, type Reference, isDigest } from "@ocilot/layout";

/** Returns the digest that a reference names outright, if it does. */
export function digestIn({ rest }: Reference): Digest | undefined {
  return rest.startsWith("@") && isDigest(rest.slice(1)) ? (rest.slice(1) as Digest) : undefined;
}
