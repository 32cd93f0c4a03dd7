/** Which proxy leads to an address, by the variables that curl reads: curl(1), "ENVIRONMENT". */

export type Environment = (name: string) => string | undefined;

/** @throws TypeError where the variable holds no address */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const scheme = url.protocol.slice(0, -1);
  // The upper-case HTTP_PROXY is not read: a web server sets it to what its client says.
  const upper = scheme === 'http' ? [] : [environment(`${scheme.toUpperCase()}_PROXY`)];
  const variables = [environment(`${scheme}_proxy`), ...upper, environment('all_proxy'), environment('ALL_PROXY')];
  const text = variables.find((value) => value !== undefined && value !== '');
  if (text === undefined || isExcepted(url.hostname, environment('no_proxy') ?? environment('NO_PROXY') ?? ''))
    return undefined;
  return new URL(text.includes('://') ? text : `http://${text}`);
}

/** A list of names, each with all below it; `*` for every name. */
function isExcepted(host: string, list: string): boolean {
  return list
    .split(/[\s,]+/)
    .map((name) => name.replace(/^\./, ''))
    .some((name) => name !== '' && (name === '*' || host === name || host.endsWith(`.${name}`)));
}

/** The header by which the user is known to the proxy. */
export function proxyHeaders({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}
