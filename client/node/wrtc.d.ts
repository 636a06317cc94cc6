// What we use of @roamhq/wrtc: its own types lean on the DOM, which a Node room has not.
declare module '@roamhq/wrtc' {
  const wrtc: { RTCPeerConnection: new (configuration: unknown) => unknown };
  export default wrtc;
}
