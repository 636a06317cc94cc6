// The Broadcast pane.

export function BroadcastPane() {
  return (
    <section className="pane" aria-labelledby="broadcast-title">
      <h1 id="broadcast-title">Broadcast</h1>
    </section>
  );
}
