// The link to hand out: copy, QR code, and how far it reaches.
import { QRCodeSVG } from 'qrcode.react';
import { CopyButton } from '../copy-button.tsx';
import { useConsole } from '../stores.ts';

export function ShareCard() {
  const link = useConsole((store) => store.state?.link ?? null);
  const to = useConsole((store) => store.state?.destination.to ?? 'here');
  return (
    <section className="card stack" aria-labelledby="share-title">
      <h2 id="share-title">Share</h2>
      {link === null ? (
        <p className="soft">The link comes when the servers are up.</p>
      ) : (
        <div className="share">
          <div className="qr">
            <QRCodeSVG value={link} size={92} marginSize={2} title="QR code of the watch link" />
          </div>
          <div className="stack">
            <a className="mono share-link" href={link} target="_blank" rel="noreferrer">
              {link}
            </a>
            <div className="row">
              <CopyButton text={link} what="for viewers" label="Copy link" />
            </div>
            <p className="small soft">{REACH[to]}</p>
          </div>
        </div>
      )}
    </section>
  );
}

const REACH = {
  here: 'Opens on this computer only. Choose “This network” below to let others watch.',
  network: 'Opens for everybody in this network.',
  server: 'Opens wherever your server is reached.',
} as const;
