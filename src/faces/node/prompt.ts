/**
 * The prompt. The engine has a thread of its own, so this one hears Ctrl-C while a command runs. While it runs the
 * terminal is in its ordinary mode and nothing is read from it: it belongs to the pager or the shell, and Ctrl-C is a
 * signal. Between commands readline has it, and Ctrl-C is a key.
 */

import { createInterface, type Interface } from 'node:readline';
import type { Options } from './arguments.ts';
import { linesOfSources } from './command-lines.ts';
import { RemoteEngine } from './engine-client.ts';
import { failureOf, failureText, openingFailed } from './failure.ts';
import { History, MOST_LINES } from './history.ts';
import { commandsOf, LineRunner } from './line-runner.ts';
import type { ExitStatus } from './main.ts';
import { openingCommands } from './opening-commands.ts';
import { escapeControl, escapeLine } from '../../render/text/escape.ts';
import { withOpeningProgress } from './opening-progress.ts';
import { chosenPager, PagedScreen } from './pager.ts';
import { takeTabsForKeys, TabQueue } from './tab.ts';
import { version } from './version.ts';

const PROMPT = 'vmscope> ';

export async function runPrompt(options: Options): Promise<ExitStatus> {
  let lines: readonly string[];
  try {
    lines = linesOfSources(options.sources);
  } catch (error) {
    say(`vmscope: ${failureText(failureOf(error))}`);
    return 2;
  }
  let engine: RemoteEngine;
  try {
    engine = await withOpeningProgress(escapeLine(options.files.join(' ')), (hush) =>
      RemoteEngine.open(options, warn, hush),
    );
  } catch (error) {
    return openingFailed(error, say);
  }
  for (const warning of engine.opened.warnings) warn(warning);
  if (!options.silent) print(`vmscope ${version}: "help" lists the commands, Ctrl-D leaves\n\n`);
  await new Prompt(engine, options).run([...openingCommands(options), ...lines]);
  const status = engine.dead ? 1 : 0;
  await engine.end();
  return status;
}

class Prompt {
  readonly #engine: RemoteEngine;
  readonly #runner: LineRunner;
  readonly #history = new History();
  readonly #readline: Interface;
  /** Lines that were read while a command ran: a paste, or typed ahead. */
  readonly #waiting: string[] = [];
  readonly #tabs = new TabQueue(
    (line) => this.#complete(line),
    () => this.#readline.line.slice(0, this.#readline.cursor),
  );
  #interrupts = 0;

  constructor(engine: RemoteEngine, options: Options) {
    this.#engine = engine;
    const pager = chosenPager();
    this.#runner = new LineRunner(engine, {
      format: options.json ? 'json' : 'text',
      screen: () => new PagedScreen(theScreen, pager),
      complain: say,
      shellReads: true,
    });
    this.#readline = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: PROMPT,
      history: this.#history.load(),
      historySize: MOST_LINES,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        void this.#tabs.press(line, (offer) => done(null, offer));
      },
    });
    takeTabsForKeys(process.stdin, this.#readline);
  }

  /** Runs the first lines, then those that are typed, until the user leaves. */
  async run(first: readonly string[]): Promise<void> {
    const interrupt = (): void => this.#interrupt();
    process.on('SIGINT', interrupt);
    try {
      if (await this.#runLines(first)) await this.#converse();
    } finally {
      process.removeListener('SIGINT', interrupt);
      this.#readline.close();
    }
  }

  #converse(): Promise<void> {
    const readline = this.#readline;
    return new Promise((resolve, reject) => {
      let busy = false;
      const next = async (): Promise<void> => {
        busy = true;
        let line = this.#waiting.shift();
        while (line !== undefined) {
          this.#history.add(line);
          if (!(await this.#runLines([line]))) return resolve();
          line = this.#waiting.shift();
        }
        busy = false;
        readline.prompt();
      };
      readline.on('line', (line) => {
        this.#tabs.forget();
        this.#waiting.push(line);
        if (!busy) next().catch(reject);
      });
      readline.on('SIGINT', () => {
        this.#tabs.forget();
        readline.write(null, { ctrl: true, name: 'e' });
        readline.write(null, { ctrl: true, name: 'u' });
        print('\n');
        readline.prompt();
      });
      readline.on('close', () => {
        print('\n');
        resolve();
      });
      readline.prompt();
    });
  }

  /** False where one of them leaves. Those after one that was interrupted are not run. */
  async #runLines(lines: readonly string[]): Promise<boolean> {
    this.#readline.pause();
    process.stdin.setRawMode(false);
    this.#interrupts = 0;
    try {
      for (const command of lines.flatMap(commandsOf)) {
        if ((await this.#runner.run(command)) === 'quit' || this.#engine.dead) return false;
        if (this.#interrupts > 0) break;
      }
    } finally {
      process.stdin.setRawMode(true);
      this.#readline.resume();
    }
    return true;
  }

  #interrupt(): void {
    this.#engine.stop();
    if (++this.#interrupts === 2) say('(the command does not listen yet; Ctrl-\\ ends vmscope at once)');
  }

  /** Names come from the dump: one that holds what a shell or a terminal would obey is not put into the line. */
  async #complete(line: string): Promise<readonly [string[], string]> {
    const part = line.slice(line.lastIndexOf(';') + 1).trimStart();
    if (/[|>'"\\]/.test(part) || part.startsWith('!')) return [[], line];
    const { candidates, word, open } = await this.#engine.complete(part);
    const harmless = candidates.filter((candidate) => /^[\w.$@:?+-]+$/.test(candidate));
    const [only] = harmless;
    return [harmless.length === 1 && only !== undefined && !open ? [`${only} `] : harmless, word];
  }
}

const theScreen = {
  get rows(): number {
    return process.stdout.rows || 24;
  },
  get columns(): number {
    return process.stdout.columns || 80;
  },
  write: print,
};

function print(text: string): void {
  process.stdout.write(text);
}

function warn(message: string): void {
  say(`vmscope: warning: ${message}`);
}

function say(message: string): void {
  process.stderr.write(`${escapeControl(message)}\n`);
}
