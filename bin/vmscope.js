#!/usr/bin/env node
// The command `vmscope`: loads what the build made. Committed as it is, so that npx finds a program in a fresh checkout.
import { existsSync } from 'node:fs';

const program = new URL('../dist/vmscope.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('vmscope: this checkout is not built yet; run: npm run build');
  process.exitCode = 3;
}
