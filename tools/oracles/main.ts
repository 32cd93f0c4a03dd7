// Asks crash and drgn about the fixtures, and keeps what they say beside the dumps.
// usage: npm run oracles [-- NAME ...]     none named: all but the optional fixtures
import { ensureFixtures, fixtureNames } from '../fixtures/fixtures.ts';
import { ensureDebugTools } from './debug-tools.ts';
import { runTool } from '../lib/tool-error.ts';
import { ensureOracles } from './oracles.ts';

await runTool(async () => {
  const named = process.argv.slice(2);
  await ensureDebugTools();
  for (const fixture of await ensureFixtures(named.length > 0 ? named : fixtureNames('default'))) {
    const oracles = await ensureOracles(fixture);
    console.log('folder' in oracles ? oracles.folder : `${fixture.info.name}: no oracles: ${oracles.unavailable}`);
  }
});
