/** Tabs faster than their answers, and lines that changed meanwhile. */

import { describe, expect, it } from 'vitest';
import { TabQueue, type Offer } from './tab.ts';

/** A line, edited as readline edits it; answers come when the test says so. */
class Line {
  text = '';
  readonly asked: { readonly line: string; readonly answer: (offer: Offer) => void }[] = [];
  readonly offers: (readonly string[])[] = [];
  readonly tabs = new TabQueue(
    (line) => new Promise((answer) => this.asked.push({ line, answer })),
    () => this.text,
  );

  tab(): Promise<void> {
    return this.tabs.press(this.text, ([candidates, word]) => {
      this.offers.push(candidates);
      let common = candidates[0] ?? word;
      while (!candidates.every((candidate) => candidate.startsWith(common))) common = common.slice(0, -1);
      if (common.startsWith(word)) this.text += common.slice(word.length);
    });
  }

  async answer(index: number, candidates: string[], word: string): Promise<void> {
    await settle();
    this.asked[index]?.answer([candidates, word]);
    await settle();
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe('Tab', () => {
  it('twice at once: the second asks for the line as the first left it', async () => {
    const line = new Line();
    line.text = 'sym nfs_up';
    const both = [line.tab(), line.tab(), line.tab()];
    await line.answer(0, ['nfs_updatepage', 'nfs_update_inode'], 'nfs_up');
    expect(line.text).toBe('sym nfs_update');
    await line.answer(1, ['nfs_updatepage', 'nfs_update_inode'], 'nfs_update');
    await line.answer(2, ['nfs_updatepage', 'nfs_update_inode'], 'nfs_update');
    await Promise.all(both);
    expect(line.asked.map((entry) => entry.line)).toEqual(['sym nfs_up', 'sym nfs_update', 'sym nfs_update']);
    expect(line.offers.at(-1)).toHaveLength(2);
  });

  it('twice at once, where the first completed the word: the second offers nothing', async () => {
    const line = new Line();
    line.text = 'bt 15';
    const both = [line.tab(), line.tab()];
    await line.answer(0, ['15 '], '15');
    await Promise.all(both);
    expect(line.asked).toHaveLength(1);
    expect(line).toMatchObject({ text: 'bt 15 ', offers: [['15 '], []] });
    void line.tab();
    await settle();
    expect(line.asked[1]?.line).toBe('bt 15 ');
  });

  it('offers nothing to a line that changed, and the next one is asked again', async () => {
    const line = new Line();
    line.text = 'bt 1';
    void line.tab();
    line.text = 'bt 1x';
    await line.answer(0, ['15 '], '1');
    expect(line).toMatchObject({ text: 'bt 1x', offers: [[]] });
    line.text = 'bt 1';
    void line.tab();
    await line.answer(0, ['15 '], '1');
    expect(line.text).toBe('bt 15 ');
  });

  it('is forgotten with its line, and a failure offers nothing', async () => {
    const line = new Line();
    line.text = 'bt 1';
    const tab = line.tab();
    await settle();
    line.tabs.forget();
    await line.answer(0, ['15 '], '1');
    await tab;
    expect(line).toMatchObject({ text: 'bt 1', offers: [] });
    const offers: unknown[] = [];
    const failing = new TabQueue(
      () => Promise.reject(new Error('the engine died')),
      () => 'bt',
    );
    await failing.press('bt', (offer) => offers.push(offer));
    expect(offers).toEqual([[[], '']]);
  });
});
