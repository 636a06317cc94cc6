// The audience as the control plane sees it: words of its child that are no event, and a child that ends while an order waits.
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { AudienceRun } from '../../servers/control/rehearsal/audience-run.ts';
import { until } from '../support/until.ts';

const ASK = { viewers: 2, uplink: 'equal', churnPerMinute: 0, loss: 0, evil: 0, seed: 1, seconds: 5 } as const;

function started() {
  const stdout = new PassThrough();
  const said: string[] = [];
  let exit: (code: number | null, signal: string | null) => void = () => {};
  const run = new AudienceRun(
    {
      pid: 1,
      stdout,
      stderr: new PassThrough(),
      onExit: (done) => (exit = done),
      say: (line) => void said.push(line),
      stop: () => {},
      kill: () => {},
    },
    ASK,
    () => {},
  );
  return { run, said, hear: (line: string) => void stdout.write(`${line}\n`), exit: () => exit(1, null) };
}

it('passes over what is no event, and goes on hearing', async () => {
  const { run, hear } = started();
  hear('{ not json');
  hear('{"event":"unheard-of"}');
  hear('{"event":"settled"}');
  await until('the audience to watch', () => run.view.is === 'watching');
});

it('answers an order that the audience did not live to obey', async () => {
  const { run, said, exit } = started();
  const answer = run.order({ do: 'poison' });
  expect(said).toEqual(['{"do":"poison"}']);
  exit();
  expect(await answer).toEqual({ why: 'The audience ended before it obeyed.' });
  expect(run.isRunning).toBe(false);
});
