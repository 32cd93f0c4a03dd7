/** Which debuginfod servers may be asked: only those that the user allowed. */

/** It asks the servers of the distributions. */
const COMMON_SERVER = 'https://debuginfod.elfutils.org';

/**
 * Addresses, empty where the user allowed none: neither by $DEBUGINFOD_URLS nor by --debuginfod.
 * @param option what stands behind --debuginfod=, empty where nothing does; undefined where it was not given
 */
export function debuginfodServers(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const variable = addressesIn(environment['DEBUGINFOD_URLS'] ?? '');
  if (option === undefined) return variable;
  const named = addressesIn(option);
  if (named.length > 0) return named;
  return variable.length > 0 ? variable : [COMMON_SERVER];
}

/** Besides addresses the variable may say how signatures are to be verified (ima:enforcing): debuginfod(7). */
function addressesIn(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '' && !word.startsWith('ima:'));
}
