// Reads the machine's own apt sources (sources.list and deb822 .sources files): they say which archive this machine
// takes Debian from and with which key it is signed, so that no archive's address is written down in this project.
// Format: sources.list(5).
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from './tool-error.ts';

export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly signedBy: string | undefined;
}

const aptFolder = '/etc/apt';

function parseOneLine(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)/.exec(line);
    const [, options = '', uri, suite] = match ?? [];
    if (uri === undefined || suite === undefined) continue;
    sources.push({ uri, suite, signedBy: /signed-by=(\S+)/.exec(options)?.[1] });
  }
  return sources;
}

function parseDeb822(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const stanza of text.replaceAll(/^#.*\n/gm, '').split(/\n\s*\n/)) {
    const field = (name: string): readonly string[] => {
      const value = new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1];
      return value?.trim().split(/\s+/) ?? [];
    };
    if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') continue;
    // A key may also stand in the field itself, as a block of text; apt's own trusted keys serve then.
    const [key] = field('Signed-By');
    const signedBy = key?.startsWith('/') ? key : undefined;
    for (const uri of field('URIs')) {
      for (const suite of field('Suites')) sources.push({ uri, suite, signedBy });
    }
  }
  return sources;
}

function readSources(): AptSource[] {
  const parts = join(aptFolder, 'sources.list.d');
  const files = [join(aptFolder, 'sources.list')];
  if (existsSync(parts)) files.push(...readdirSync(parts).map((name) => join(parts, name)));
  return files.filter(existsSync).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    if (file.endsWith('.sources')) return parseDeb822(text);
    return file.endsWith('.list') ? parseOneLine(text) : [];
  });
}

/** Which Debian release this machine runs: `bookworm`. */
function codename(): string | undefined {
  const file = '/etc/os-release';
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (!/^ID=debian$/m.test(text)) return undefined;
  return /^VERSION_CODENAME=(\S+)$/m.exec(text)?.[1];
}

/** The source that this machine takes Debian itself from, and the one for its security updates. */
export function debianSources(): { readonly main: AptSource; readonly security: AptSource | undefined } {
  const release = codename();
  const sources = readSources();
  const main = sources.find((source) => source.suite === release);
  if (release === undefined || main === undefined) {
    throw new ToolError('Fixtures are built from Debian packages: run this on Debian, with its archive in /etc/apt.');
  }
  return { main, security: sources.find((source) => source.suite === `${release}-security`) };
}

/** One line of a sources list: the given suite from the same archive. */
export function sourceLine(source: AptSource, suite: string): string {
  const options = source.signedBy === undefined ? '' : `[signed-by=${source.signedBy}] `;
  return `deb ${options}${source.uri} ${suite} main`;
}
