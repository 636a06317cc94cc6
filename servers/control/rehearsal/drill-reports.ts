// Reports of drills in the data folder: JSON for programs, the same in words for people. The newest are kept.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import { DrillReport } from '../../../protocol/rehearsal.ts';
import type { Log } from '../../shared/log.ts';

const MOST = 20;

export class DrillReports {
  readonly #folder: string;
  readonly #log: Log;
  #reports: DrillReport[] | null = null;

  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  /** Newest first. */
  list(): DrillReport[] {
    this.#reports ??= this.#read();
    return this.#reports;
  }

  add(report: DrillReport): void {
    const kept = [report, ...this.list()];
    this.#reports = kept.slice(0, MOST);
    try {
      mkdirSync(this.#folder, { recursive: true });
      const base = path.join(this.#folder, nameOf(report));
      writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`);
      writeFileSync(`${base}.md`, inWords(report));
      for (const old of kept.slice(MOST))
        for (const ending of ['json', 'md'])
          rmSync(path.join(this.#folder, `${nameOf(old)}.${ending}`), { force: true });
    } catch (error) {
      this.#log.warn({ err: error }, 'a drill report could not be saved');
    }
  }

  #read(): DrillReport[] {
    let names: string[];
    try {
      names = readdirSync(this.#folder).filter((name) => name.endsWith('.json'));
    } catch {
      return []; // no drill yet
    }
    return names
      .flatMap((name) => {
        try {
          return v.parse(DrillReport, JSON.parse(readFileSync(path.join(this.#folder, name), 'utf8')));
        } catch (error) {
          this.#log.warn({ err: error, name }, 'a drill report cannot be read and is passed over');
          return [];
        }
      })
      .toSorted((a, b) => b.atMs - a.atMs)
      .slice(0, MOST);
  }
}

const nameOf = ({ name, atMs }: DrillReport): string => `${new Date(atMs).toISOString().replace(/[:.]/g, '-')}-${name}`;

export const inWords = ({
  name,
  atMs,
  viewers,
  what,
  verdict,
  sentences,
  seconds,
}: DrillReport): string => `# Drill ${name}: ${verdict}

${new Date(atMs).toISOString()}, ${viewers} synthetic viewers. ${what}

${sentences.map((sentence) => `- ${sentence}`).join('\n')}

| second | playing | late units | longest gap ms | delay ms |
|---|---|---|---|---|
${seconds.map((s) => `| ${s.second} | ${s.playing}/${s.viewers} | ${s.late}/${s.units} | ${s.longestGapMs} | ${s.delayP50Ms ?? ''} |`).join('\n')}
`;
