// The devices of the machine that captures, read when the connection opens and when asked again.
import { useCallback, useEffect, useState } from 'react';
import type { Devices } from '../../protocol/control.ts';
import { call, useConsole } from '../stores.ts';

export interface DeviceList {
  /** null until read. */
  devices: Devices | null;
  isReading: boolean;
  problem: string | null;
  readAgain: () => void;
}

export function useDevices(): DeviceList {
  const isOpen = useConsole((store) => store.connection === 'open');
  const [devices, setDevices] = useState<Devices | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isReading, setIsReading] = useState(false);
  const readAgain = useCallback(() => {
    setIsReading(true);
    void call('listDevices').then((outcome) => {
      setIsReading(false);
      if (outcome.ok) setDevices(outcome.value);
      setProblem(outcome.ok ? outcome.value.problem : outcome.detail);
    });
  }, []);
  useEffect(() => {
    if (isOpen) readAgain();
  }, [isOpen, readAgain]);
  return { devices, isReading, problem, readAgain };
}
