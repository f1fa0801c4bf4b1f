import { BlockList, isIP } from 'node:net';

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** An IPv4 address that came over IPv6 counts as IPv4 (RFC 4291 §2.5.5.2). */
const plain = (address: string) => mapped.exec(address)?.[1] ?? address;

function add(list: BlockList, range: string): boolean {
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
export const isRange = (text: string): boolean => add(new BlockList(), text);

const MOST_KEPT = 500;
const kept = new Map<string, BlockList>();

/** True when the address is in one of the ranges. A malformed address or range is in none. */
export function addressInRanges(address: string, ranges: readonly string[]): boolean {
  const key = ranges.join(' ');
  if (key === '0.0.0.0/0 ::/0') return isIP(plain(address)) !== 0;
  let list = kept.get(key);
  if (list === undefined) {
    list = new BlockList();
    for (const range of ranges) add(list, range);
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(key, list);
  }
  const own = plain(address);
  const version = isIP(own);
  return version !== 0 && list.check(own, version === 4 ? 'ipv4' : 'ipv6');
}
