// The `ready` line of each server: what whoever started it learns from it. Ports are the real ones, so that a restarted program can
// be given the same again.
import * as v from 'valibot';
import { Url } from '../../protocol/fields.ts';

const Port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));

export const CoordinateReady = v.object({
  /** `http://127.0.0.1:8080`, or the public address. */
  coordinate: Url,
  port: Port,
});
export type CoordinateReady = v.InferOutput<typeof CoordinateReady>;

export const TrackerReady = v.object({
  /** `http://127.0.0.1:9090`. */
  tracker: Url,
  port: Port,
  stunPort: v.nullable(Port),
});
export type TrackerReady = v.InferOutput<typeof TrackerReady>;

export const ForwardReady = v.object({
  /** `ws://127.0.0.1:9999/push` */
  push: Url,
  /** `ws://127.0.0.1:9998/pull` */
  pull: Url,
  /** `http://127.0.0.1:9998/debug` */
  debug: Url,
  pushPort: Port,
  pullPort: Port,
});
export type ForwardReady = v.InferOutput<typeof ForwardReady>;
