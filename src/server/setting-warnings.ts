import type { Config } from '#config/config.ts';
import { isLocalAddress } from '#encoding/address.ts';
import type { SetupWarning } from '#http/world.ts';

/** Addresses that listen for everybody. */
const isPublicListenAddress = (host: string): boolean =>
  host === '0.0.0.0' ||
  host === '::' ||
  ((host.includes(':') || /^[\d.]+$/.test(host)) && !isLocalAddress(host));

/** What of the settings alone does not fit together. */
export function findSettingWarnings({
  issuer,
  host,
  trustProxy,
  isInternetFacing,
}: Config): readonly SetupWarning[] {
  const warnings: SetupWarning[] = [];
  if (issuer.startsWith('https:') && trustProxy === 0)
    warnings.push({ kind: 'https-without-proxy', about: issuer });
  if (typeof trustProxy === 'number' && trustProxy > 0 && isPublicListenAddress(host))
    warnings.push({ kind: 'counted-on-every-address', about: host });
  if (issuer.startsWith('http:') && isInternetFacing)
    warnings.push({ kind: 'plain-http', about: issuer });
  return warnings;
}

const texts: Readonly<Record<SetupWarning['kind'], string>> = {
  'https-without-proxy':
    'the issuer is https, so a proxy is in front, and --trust-proxy does not name it: nobody is known by address',
  'counted-on-every-address':
    'proxies are trusted by number, and the port is open on every address: name their addresses with --trust-proxy',
  'plain-http':
    'the issuer is http and reached from outside: passwords, cookies and tokens travel in clear',
  'open-to-others': 'other users of this machine may read or change it: chmod o-rwx',
};

/** What the log says of it. */
export const formatWarning = ({ kind }: SetupWarning): string => texts[kind];
