/**
 * What the engine uses of the platform beyond ECMAScript: present in browsers, workers and Node alike.
 * tsconfig.engine.json checks the engine against this file alone, without Node's types.
 */

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean });
  decode(input?: Uint8Array): string;
}

declare class TextEncoder {
  encode(input?: string): Uint8Array;
}
