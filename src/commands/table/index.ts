/** The command table: the one list that help, completion and every face are made from. */

import type { Command } from '../command.ts';
import { args, locals } from './variables.ts';
import { down, frame, up } from './frame.ts';
import { regs } from './regs.ts';
import { bt } from './bt.ts';
import { dis } from './dis.ts';
import { faddr2line } from './faddr2line.ts';
import { foreach } from './foreach.ts';
import { help } from './help.ts';
import { kmem } from './kmem.ts';
import { list } from './list.ts';
import { log } from './log.ts';
import { mod } from './mod.ts';
import { origin } from './origin.ts';
import { p, pd, px } from './p.ts';
import { ps } from './ps.ts';
import { quit } from './quit.ts';
import { dec, hex } from './radix.ts';
import { rd } from './rd.ts';
import { search } from './search.ts';
import { set } from './set.ts';
import { struct, union } from './struct.ts';
import { sym } from './sym.ts';
import { sys } from './sys.ts';
import { vtop } from './vtop.ts';
import { whatis } from './whatis.ts';

export const commands: readonly Command[] = [
  args,
  bt,
  dec,
  dis,
  down,
  faddr2line,
  foreach,
  frame,
  help,
  hex,
  kmem,
  list,
  locals,
  log,
  mod,
  origin,
  p,
  pd,
  ps,
  px,
  quit,
  rd,
  regs,
  search,
  set,
  struct,
  sym,
  sys,
  union,
  up,
  vtop,
  whatis,
];

export function findCommand(name: string): Command | undefined {
  return commands.find((command) => command.name === name || command.aliases.includes(name));
}

/** Names and aliases. */
export function commandNames(): string[] {
  return commands.flatMap((command) => [command.name, ...command.aliases]);
}
