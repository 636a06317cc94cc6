// The monitor in the rail: the lamp's word over the very picture that viewers see. Runs on every pane, so that the lamp is always true.
import { useEffect, useRef } from 'react';
import { delay } from '../format.ts';
import { StateMark } from '../state-mark.tsx';
import { useConsole, useMesh } from '../stores.ts';
import { isPushed, lampText } from './lamp.ts';
import { startMonitor } from './monitor.ts';
import { useLamp, useMonitor, useStreamName } from './monitor-store.ts';
import './monitor-box.css';

export function MonitorBox() {
  const video = useRef<HTMLVideoElement>(null);
  const lamp = useLamp();
  const text = lamp && lampText(lamp);
  const link = useConsole((store) => store.state?.link ?? null);
  const name = useStreamName();
  const streamState = useMesh(({ tables }) => tables.streams[name]?.state ?? null);
  const isOnAir = useConsole(({ state }) => {
    const capture = state?.capture.state;
    if (capture === undefined) return false;
    return (
      capture.is === 'live' ||
      capture.is === 'reconnecting' ||
      capture.is === 'external' ||
      isPushed(capture, streamState)
    );
  });
  const report = useMonitor((monitor) => monitor.report);
  useEffect(() => {
    if (!video.current || link === null || !isOnAir) return;
    const stop = startMonitor(video.current, link, (next) => useMonitor.setState({ report: next }));
    return () => {
      stop();
      useMonitor.setState({ report: null });
    };
  }, [link, isOnAir]);
  return (
    <section className="monitor" aria-label="On air">
      <p role="status">
        <StateMark tone={text?.tone ?? 'busy'}>
          {lamp?.is === 'reconnecting' ? 'Reconnecting' : (text?.word ?? 'Loading')}
        </StateMark>
      </p>
      <div className="monitor-picture" title="What viewers see, played by this console">
        <video ref={video} muted playsInline aria-label="Monitor: what viewers see" data-monitor />
        {(report?.frames ?? 0) === 0 && <span>{isOnAir ? 'No picture yet' : 'Off air'}</span>}
      </div>
      <p className="small soft monitor-line">
        {report === null
          ? 'Monitor rests'
          : `${report.frames.toLocaleString('en')} frames${report.delayMs === null ? '' : `, ${delay(Math.max(0, report.delayMs))}`}`}
      </p>
    </section>
  );
}
