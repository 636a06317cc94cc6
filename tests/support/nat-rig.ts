// Two homes behind a NAT each and a public host between them, in network namespaces: nothing of this machine's own network is touched.
//
//   host  203.0.113.10 ──┐
//   nat-a 203.0.113.11 ──┼── a bridge      nat-a ── 192.168.1.1/24 ── home-a 192.168.1.2
//   nat-b 203.0.113.12 ──┘                 nat-b ── 192.168.2.1/24 ── home-b 192.168.2.2
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { start, type Owned } from './processes.ts';

const PLACES = ['middle', 'host', 'nat-a', 'nat-b', 'home-a', 'home-b'] as const;
export type Place = (typeof PLACES)[number];

/** Why no rig can be built here, as a sentence; null when it can. */
export function whyNoRig(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'Two NATs need network namespaces: run this test as root on Linux.';
  const probe = `p2plive-probe-${randomBytes(3).toString('hex')}`;
  try {
    run('ip', ['netns', 'add', probe]);
    run('ip', ['netns', 'exec', probe, 'iptables', '-t', 'nat', '-L']);
    return null;
  } catch {
    return 'Two NATs need network namespaces: install iproute2 and iptables, and allow this machine to make namespaces.';
  } finally {
    quietly('ip', ['netns', 'del', probe]);
  }
}

export class NatRig {
  /** Where viewers find the public host. */
  readonly host = '203.0.113.10';
  readonly outside = { a: '203.0.113.11', b: '203.0.113.12' };
  readonly #run = `p2plive-${randomBytes(3).toString('hex')}`;

  static build(): NatRig {
    const rig = new NatRig();
    try {
      rig.#build();
      return rig;
    } catch (error) {
      rig.remove();
      throw error;
    }
  }

  /** The words before a command that make it run there. */
  at(place: Place): string[] {
    return ['ip', 'netns', 'exec', this.#name(place)];
  }

  start(place: Place, command: string, args: readonly string[], env: Record<string, string> = {}): Owned {
    const [ip = 'ip', ...words] = this.at(place);
    return start(ip, [...words, command, ...args], env);
  }

  /** What runs in it must have ended before. */
  remove(): void {
    for (const place of PLACES) quietly('ip', ['netns', 'del', this.#name(place)]);
  }

  #build(): void {
    for (const place of PLACES) {
      run('ip', ['netns', 'add', this.#name(place)]);
      this.#ip(place, 'link set lo up');
    }
    this.#ip('middle', 'link add br0 type bridge');
    this.#ip('middle', 'link set br0 up');
    this.#join('host', this.host);
    for (const [end, home] of [
      ['a', '192.168.1'],
      ['b', '192.168.2'],
    ] as const) {
      this.#join(`nat-${end}`, this.outside[end]);
      this.#house(end, home);
      this.#translate(`nat-${end}`);
    }
  }

  #name(place: Place): string {
    return `${this.#run}-${place}`;
  }

  #ip(place: Place, words: string): void {
    run('ip', ['-n', this.#name(place), ...words.split(' ')]);
  }

  /** Plugs a place into the public network. */
  #join(place: Place, address: string): void {
    this.#ip(place, `link add wan0 type veth peer name p-${place} netns ${this.#name('middle')}`);
    this.#ip('middle', `link set p-${place} master br0`);
    this.#ip('middle', `link set p-${place} up`);
    this.#ip(place, `addr add ${address}/24 dev wan0`);
    this.#ip(place, 'link set wan0 up');
  }

  /** A home behind its router. */
  #house(end: 'a' | 'b', network: string): void {
    this.#ip(`nat-${end}`, `link add lan0 type veth peer name eth0 netns ${this.#name(`home-${end}`)}`);
    this.#ip(`nat-${end}`, `addr add ${network}.1/24 dev lan0`);
    this.#ip(`nat-${end}`, 'link set lan0 up');
    this.#ip(`home-${end}`, `addr add ${network}.2/24 dev eth0`);
    this.#ip(`home-${end}`, 'link set eth0 up');
    this.#ip(`home-${end}`, `route add default via ${network}.1`);
  }

  /** An ordinary home router: it keeps the source port where it can, and lets in only what was asked for. */
  #translate(place: Place): void {
    const inside = (words: string): void => run('ip', ['netns', 'exec', this.#name(place), ...words.split(' ')]);
    inside('sysctl -qw net.ipv4.ip_forward=1');
    inside('iptables -t nat -A POSTROUTING -o wan0 -j MASQUERADE');
    // Without these two an early check from the other side makes an entry on the router itself, and the way out that should have met
    // it gets another port.
    inside('iptables -A INPUT -i wan0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT');
    inside('iptables -A INPUT -i wan0 -j DROP');
    inside('iptables -A FORWARD -i lan0 -o wan0 -j ACCEPT');
    inside('iptables -A FORWARD -i wan0 -o lan0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT');
    inside('iptables -P FORWARD DROP');
  }
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** For what may not be there. */
function quietly(command: string, args: readonly string[]): void {
  try {
    run(command, args);
  } catch {
    return; // it is gone already, or never was
  }
}
