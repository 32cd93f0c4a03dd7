/**
 * Everything below faces/ runs in a browser: bundles it for one, and reports what esbuild cannot find there (node:
 * modules, packages that are impure where types do not show it).
 */

import { build } from 'esbuild';
import { messageOf } from '../../src/base/errors.ts';
import { icedWithoutNode } from '../iced-plugin.mjs';

const entry = `
  export { Session } from './src/commands/session.ts';
  export { invocationOf, runCommand } from './src/commands/run.ts';
  export { complete } from './src/commands/complete.ts';
  export { loadDisassembler } from './src/disasm/disassembler.ts';
  export { openTarget } from './src/target/target.ts';
  export { renderText } from './src/render/text/index.ts';
  export { toJson } from './src/render/json.ts';
`;

/** What keeps the engine from a browser; empty where nothing does. */
export async function browserImpurities(root: string): Promise<string[]> {
  try {
    const { warnings, outputFiles } = await build({
      absWorkingDir: root,
      stdin: { contents: entry, resolveDir: root, loader: 'ts' },
      bundle: true,
      write: false,
      platform: 'browser',
      format: 'esm',
      target: 'es2022',
      plugins: [icedWithoutNode],
      logLevel: 'silent',
    });
    const text = outputFiles[0]?.text ?? '';
    const used = ['process.', 'Buffer.', 'require('].filter((name) =>
      new RegExp(`(?<![\\w.$'"\`])${name.replace(/[.(]/g, '\\$&')}`).test(text),
    );
    return [...warnings.map((warning) => warning.text), ...used.map((name) => `the bundle uses ${name}`)];
  } catch (error) {
    return [messageOf(error)];
  }
}
