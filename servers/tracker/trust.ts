// Whom to believe about bad slices [T15]. A slice that fails its seal is proof to the child that had it and a mere word to the tracker:
// one word moves an edge, a second from a viewer that cannot easily be the same person convicts, and who speaks against many peers with
// whom everybody else is content is no longer listened to. Pure: what follows from a verdict is lost-edges.ts.

/** A word waits so long for a second one. */
const WORD_MS = 5 * 60_000;
/** Two words within this time, too few to convict: the peer serves nobody for a while. */
const AGREE_WITHIN_MS = 10_000;
/** Who accuses several peers within this time is looked at itself. */
const LATELY_MS = 60_000;
/** So many peers with other, content children; and so many in any case: with four slices an honest viewer may have four bad parents. */
const LIAR_AT = 3;
const LIAR_AT_ANYWAY = 6;
export const VOICELESS_MS = 5 * 60_000;
const MAX_WORDS = 16;
const MAX_REMEMBERED = 10_000;

export interface Accusation {
  accuser: string;
  /** Where the accuser is in the network. */
  network: string;
  accused: string;
  /** Other viewers that the accused feeds now. */
  otherChildren: number;
  /** The swarm has viewers in more than one network. */
  isMixed: boolean;
}

export interface Verdict {
  movesEdge: boolean;
  /** Peers that serve nobody for the rest of their session. */
  convicted: string[];
  /** The accused serves nobody for a while: two agree, and could be one person. */
  isSuspended: boolean;
  /** The accuser is not listened to any more. */
  losesVoice: boolean;
}

export interface Standing {
  /** silenced: its own accusations count for nothing. */
  trust: 'good' | 'accused' | 'convicted' | 'silenced';
  /** One sentence; null for a good one. */
  trustWhy: string | null;
}

interface Word extends Omit<Accusation, 'accused' | 'isMixed'> {
  ms: number;
}

const GOOD: Standing = { trust: 'good', trustWhy: null };

export class Trust {
  /** By the accused. Outlives sessions: who comes back is the same peer. */
  readonly #words = new Map<string, Word[]>();
  /** By the accuser: whom it accused, and when. */
  readonly #said = new Map<string, Map<string, number>>();
  readonly #convicted = new Map<string, string>();
  readonly #voiceless = new Map<string, { untilMs: number; accused: number }>();

  /** Takes a child's word that a parent which the tracker had planned for it sent a slice with a broken seal. */
  hear(accusation: Accusation, nowMs: number): Verdict {
    const { accuser, network, accused, otherChildren, isMixed } = accusation;
    const verdict: Verdict = { movesEdge: true, convicted: [], isSuspended: false, losesVoice: false };
    if (this.#convicted.has(accused)) return verdict;
    if (this.isVoiceless(accuser, nowMs) || this.#convicted.has(accuser)) return { ...verdict, movesEdge: false };
    const words = this.#about(accused, nowMs).filter((word) => word.accuser !== accuser);
    words.push({ accuser, network, otherChildren, ms: nowMs });
    keep(this.#words, accused, words.slice(-MAX_WORDS));
    const said = this.#said.get(accuser) ?? new Map<string, number>();
    said.delete(accused);
    keep(this.#said, accuser, said.set(accused, nowMs));
    for (const [other, ms] of said) if (nowMs - ms >= WORD_MS) said.delete(other);
    if (this.#isLiar(accuser, nowMs)) {
      this.#silence(accuser, nowMs);
      return { ...verdict, losesVoice: true };
    }
    // A word that is seconded now may free other words of the same viewers from doubt.
    for (const suspect of new Set(words.flatMap((word) => [...(this.#said.get(word.accuser)?.keys() ?? [])])))
      if (!this.#convicted.has(suspect) && this.#isProven(suspect, isMixed, nowMs)) {
        this.#convict(suspect, nowMs);
        verdict.convicted.push(suspect);
      }
    verdict.isSuspended =
      !verdict.convicted.includes(accused) && words.filter(({ ms }) => nowMs - ms < AGREE_WITHIN_MS).length >= 2;
    return verdict;
  }

  isConvicted(id: string): boolean {
    return this.#convicted.has(id);
  }

  isVoiceless(id: string, nowMs: number): boolean {
    return (this.#voiceless.get(id)?.untilMs ?? -Infinity) > nowMs;
  }

  of(id: string, nowMs: number): Standing {
    const why = this.#convicted.get(id);
    if (why !== undefined) return { trust: 'convicted', trustWhy: why };
    const words = this.#about(id, nowMs);
    if (words.length > 0) {
      const who = words.map((word) => word.accuser).join(', ');
      return { trust: 'accused', trustWhy: `By the word of ${who} it sent a slice with a broken seal.` };
    }
    if (!this.isVoiceless(id, nowMs)) return GOOD;
    const { accused = 0 } = this.#voiceless.get(id) ?? {};
    const trustWhy = `It accused ${accused} peers within a minute and nobody else did: its word counts for nothing.`;
    return { trust: 'silenced', trustWhy };
  }

  #about(accused: string, nowMs: number): Word[] {
    return (this.#words.get(accused) ?? []).filter((word) => nowMs - word.ms < WORD_MS);
  }

  /** What this viewer said lately and nobody else has said. */
  #unseconded(accuser: string, nowMs: number): Word[] {
    return [...(this.#said.get(accuser) ?? [])].flatMap(([accused, ms]) => {
      if (nowMs - ms >= LATELY_MS || this.#convicted.has(accused)) return [];
      const words = this.#about(accused, nowMs);
      return words.length === 1 && words[0]?.accuser === accuser ? words : [];
    });
  }

  #isLiar(accuser: string, nowMs: number): boolean {
    const alone = this.#unseconded(accuser, nowMs);
    const othersAreContent = alone.filter((word) => word.otherChildren > 0).length;
    return othersAreContent >= LIAR_AT || alone.length >= LIAR_AT_ANYWAY;
  }

  /** Two whose words stand alone nowhere else; from two networks, where there are two. */
  #isProven(accused: string, isMixed: boolean, nowMs: number): boolean {
    const words = this.#about(accused, nowMs);
    if (words.length < 2) return false;
    const witnesses = words.filter((word) => this.#unseconded(word.accuser, nowMs).length === 0);
    return isMixed ? new Set(witnesses.map((word) => word.network)).size >= 2 : witnesses.length >= 2;
  }

  #convict(accused: string, nowMs: number): void {
    const who = this.#about(accused, nowMs).map((word) => word.accuser);
    keep(this.#convicted, accused, `${who.join(' and ')} had slices of it that the coordinate never sealed.`);
    this.#words.delete(accused);
  }

  /** All that it said is taken back. */
  #silence(accuser: string, nowMs: number): void {
    const accused = this.#unseconded(accuser, nowMs).length;
    keep(this.#voiceless, accuser, { untilMs: nowMs + VOICELESS_MS, accused });
    for (const other of this.#said.get(accuser)?.keys() ?? []) {
      const left = this.#about(other, nowMs).filter((word) => word.accuser !== accuser);
      if (left.length > 0) this.#words.set(other, left);
      else this.#words.delete(other);
    }
    this.#said.delete(accuser);
  }
}

/** Sets as the newest; the oldest give way. */
function keep<T>(map: Map<string, T>, id: string, value: T): void {
  map.delete(id);
  map.set(id, value);
  for (const oldest of map.keys()) {
    if (map.size <= MAX_REMEMBERED) break;
    map.delete(oldest);
  }
}
