// Every address that is handed out, in one place: as the servers name themselves, or derived from the public address when this
// coordinate carries their sockets on its own port [R5].
import type { ForwardRecord, TrackerRecord } from '../../../protocol/backbone.ts';

export class PublicAddress {
  /** `http(s)://…` without a trailing slash. */
  readonly base: string;
  readonly #carries: boolean;

  constructor(base: string, carries: boolean) {
    this.base = base.replace(/\/+$/, '');
    this.#carries = carries;
  }

  /** `ws(s)://…` to which `/at/<id>/…` is appended, or undefined when nothing is carried. */
  get carry(): string | undefined {
    return this.#carries ? this.base.replace(/^http/, 'ws') : undefined;
  }

  tracker(record: Pick<TrackerRecord, 'id' | 'resource'>): string {
    return this.carry === undefined ? record.resource : `${this.carry}/at/${record.id}/resource`;
  }

  pull(record: Pick<ForwardRecord, 'id' | 'pull'>): string {
    return this.carry === undefined ? record.pull : `${this.carry}/at/${record.id}/pull`;
  }
}
