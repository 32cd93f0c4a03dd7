/** faddr2line: file and line of addresses as call traces print them. */

import { parseFunctionAddresses } from '../../query/function-address.ts';
import { eachFunctionLines } from '../../query/function-lines.ts';
import { functionsOfKernel } from '../../query/function-sources.ts';
import type { Command } from '../command.ts';

export const faddr2line: Command = {
  name: 'faddr2line',
  aliases: [],
  summary: 'file and line of function+offset/size',
  synopsis: ['faddr2line function+offset[/size] [[module]] ...'],
  options: [],
  description: [
    'Prints where in the source an address of a call trace is, with every function that was inlined there, in the layout of the kernel\'s script of this name. Lines of a call trace are taken as they are, "RIP:" before an address included.',
    "The line is that of the call itself: where the bytes that end at the address are a call, it is looked up there; where they are none, the address itself is. Where that is in doubt both are printed. (The kernel's script names the line after the call.)",
    'Functions of one name are told apart by their size; where that does not suffice all of them are printed.',
  ],
  examples: [
    { line: 'faddr2line vfs_write+0x2c5/0x3e0', text: 'one address' },
    { line: 'faddr2line RIP: 0010:_raw_spin_lock+0x13/0x30', text: 'a line of an oops' },
    { line: 'faddr2line nfs_updatepage+0x997/0xd40 [nfs]', text: 'in a module' },
  ],
  completes: 'symbol',
  many: true,
  *run(session, args) {
    const source = functionsOfKernel(session.kernel);
    yield* eachFunctionLines(source, parseFunctionAddresses(args.words));
  },
};
