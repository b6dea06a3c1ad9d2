// The JSON Schemas of docs/schema/, for tests of JSON output.
import { readFileSync, readdirSync } from 'node:fs';
import Ajv from 'ajv';

const directory = new URL('../../docs/schema/', import.meta.url);
const SUFFIX = '.schema.json';

export type Schema = Readonly<Record<string, unknown>>;

/** By name: "ls" is docs/schema/ls.schema.json. */
export function readSchemas(): ReadonlyMap<string, Schema> {
  return new Map(
    readdirSync(directory)
      .filter((file) => file.endsWith(SUFFIX))
      .map((file) => [
        file.slice(0, -SUFFIX.length),
        JSON.parse(readFileSync(new URL(file, directory), 'utf8')) as Schema,
      ]),
  );
}

/** Returns a function that lists what a schema rejects in a value. Unknown keywords and formats of the schemas throw. */
export function createValidator(
  schemas: ReadonlyMap<string, Schema>,
): (name: string, value: unknown) => string[] {
  const ajv = new Ajv({ allErrors: true, strictKeywords: true, strictDefaults: true });
  for (const schema of schemas.values()) ajv.addSchema(schema);
  return (name, value) => {
    if (ajv.validate(`${name}${SUFFIX}`, value) === true) return [];
    return (ajv.errors ?? []).map(({ dataPath, message = '', params }) =>
      `${dataPath} ${message} ${JSON.stringify(params)}`.trim(),
    );
  };
}

/** Copies of a JSON value: in each copy, another one of its objects has one more field. */
export function* withUnknownFields(value: unknown): Generator<unknown, void> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield { ...value, unknownField: 1 };
  for (const [key, each] of Object.entries(value)) {
    for (const changed of withUnknownFields(each)) {
      yield Array.isArray(value)
        ? value.map((element: unknown, i) => (String(i) === key ? changed : element))
        : { ...value, [key]: changed };
    }
  }
}
