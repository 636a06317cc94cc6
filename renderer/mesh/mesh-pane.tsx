// The Mesh pane.

export function MeshPane() {
  return (
    <section className="pane fill" aria-labelledby="mesh-title">
      <h1 id="mesh-title">Mesh</h1>
    </section>
  );
}
