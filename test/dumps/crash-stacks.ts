/** The stacks that crash's `bt` prints. */

export interface CrashFrame {
  readonly number: number;
  readonly slot: string;
  readonly name: string;
  readonly address: string;
}

export interface CrashStack {
  readonly task: string;
  readonly frames: readonly CrashFrame[];
}

export function crashStacks(text: string): CrashStack[] {
  const stacks: { task: string; frames: CrashFrame[] }[] = [];
  for (const line of text.split('\n')) {
    const task = /TASK: ([0-9a-f]+)/.exec(line)?.[1];
    if (task !== undefined) stacks.push({ task, frames: [] });
    const [, number, slot, name, address] = /^ *#(\d+) \[([0-9a-f]+)\] (\S+) at ([0-9a-f]+)/.exec(line) ?? [];
    if (number !== undefined && slot !== undefined && name !== undefined && address !== undefined) {
      stacks.at(-1)?.frames.push({ number: Number(number), slot, name, address });
    }
  }
  return stacks;
}
