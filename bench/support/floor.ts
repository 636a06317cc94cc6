// The floor that every peer-to-peer system stands on: one hop, WebSocket to MSE, one fragment a frame, written without regard for
// anything else. Measured in the same run as the product.
import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

export interface Floor {
  /** Push MPEG-TS here. */
  push: string;
  watch: string;
  close(): Promise<void>;
}

/** Buffer that plays without a stall at one fragment a frame (FACTS: 30 ms stalls, 70 ms does not). */
const TARGET_S = 0.07;

const PAGE = `<!doctype html><video muted autoplay playsinline></video><script>
const video=document.querySelector('video'),source=new MediaSource(),queue=[];let buffer=null;video.src=URL.createObjectURL(source);
const pump=()=>{if(buffer&&!buffer.updating&&queue.length){const n=queue.reduce((s,c)=>s+c.byteLength,0),all=new Uint8Array(n);let at=0;for(const c of queue)all.set(new Uint8Array(c),at),at+=c.byteLength;queue.length=0;buffer.appendBuffer(all)}};
source.onsourceopen=()=>{const socket=new WebSocket(location.href.replace('http','ws'));socket.binaryType='arraybuffer';socket.onmessage=({data})=>{if(typeof data==='string'){buffer=source.addSourceBuffer(data);buffer.mode='segments';buffer.onupdateend=pump}else queue.push(data);pump()}};
setInterval(()=>{if(!buffer||!buffer.buffered.length)return;const end=buffer.buffered.end(buffer.buffered.length-1),ahead=end-video.currentTime;if(video.currentTime<buffer.buffered.start(0)||ahead>1+${TARGET_S})video.currentTime=end-${TARGET_S};else{const off=ahead-${TARGET_S};video.playbackRate=Math.abs(off)<0.02?1:Math.max(0.9,Math.min(1.5,1+2*off))}
if(!buffer.updating&&video.currentTime>20)buffer.remove(0,video.currentTime-10)},40)</script>`;

export async function startFloor(ffmpeg: string): Promise<Floor> {
  let init: Buffer | null = null;
  let mime = '';
  let run: Buffer[] = [];
  const viewers = new Set<WebSocket>();
  const take = (box: Buffer, isInit: boolean): void => {
    if (isInit) {
      init = box;
      const at = box.indexOf('avcC');
      mime = `video/mp4; codecs="avc1.${box.subarray(at + 5, at + 8).toString('hex')}"`;
      return;
    }
    if (isKey(box)) run = [];
    run.push(box);
    for (const viewer of viewers) viewer.send(box);
  };
  const server = createServer((request, response) => {
    if (request.method !== 'PUT' && request.method !== 'POST')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
    remux(ffmpeg, request, take);
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => {
    if (!init) return socket.close();
    socket.send(mime);
    socket.send(init);
    for (const fragment of run) socket.send(fragment);
    viewers.add(socket);
    socket.on('close', () => viewers.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    push: `http://127.0.0.1:${port}/push`,
    watch: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        for (const viewer of viewers) viewer.terminate();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** MPEG-TS in, one moof and mdat per frame out. */
function remux(ffmpeg: string, request: IncomingMessage, take: (box: Buffer, isInit: boolean) => void): void {
  const args =
    '-v error -probesize 32768 -analyzeduration 0 -fpsprobesize 0 -f mpegts -i pipe:0 -an -c:v copy -f mp4 -movflags empty_moov+default_base_moof+frag_every_frame -flush_packets 1 pipe:1';
  const child = spawn(ffmpeg, args.split(' '), { stdio: ['pipe', 'pipe', 'inherit'] });
  request.pipe(child.stdin);
  child.stdin.on('error', () => undefined);
  request.on('close', () => child.kill('SIGKILL')); // without last words about the broken pipe
  let rest = Buffer.alloc(0);
  let begun: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 8 && rest.length >= rest.readUInt32BE(0)) {
      const box = rest.subarray(0, rest.readUInt32BE(0));
      rest = rest.subarray(box.length);
      const type = box.toString('latin1', 4, 8);
      begun.push(box);
      if (type !== 'moov' && type !== 'mdat') continue;
      take(Buffer.concat(begun), type === 'moov');
      begun = [];
    }
  });
}

/** sample_flags of the first sample: not "is a difference" means a keyframe. */
function isKey(fragment: Buffer): boolean {
  const trun = fragment.indexOf('trun');
  if (trun < 0) return false;
  const flags = fragment.readUInt32BE(trun + 4) & 0xffffff;
  if (flags & 0x4) return (fragment.readUInt32BE(trun + 12 + (flags & 1 ? 4 : 0)) & 0x10000) === 0;
  const tfhd = fragment.indexOf('tfhd');
  const tf = fragment.readUInt32BE(tfhd + 4) & 0xffffff;
  if (!(tf & 0x20)) return false;
  const at = tfhd + 12 + (tf & 1 ? 8 : 0) + (tf & 2 ? 4 : 0) + (tf & 8 ? 4 : 0) + (tf & 16 ? 4 : 0);
  return (fragment.readUInt32BE(at) & 0x10000) === 0;
}
