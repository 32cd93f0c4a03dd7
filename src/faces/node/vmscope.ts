/** The program: dist/vmscope.js begins here. Errors that nothing else caught are bugs, and are told as such. */

import { bugText } from './bug.ts';
import { main } from './main.ts';

function giveUp(error: unknown): void {
  process.stderr.write(`${bugText(error)}\n`);
  process.exit(1);
}

process.on('uncaughtException', giveUp);
process.on('unhandledRejection', giveUp);

process.exitCode = await main(process.argv.slice(2));
