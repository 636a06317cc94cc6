// The big picture: what the capture delivers, before and while it is live. Muted: it stands beside its microphone.
import { useEffect, useRef, useState } from 'react';
import { currentWire, useConsole } from '../stores.ts';
import { PreviewPlayer } from './preview-player.ts';

export function PreviewStage({ label }: { label: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isMoving, setIsMoving] = useState(false);
  const isOpen = useConsole((store) => store.connection === 'open');
  useEffect(() => {
    const wire = currentWire();
    if (!video.current || !wire || !isOpen) return;
    const player = new PreviewPlayer(video.current, setProblem);
    const stop = wire.preview((data) => player.hear(data));
    return () => {
      stop();
      player.close();
    };
  }, [isOpen]);
  return (
    <div className="stage">
      <video
        ref={video}
        muted
        playsInline
        aria-label={`Preview of ${label}`}
        onPlaying={() => setIsMoving(true)}
        onEmptied={() => setIsMoving(false)}
      />
      {!isMoving && (
        <p className="stage-note">
          {problem ?? (isOpen ? 'The picture comes in a moment.' : 'The picture comes back with the connection.')}
        </p>
      )}
      {isMoving && problem !== null && <p className="stage-note bottom">{problem}</p>}
    </div>
  );
}
