import { BlockList, isIP } from 'node:net';

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** An IPv4 address that came over IPv6 counts as IPv4 (RFC 4291 §2.5.5.2). */
const unmapIpv4 = (address: string) => mapped.exec(address)?.[1] ?? address;

function addRange(list: BlockList, range: string): boolean {
  const [address = '', bits, ...more] = range.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0 || address.includes('%')) return false;
  const type = version === 4 ? 'ipv4' : 'ipv6';
  if (bits === undefined) list.addAddress(address, type);
  else if (!/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) return false;
  else list.addSubnet(address, Number(bits), type);
  return true;
}

/** True for a single address or a CIDR range, IPv4 or IPv6 (RFC 4632 §3.1). */
export const isIpRange = (text: string): boolean => addRange(new BlockList(), text);

/**
 * What stands for an address that is not known for sure (RFC 7239 §6.2). It is in no range but the
 * one of all addresses.
 */
export const UNKNOWN_ADDRESS = 'unknown';

const MAX_CACHED_LISTS = 500;
const blockLists = new Map<string, BlockList>();

/**
 * True when the address is in one of the ranges. An unknown one is only anywhere; a malformed
 * address or range is in none.
 */
export function addressInRanges(address: string, ranges: readonly string[]): boolean {
  const key = ranges.join(' ');
  if (key === '0.0.0.0/0 ::/0')
    return address === UNKNOWN_ADDRESS || isIP(unmapIpv4(address)) !== 0;
  let list = blockLists.get(key);
  if (list === undefined) {
    list = new BlockList();
    for (const range of ranges) addRange(list, range);
    if (blockLists.size >= MAX_CACHED_LISTS) blockLists.clear();
    blockLists.set(key, list);
  }
  const unmapped = unmapIpv4(address);
  const version = isIP(unmapped);
  return version !== 0 && list.check(unmapped, version === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Addresses that nobody on the internet has: loopback, private, link-local and shared ones (RFC
 * 6890).
 */
const LOCAL = [
  ...[
    '127.0.0.0/8',
    '10.0.0.0/8',
    '172.16.0.0/12',
    '192.168.0.0/16',
    '169.254.0.0/16',
    '100.64.0.0/10',
    '0.0.0.0/8',
  ],
  ...['::1', '::', 'fc00::/7', 'fe80::/10'],
];

/**
 * True for an address of the own machine or network, and where there is no address at all (a socket
 * of the machine).
 */
export const isLocalAddress = (address: string): boolean => {
  // A zone names an interface of ours (RFC 4007 §11).
  const [own = ''] = address.split('%', 1);
  return isIP(own) === 0 || addressInRanges(own, LOCAL);
};

/** The eight groups of an IPv6 address, as numbers (RFC 4291 §2.2). */
function ipv6Groups(address: string): readonly number[] {
  const [own = ''] = address.split('%', 1);
  const quad = /^([\da-f:]*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(own);
  const text = quad
    ? `${quad[1]}${((Number(quad[2]) << 8) | Number(quad[3])).toString(16)}:${((Number(quad[4]) << 8) | Number(quad[5])).toString(16)}`
    : own;
  const [head = '', tail] = text
    .split('::', 2)
    .map((part) => part.split(':').filter((group) => group !== '')) as [string[]?, string[]?];
  const front = head === '' ? [] : head;
  const back = tail ?? [];
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  return [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16));
}

/**
 * What one person has of addresses: an IPv4 address, or the /64 of an IPv6 one, all of which one
 * machine may use (RFC 6177 §2).
 */
export function networkOfAddress(address: string): string {
  const unmapped = unmapIpv4(address);
  if (isIP(unmapped) !== 6) return unmapped;
  return `${ipv6Groups(unmapped)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}
