/**
 * Fetches a file with the debug information of a build, as the other clients of debuginfod do: all servers are asked
 * at once, "not found" is remembered for a while, what failed otherwise is asked again, and what was interrupted is
 * gone on with. debuginfod(8), "WEBAPI"; debuginfod-client-config(7).
 *
 * A server is trusted with nothing: a file is taken only where it is of the build that was asked for, and whole.
 */

import { attempt } from '../../../base/errors.ts';
import type { FetchedFile, Host } from '../../../base/host.ts';
import { FileSource } from '../../../bytes/byte-source.ts';
import { ElfFile } from '../../../formats/elf/elf-file.ts';
import { buildIdOfElf } from '../../../formats/elf/build-id.ts';
import { isBuildId } from '../../../target/vmlinux-places.ts';
import { timeText } from '../amounts.ts';
import { NodeHost } from '../host.ts';
import { Progress, standardErrorScreen, type Screen } from '../progress.ts';
import { systemMessage } from '../system-message.ts';
import { CacheEntry } from './cache.ts';
import { CacheProblem, download } from './download.ts';
import { HttpProblem } from './http.ts';
import { firstAnswer, type Question, type Refusal } from './race.ts';
import { settingsOf, type Settings } from './settings.ts';
import { TooSlow } from './watch.ts';

const NOT_FOUND = 404;
const TOO_LARGE = 406;
const RANGE_NOT_SATISFIABLE = 416;
const PAUSE_MILLISECONDS = 200;
/** How often a bar is drawn anew. */
const SHOW_MILLISECONDS = 100;

/** @param buildId hex */
export async function fetchDebugFile(
  buildId: string,
  servers: readonly string[],
  host: Host,
  screen: Screen = standardErrorScreen(),
): Promise<FetchedFile> {
  const settings = settingsOf(host);
  if (!isBuildId(buildId)) return refused(`not asked: ${buildId} is no build-id`);
  if (settings.cache === undefined) return refused('not asked: there is no cache to fetch into, $HOME is not set');
  const entry = new CacheEntry(settings.cache, buildId);
  try {
    const missing = entry.missingFor();
    if (missing !== undefined && missing <= settings.missMilliseconds)
      return refused(`the servers had none ${timeText(missing)} ago; ${entry.path} remembers it, and may be deleted`);
    entry.prepare();
  } catch (error) {
    return refused(`${settings.cache}: ${systemMessage(error)}`);
  }
  return new Fetch(buildId, servers, settings, entry, screen).run();
}

function refused(problem: string): FetchedFile {
  return { problem, asked: true };
}

class Fetch {
  readonly #buildId: string;
  readonly #settings: Settings;
  readonly #entry: CacheEntry;
  readonly #screen: Screen;
  readonly #progress: Progress;
  #shown = 0;
  /** Those that are worth asking. */
  #servers: readonly string[];
  /** The last that each server said. */
  readonly #refusals = new Map<string, HttpProblem>();

  constructor(buildId: string, servers: readonly string[], settings: Settings, entry: CacheEntry, screen: Screen) {
    this.#buildId = buildId;
    this.#servers = servers;
    this.#settings = settings;
    this.#entry = entry;
    this.#screen = screen;
    this.#progress = new Progress(screen);
  }

  async run(): Promise<FetchedFile> {
    const { longestMilliseconds, retries } = this.#settings;
    const stop = new AbortController();
    const timer = longestMilliseconds === undefined ? undefined : setTimeout(() => stop.abort(), longestMilliseconds);
    try {
      for (let failed = 0; this.#servers.length > 0;) {
        const outcome = await this.#attempt(stop.signal);
        if (outcome !== 'failed') return outcome;
        if (stop.signal.aborted)
          return this.#problem(`not fetched within ${(longestMilliseconds ?? 0) / 1000} s ($DEBUGINFOD_MAXTIME)`);
        if (++failed > retries) break;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
      }
    } catch (error) {
      if (error instanceof CacheProblem) return refused(error.message);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#progress.clear();
    }
    const problems = [...this.#refusals.values()];
    if (problems.length > 0 && problems.every(({ status }) => status === NOT_FOUND)) this.#entry.setMissing();
    return this.#problem();
  }

  /** Asks every server once. */
  async #attempt(stop: AbortSignal): Promise<FetchedFile | 'failed'> {
    if (this.#screen.isTerminal)
      this.#say(`asking ${this.#servers.join(', ')} for the debug file of build-id ${this.#buildId}`);
    const { answer, refusals } = await firstAnswer(
      this.#servers.map((server) => this.#question(server)),
      this.#settings,
      stop,
    );
    for (const refusal of refusals) {
      this.#refused(refusal);
      // Who works in an outage is not to wait for it again.
      if (refusal.problem instanceof TooSlow) this.#leave(refusal.server);
    }
    if (answer === undefined) return 'failed';
    const { server } = answer.question;
    try {
      this.#say(`fetching the debug file of build-id ${this.#buildId} from ${server}`);
      await download(answer, this.#entry, {
        largestFile: this.#settings.largestFile,
        progress: (done, total) => this.#show(done, total),
      });
    } catch (error) {
      if (!(error instanceof HttpProblem)) throw error;
      this.#refused({ server, problem: error });
      return 'failed';
    }
    const wrong = whatIsWrongWith(this.#entry.partial, this.#buildId);
    if (wrong === undefined) {
      this.#entry.publish();
      return { path: this.#entry.path };
    }
    this.#entry.dropPartial();
    this.#leave(server);
    this.#refused({ server, problem: new HttpProblem(wrong) });
    return 'failed';
  }

  #question(server: string): Question {
    const url = `${server.replace(/\/+$/, '')}/buildid/${this.#buildId}/debuginfo`;
    const begun = this.#entry.begun();
    const resume = begun?.origin.url === url;
    this.#detail(`GET ${url}${resume ? ` from byte ${begun?.size ?? 0} on` : ''}`);
    return {
      server,
      url,
      headers: {
        ...this.#settings.headers,
        ...(resume && begun !== undefined ? { Range: `bytes=${begun.size}-`, 'If-Range': begun.origin.validator } : {}),
      },
    };
  }

  #refused({ server, problem }: Refusal): void {
    this.#detail(`${server} ${problem.message}`);
    this.#refusals.set(server, problem);
    if (problem.status === RANGE_NOT_SATISFIABLE) this.#entry.dropPartial();
    if (problem.status === NOT_FOUND || problem.status === TOO_LARGE) this.#leave(server);
  }

  /** It would say the same again. */
  #leave(server: string): void {
    this.#servers = this.#servers.filter((other) => other !== server);
  }

  #problem(...first: readonly string[]): FetchedFile {
    const told = Array.from(this.#refusals, ([server, { message }]) => `${server} ${message}`);
    return refused([...first, ...told].join('; '));
  }

  #show(done: number, total: number | undefined): void {
    const now = performance.now();
    if (now - this.#shown < SHOW_MILLISECONDS && done !== total) return;
    this.#shown = now;
    this.#progress.update(done, total ?? done);
  }

  #say(text: string): void {
    this.#progress.clear();
    this.#screen.write(`vmscope: ${text}\n`);
  }

  /** For who wants to know all ($DEBUGINFOD_VERBOSE). */
  #detail(text: string): void {
    if (this.#settings.verbose) this.#say(`debuginfod: ${text}`);
  }
}

/** Undefined where it is what was asked for. */
function whatIsWrongWith(path: string, buildId: string): string | undefined {
  const file = new NodeHost().open(path);
  if (file === undefined) return 'gave a file that cannot be read';
  try {
    const elf = attempt(() => new ElfFile(new FileSource(file)));
    if (elf === undefined) return 'gives no ELF file';
    if (elf.sections().length === 0 || elf.sectionsMissing()) return 'gives a file that is cut off';
    const own = buildIdOfElf(elf);
    return own === buildId ? undefined : `gives a file of another build (build-id ${own ?? 'none'})`;
  } finally {
    file.close();
  }
}
