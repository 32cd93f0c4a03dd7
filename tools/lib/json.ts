// Reads the small JSON files that the tools leave in the cache, and checks that they hold what they should.

export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value out of JSON is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses a text that holds one JSON object. */
export function parseObject(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new TypeError('This JSON is not an object.');
  return value;
}

/** A member of an object that is a string. */
export function stringMember(object: JsonObject, name: string): string {
  const value = object[name];
  if (typeof value !== 'string') throw new TypeError(`This JSON object has no string "${name}".`);
  return value;
}
