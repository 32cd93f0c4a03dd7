/** vtop: from virtual to physical. */

import { UsageError } from '../../base/errors.ts';
import { isUserAddress } from '../../kernel/mm.ts';
import { translateKernel, translateUser } from '../../query/translate.ts';
import type { Command } from '../command.ts';

export const vtop: Command = {
  name: 'vtop',
  aliases: [],
  summary: 'the physical address of a virtual one, through the page tables',
  synopsis: ['vtop [-u | -k] [-c pid | task address] address|symbol ...'],
  options: [
    { flag: '-u', text: 'the address is of user space' },
    { flag: '-k', text: 'the address is of the kernel' },
    { flag: '-c', value: 'a pid or task address', text: "through that task's page tables" },
  ],
  exclusive: [['-u', '-k']],
  description: ['Shows every page-table entry on the way, the flags of the last one, and the struct page it leads to.'],
  examples: [
    { line: 'vtop linux_banner', text: 'of the kernel image' },
    { line: 'vtop -c 1 401000', text: 'of a process' },
  ],
  completes: 'symbol',
  many: true,
  *run(session, args) {
    if (args.words.length === 0) throw new UsageError('vtop wants an address or a symbol ("help vtop")');
    const context = args.value('-c');
    const task = context === undefined ? session.current : (session.tasksNamed(context)[0] ?? session.current);
    for (const word of args.words) {
      const address = session.address(word);
      const user = args.has('-u') || (!args.has('-k') && isUserAddress(session.kernel, address));
      yield user ? translateUser(session.kernel, task, address) : translateKernel(session.kernel, address);
    }
  },
};
