// For an encoder of one's own: address, key, a command to paste, and what OBS wants to know.
import { useState } from 'react';
import { CopyButton } from '../copy-button.tsx';
import { useConsole } from '../stores.ts';
import { deskOf, ffmpegCommand, LIST_DEVICES, obsValues, pushUrl } from './push-commands.ts';

export function ExternalPanel() {
  const push = useConsole((store) => store.state?.push ?? null);
  const platform = useConsole((store) => store.state?.platform ?? '');
  const [isKeyShown, setIsKeyShown] = useState(false);
  if (!push) return <p className="empty">The address comes when the servers are up.</p>;
  const desk = deskOf(platform);
  const shown = isKeyShown || push.key === null ? push : { ...push, key: 'KEY' };
  const command = ffmpegCommand(desk, push);
  return (
    <div className="external stack">
      <h2>Push your stream here</h2>
      <dl className="pairs">
        <dt>Address</dt>
        <dd>
          <code>{push.url}</code> <CopyButton text={pushUrl(push)} what="the push address with its key" />
        </dd>
        {push.key !== null && (
          <>
            <dt>Stream key</dt>
            <dd>
              <code>{isKeyShown ? push.key : '•'.repeat(12)}</code>
              <button type="button" aria-pressed={isKeyShown} onClick={() => setIsKeyShown(!isKeyShown)}>
                {isKeyShown ? 'Hide key' : 'Show key'}
              </button>
              <CopyButton text={push.key} what="the stream key" />
            </dd>
          </>
        )}
      </dl>
      <div className="stack">
        <div className="row">
          <h3>ffmpeg, {DESK_WORDS[desk]}</h3>
          <span className="space" />
          <CopyButton text={command} what="for ffmpeg" label="Copy command" />
        </div>
        <pre tabIndex={0} aria-label="ffmpeg command">
          {ffmpegCommand(desk, shown)}
        </pre>
        <p className="small soft">
          Your devices have other names? <code>{LIST_DEVICES[desk]}</code> lists them.{' '}
          {push.key === null ? '' : 'Copying puts the real key in.'}
        </p>
      </div>
      <details>
        <summary>OBS: Settings, Output, Advanced, Recording, Custom Output (FFmpeg)</summary>
        <table>
          <tbody>
            {obsValues(shown).map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <code>{value}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        <p className="small soft">Then press Start Recording in OBS: it records to this address.</p>
      </details>
    </div>
  );
}

const DESK_WORDS = { windows: 'Windows', macos: 'macOS', linux: 'Linux' } as const;
