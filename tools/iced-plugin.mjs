// For esbuild: iced-x86 without Node. Its glue reads its wasm file by require('fs') when it is loaded; instead the bytes
// come into the bundle by the `binary` loader, so that it works in Node without node_modules and in a browser.
import { readFile } from 'node:fs/promises';

const glueReads = /^const path = require\('path'\).*\nconst bytes = require\('fs'\).*$/m;
const glueTakes = /^const \{ TextDecoder, TextEncoder \} = require\(`util`\);$/m;
const documentation = /^ *\/\*\*\n(?: *\*.*\n)*? *\*\/\n/gm;

export const icedWithoutNode = {
  name: 'iced-without-node',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]iced_x86\.js$/ }, async ({ path }) => {
      const glue = await readFile(path, 'utf8');
      if (!glueReads.test(glue) || !glueTakes.test(glue))
        throw new Error(`${path}: its glue is another one than tools/iced-plugin.mjs knows`);
      const contents = glue
        .replace(documentation, '')
        .replace(glueTakes, 'const { TextDecoder, TextEncoder } = globalThis;')
        .replace(glueReads, "const bytes = require('./iced_x86_bg.wasm');");
      return { contents, loader: 'js' };
    });
    onLoad({ filter: /[\\/]iced_x86_bg\.wasm$/ }, async ({ path }) => ({
      contents: await readFile(path),
      loader: 'binary',
    }));
  },
};
