import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type AnySchemaObject, Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

const DIRECTORY = new URL("../schema/", import.meta.url);
const SUFFIX = ".schema.json";

/** The published schemas by command, `common` and `error` too. */
export const SCHEMAS: ReadonlyMap<string, AnySchemaObject> = new Map(
  readdirSync(fileURLToPath(DIRECTORY)).map((file) => [
    file.slice(0, -SUFFIX.length),
    JSON.parse(readFileSync(new URL(file, DIRECTORY), "utf8")) as AnySchemaObject,
  ]),
);

let ajv: Ajv2020 | undefined;

/**
 * Returns why a document does not fit the schema of a command; undefined if it fits. A member that the schema does not list is an
 * error here, so that the schemas stay complete, although a reader of the published ones has to accept new members.
 */
export function schemaErrors(name: string, text: string): string | undefined {
  if (ajv === undefined) {
    ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
    for (const schema of SCHEMAS.values()) ajv.addSchema(closed(schema) as AnySchemaObject);
  }
  const validate = ajv.getSchema(SCHEMAS.get(name)!["$id"] as string) as ValidateFunction;
  return validate(JSON.parse(text)) ? undefined : `${name}${SUFFIX}: ${JSON.stringify(validate.errors)}`;
}

function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isOpen = "properties" in copy && copy["type"] === "object" && !("additionalProperties" in copy);
  return isOpen ? { ...copy, additionalProperties: false } : copy;
}
