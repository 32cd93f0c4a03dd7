/** A run without a prompt: opens the dump in this thread, answers the commands it was given, and leaves. */

import type { Options } from './arguments.ts';
import { linesOfSources, linesOfStandardInput } from './command-lines.ts';
import { LocalEngine } from './engine.ts';
import { failureOf, failureText, openingFailed } from './failure.ts';
import { commandsOf, LineRunner } from './line-runner.ts';
import type { ExitStatus } from './main.ts';
import { openingCommands } from './opening-commands.ts';
import { DescriptorSink } from './sinks.ts';
import { complain } from './write-fully.ts';

export async function runOneShot(options: Options): Promise<ExitStatus> {
  let lines: readonly string[];
  try {
    lines = linesOfSources(options.sources);
  } catch (error) {
    complain(`vmscope: ${failureText(failureOf(error))}`);
    return 2;
  }
  let engine: LocalEngine;
  try {
    engine = await LocalEngine.open(options, { warn });
  } catch (error) {
    return openingFailed(error, complain);
  }
  for (const warning of engine.opened.warnings) warn(warning);

  const output = new DescriptorSink(1);
  const runner = new LineRunner(engine, {
    format: options.json ? 'json' : 'text',
    screen: () => output,
    complain,
    shellReads: options.sources.length > 0,
  });
  let status: ExitStatus = 0;
  for (const command of commandsIn(options, lines)) {
    const outcome = await runner.run(command);
    if (outcome === 'failed') status = 1;
    if (outcome === 'quit' || output.closed) break;
  }
  return status;
}

function warn(message: string): void {
  complain(`vmscope: warning: ${message}`);
}

function* commandsIn(options: Options, lines: readonly string[]): Generator<string, void, void> {
  yield* openingCommands(options);
  for (const line of lines) yield* commandsOf(line);
  if (options.sources.length > 0) return;
  for (const line of linesOfStandardInput()) yield* commandsOf(line);
}
