/**
 * Tab at the prompt. Readline takes the answer whenever it comes and puts it into the line as it then is; so an answer
 * is only given to the line it was asked for. Tabs that come faster than answers wait for their turn: the second asks
 * for the line as the first left it. One that the line has left behind offers nothing.
 */

/** What may stand in place of the end of the line, and that end: what readline takes. */
export type Offer = readonly [candidates: string[], word: string];

export class TabQueue {
  readonly #ask: (line: string) => Promise<Offer>;
  readonly #current: () => string;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** What answers made of a line while further Tabs wait that were typed in it. */
  #grown: { readonly from: string; readonly to: string } | undefined;
  #entered = 0;

  /** @param current the line up to the cursor */
  constructor(ask: (line: string) => Promise<Offer>, current: () => string) {
    this.#ask = ask;
    this.#current = current;
  }

  /** The line was entered or cleared: whoever waits is not answered any more. */
  forget(): void {
    this.#entered++;
  }

  /** @param give takes the answer into the line at once */
  press(typed: string, give: (offer: [string[], string]) => void): Promise<void> {
    if (this.#waiting === 0) this.#grown = undefined;
    this.#waiting++;
    const entered = this.#entered;
    this.#last = this.#last.then(async () => {
      try {
        await this.#answer(typed, entered, give);
      } finally {
        this.#waiting--;
      }
    });
    return this.#last;
  }

  async #answer(typed: string, entered: number, give: (offer: [string[], string]) => void): Promise<void> {
    const line = this.#grown?.from === typed ? this.#grown.to : typed;
    const isStale = (): boolean => entered !== this.#entered || line !== this.#current();
    const offer: Offer = isStale() ? [[], ''] : await this.#ask(line).catch((): Offer => [[], '']);
    if (entered !== this.#entered) return;
    const [candidates, word] = isStale() ? [[], ''] : offer;
    give([candidates, word]);
    if (candidates.length > 1) this.#grown = { from: typed, to: this.#current() };
  }
}

/**
 * Readline takes the last character alone of what comes at once for a key, and what is before it for text that was
 * pasted: of two quick Tabs the first would stand in the line. Tabs at the end of it are keys, all of them.
 */
export function takeTabsForKeys(input: NodeJS.EventEmitter, readline: object): void {
  /** Tabs of what came last that are within the text. */
  let pasted = 0;
  input.prependListener('data', (chunk: Uint8Array | string) => {
    const text = typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk);
    pasted = text.replace(/\t+$/, '').split('\t').length - 1;
  });
  input.prependListener('keypress', (_text: string | undefined, key: { readonly name?: string } | undefined) => {
    if (key?.name !== 'tab') return;
    if (pasted > 0) pasted--;
    else Object.assign(readline, { isCompletionEnabled: true });
  });
}
